/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An animated picture in shared memory, which an X server reads from there (MIT-SHM).
 *
 *     cc -o x11-frame x11-frame.c $(pkg-config --cflags --libs libshmx xcb-shm)
 *     ./x11-frame sysv             an anonymous System V segment, whose id the server gets
 *     ./x11-frame sysv:/frame      a System V segment with a name
 *     ./x11-frame posix            an anonymous POSIX segment, whose descriptor the server gets
 *     ./x11-frame posix 3          ends after three pictures, and compares each with what is shown
 *
 * If pictures are compared, the last one is saved in x11-frame.ppm, as the server shows it.
 */
#include <errno.h>
#include <shmx.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xcb/shm.h>
#include <xcb/xcb.h>

enum { WIDTH = 320, HEIGHT = 200, PIXELS = WIDTH * HEIGHT, SIZE = PIXELS * 4 };

static xcb_connection_t *x;
static xcb_screen_t     *screen;
static xcb_window_t      window;
static xcb_gcontext_t    gc;

static void
fail(const char *what, const char *why)
{
    fprintf(stderr, "x11-frame: %s: %s\n", what, why);
    exit(1);
}

static void
check(const char *what, int r)
{
    if (r < 0)
        fail(what, shmx_strerror(r));
}

static void
check_request(const char *what, xcb_void_cookie_t cookie)
{
    if (xcb_request_check(x, cookie) != NULL)
        fail(what, "refused by the X server");
}

static void
open_window(void)
{
    const uint32_t events = XCB_EVENT_MASK_EXPOSURE;

    x = xcb_connect(NULL, NULL);
    if (xcb_connection_has_error(x))
        fail("xcb_connect", "no X server (DISPLAY)");
    screen = xcb_setup_roots_iterator(xcb_get_setup(x)).data;
    if (screen->root_depth != 24 || xcb_get_setup(x)->image_byte_order != XCB_IMAGE_ORDER_LSB_FIRST)
        fail("screen", "this example draws 24 bits, lowest byte first");
    window = xcb_generate_id(x);
    xcb_create_window(x, XCB_COPY_FROM_PARENT, window, screen->root, 0, 0, WIDTH, HEIGHT, 0,
                      XCB_WINDOW_CLASS_INPUT_OUTPUT, screen->root_visual, XCB_CW_EVENT_MASK,
                      &events);
    gc = xcb_generate_id(x);
    xcb_create_gc(x, gc, window, 0, NULL);
    xcb_map_window(x, window);
    xcb_flush(x);
    free(xcb_wait_for_event(x)); /* the window can be seen now */
}

/* Lets the server attach the segment, too. */
static xcb_shm_seg_t
share(struct shmx *seg)
{
    xcb_shm_seg_t    shared = xcb_generate_id(x);
    struct shmx_stat st;
    int              fd = shmx_fd(seg);

    check("stat", shmx_stat(seg, &st));
    if (st.backend == SHMX_SYSV)
        check_request("MIT-SHM attach", xcb_shm_attach_checked(x, shared, (uint32_t)st.id, 0));
    else {
        fd = dup(fd); /* xcb closes the descriptor that it sends */
        if (fd < 0)
            fail("dup", strerror(errno));
        check_request("MIT-SHM attach_fd", xcb_shm_attach_fd_checked(x, shared, fd, 0));
    }
    return shared;
}

static void
draw(uint32_t *pixel, unsigned time)
{
    unsigned row, column;

    for (row = 0; row < HEIGHT; row++)
        for (column = 0; column < WIDTH; column++)
            *pixel++ = ((column + time * 8) & 0xff) << 16 | ((row + time * 4) & 0xff) << 8
                       | ((row ^ column) & 0xff);
}

static void
save(const uint8_t *pixels)
{
    FILE *file = fopen("x11-frame.ppm", "wb");
    int   k;

    if (file == NULL)
        fail("x11-frame.ppm", strerror(errno));
    fprintf(file, "P6 %d %d 255\n", WIDTH, HEIGHT);
    for (k = 0; k < PIXELS; k++) {
        const uint8_t colours[] = { pixels[4 * k + 2], pixels[4 * k + 1], pixels[4 * k] };

        fwrite(colours, 1, sizeof colours, file);
    }
    if (fclose(file) != 0)
        fail("x11-frame.ppm", strerror(errno));
}

/* Compares what the server says that the window shows with what was drawn. */
static void
compare(const uint32_t *drawn)
{
    xcb_get_image_reply_t *image = xcb_get_image_reply(
        x, xcb_get_image(x, XCB_IMAGE_FORMAT_Z_PIXMAP, window, 0, 0, WIDTH, HEIGHT, ~0u), NULL);
    const uint8_t *shown = image != NULL ? xcb_get_image_data(image) : NULL;
    uint32_t       pixel;
    int            k;

    if (shown == NULL || xcb_get_image_data_length(image) != SIZE)
        fail("get_image", "no picture of that size");
    for (k = 0; k < PIXELS; k++) {
        memcpy(&pixel, shown + 4 * (size_t)k, 4);
        if ((pixel & 0xffffff) != drawn[k])
            fail("compare", "the window shows something else");
    }
    save(shown);
    free(image);
}

int
main(int argc, char **argv)
{
    const int     pictures = argc == 3 ? atoi(argv[2]) : 0;
    const char   *name = argc >= 2 ? strchr(argv[1], ':') : NULL;
    unsigned      time, backend;
    xcb_shm_seg_t shared;
    struct shmx  *seg;
    void         *pixels;

    if (argc < 2 || (strncmp(argv[1], "sysv", 4) != 0 && strncmp(argv[1], "posix", 5) != 0))
        fail("usage", "x11-frame sysv | posix | NAME [PICTURES]");
    backend = argv[1][0] == 's' ? SHMX_SYSV : SHMX_POSIX;
    open_window();
    /* The segment is ephemeral, so the memory goes when this program and the server have ended. */
    check(argv[1],
          shmx_create(name != NULL ? argv[1] : NULL, SIZE, 0600, backend | SHMX_EPHEMERAL, &seg));
    check("attach", shmx_attach(seg, 0, &pixels));
    shared = share(seg);
    for (time = 0; pictures == 0 || time < (unsigned)pictures; time++) {
        draw(pixels, time);
        check_request("MIT-SHM put_image",
                      xcb_shm_put_image_checked(x, window, gc, WIDTH, HEIGHT, 0, 0, WIDTH, HEIGHT,
                                                0, 0, screen->root_depth, XCB_IMAGE_FORMAT_Z_PIXMAP,
                                                0, shared, 0));
        if (pictures > 0)
            compare(pixels);
        usleep(40000);
    }
    xcb_shm_detach(x, shared);
    xcb_disconnect(x);
    shmx_destroy(seg); /* the name need not wait until the server has detached */
    shmx_close(seg);
    return 0;
}

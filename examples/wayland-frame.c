/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A picture in a sealed segment, which a Wayland compositor shows (wl_shm). The compositor need not
 * fear SIGBUS, because nobody can shrink such a segment.
 *
 *     protocol=/usr/share/wayland-protocols/stable/xdg-shell/xdg-shell.xml
 *     wayland-scanner client-header $protocol xdg-shell.h
 *     wayland-scanner private-code $protocol xdg-shell.c
 *     cc -o wayland-frame wayland-frame.c xdg-shell.c \
 *         $(pkg-config --cflags --libs libshmx wayland-client)
 *     ./wayland-frame      shows the picture until its standard input ends
 *
 * It prints "shown" to standard error when the compositor has shown the picture. When the input has
 * ended, it writes the picture to standard output as a PPM file.
 */
#include "xdg-shell.h"

#include <shmx.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wayland-client.h>

enum { WIDTH = 640, HEIGHT = 480, PIXELS = WIDTH * HEIGHT, SIZE = PIXELS * 4 };

static struct wl_compositor *compositor;
static struct wl_shm        *shm;
static struct xdg_wm_base   *shell;
static struct wl_surface    *surface;
static struct wl_buffer     *buffer;

static void
fail(const char *what, const char *why)
{
    fprintf(stderr, "wayland-frame: %s: %s\n", what, why);
    exit(1);
}

static void
check(const char *what, int r)
{
    if (r < 0)
        fail(what, shmx_strerror(r));
}

static void
take_global(void *data, struct wl_registry *registry, uint32_t name, const char *interface,
            uint32_t version)
{
    (void)data;
    (void)version;
    if (strcmp(interface, wl_compositor_interface.name) == 0)
        compositor = wl_registry_bind(registry, name, &wl_compositor_interface, 1);
    else if (strcmp(interface, wl_shm_interface.name) == 0)
        shm = wl_registry_bind(registry, name, &wl_shm_interface, 1);
    else if (strcmp(interface, xdg_wm_base_interface.name) == 0)
        shell = wl_registry_bind(registry, name, &xdg_wm_base_interface, 1);
}

static void
lose_global(void *data, struct wl_registry *registry, uint32_t name)
{
    (void)data;
    (void)registry;
    (void)name;
}

static void
note_frame(void *data, struct wl_callback *callback, uint32_t time)
{
    (void)time;
    wl_callback_destroy(callback);
    *(int *)data = 1;
}

/* The compositor is ready for the window. Now it gets the picture, and tells when it is shown. */
static void
configure(void *shown, struct xdg_surface *window, uint32_t serial)
{
    static const struct wl_callback_listener listener = { note_frame };

    xdg_surface_ack_configure(window, serial);
    wl_callback_add_listener(wl_surface_frame(surface), &listener, shown);
    wl_surface_attach(surface, buffer, 0, 0);
    wl_surface_damage(surface, 0, 0, WIDTH, HEIGHT);
    wl_surface_commit(surface);
}

static void
connect_to(struct wl_display *display)
{
    static const struct wl_registry_listener listener = { take_global, lose_global };
    struct wl_registry                      *registry;

    if (display == NULL)
        fail("wl_display_connect", "no compositor (WAYLAND_DISPLAY, XDG_RUNTIME_DIR)");
    registry = wl_display_get_registry(display);
    wl_registry_add_listener(registry, &listener, NULL);
    wl_display_roundtrip(display);
    if (compositor == NULL || shm == NULL || shell == NULL)
        fail("registry", "the compositor lacks wl_compositor, wl_shm or xdg_wm_base");
}

/* The compositor gets a descriptor of its own, which keeps the memory as long as it is needed. */
static void
make_buffer(struct shmx *seg)
{
    struct wl_shm_pool *pool = wl_shm_create_pool(shm, shmx_fd(seg), SIZE);

    buffer = wl_shm_pool_create_buffer(pool, 0, WIDTH, HEIGHT, WIDTH * 4, WL_SHM_FORMAT_XRGB8888);
    wl_shm_pool_destroy(pool);
}

static void
draw(uint32_t *pixel)
{
    unsigned row, column;

    for (row = 0; row < HEIGHT; row++)
        for (column = 0; column < WIDTH; column++)
            *pixel++ =
                0xff000000 | (column & 0xff) << 16 | (row & 0xff) << 8 | ((row ^ column) & 0xff);
}

static void
show(struct wl_display *display)
{
    static const struct xdg_surface_listener listener = { configure };
    struct xdg_surface                      *window;
    struct xdg_toplevel                     *toplevel;
    int                                      shown = 0;

    surface = wl_compositor_create_surface(compositor);
    window = xdg_wm_base_get_xdg_surface(shell, surface);
    xdg_surface_add_listener(window, &listener, &shown);
    toplevel = xdg_surface_get_toplevel(window);
    xdg_toplevel_set_title(toplevel, "wayland-frame");
    xdg_toplevel_set_fullscreen(toplevel, NULL);
    wl_surface_commit(surface);
    while (!shown)
        if (wl_display_dispatch(display) < 0)
            fail("wl_display_dispatch", "the connection has ended");
}

static void
save(const uint8_t *pixels)
{
    int k;

    printf("P6 %d %d 255\n", WIDTH, HEIGHT);
    for (k = 0; k < PIXELS; k++) {
        const uint8_t colours[] = { pixels[4 * k + 2], pixels[4 * k + 1], pixels[4 * k] };

        fwrite(colours, 1, sizeof colours, stdout);
    }
}

int
main(void)
{
    struct wl_display *display = wl_display_connect(NULL);
    struct shmx       *seg;
    void              *pixels;

    connect_to(display);
    check("create", shmx_create(NULL, SIZE, 0600, SHMX_POSIX | SHMX_SEALED, &seg));
    check("attach", shmx_attach(seg, 0, &pixels));
    draw(pixels);
    make_buffer(seg);
    show(display);
    fputs("shown\n", stderr);
    while (getchar() != EOF) {
    }
    save(pixels);
    wl_display_disconnect(display);
    shmx_close(seg);
    return 0;
}

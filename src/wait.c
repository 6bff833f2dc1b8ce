/* SPDX-License-Identifier: BSD-2-Clause */
/* Sleeping until a word in an attachment changes, and waking who sleeps: futex(2). */
#include "deadline.h"
#include "failure.h"
#include "segment.h"

#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Between two looks whether there are peers, nanoseconds. */
#define LOOK (100 * MILLISECOND)

/*
 * Before it sleeps, a thread looks at the word for a while, since to sleep and to be woken takes
 * about SPIN_MOST nanoseconds. If that was in vain, the next while is shorter; but now and then the
 * longest is tried again.
 */
#define SPIN_MOST  INT64_C(16384)
#define SPIN_LEAST INT64_C(256)
#define SPIN_TRIAL 64 /* the longest while once in so many times */
#define LOOKS      16 /* at the word, between two at the clock */

static long
futex(const uint32_t *word, int operation, uint32_t value, const struct timespec *until)
{
#ifdef SYS_futex_time64
    if (sizeof until->tv_sec > sizeof(long))
        return syscall(SYS_futex_time64, word, operation, value, until, NULL,
                       FUTEX_BITSET_MATCH_ANY);
#endif
    return syscall(SYS_futex, word, operation, value, until, NULL, FUTEX_BITSET_MATCH_ANY);
}

static bool
is_attached(struct shmx *seg, const uint32_t *word)
{
    struct attachment *a;
    bool               found = false;

    if (word == NULL || (uintptr_t)word % sizeof *word != 0)
        return false;
    pthread_mutex_lock(&seg->lock);
    LIST_FOREACH (a, &seg->attachments, link)
        if (a->addr != NULL && !(a->flags & SHMX_PRIVATE)
            && segment_overlap(a->base, a->length, (const char *)word, sizeof *word))
            found = true;
    pthread_mutex_unlock(&seg->lock);
    return found;
}

static inline bool
has_changed(const uint32_t *word, uint32_t value)
{
    return __atomic_load_n(word, __ATOMIC_ACQUIRE) != value;
}

static inline void
relax(void)
{
#if defined __x86_64__ || defined __i386__
    __builtin_ia32_pause();
#elif defined __aarch64__
    __asm__ volatile("yield");
#endif
}

/* Whether anybody else can run while this thread looks. */
static bool
has_processors(void)
{
    static _Atomic int count;
    cpu_set_t          set;

    if (atomic_load_explicit(&count, memory_order_relaxed) == 0)
        atomic_store_explicit(&count, /* it fails where the set is too small for all of them */
                              sched_getaffinity(0, sizeof set, &set) < 0 ? 2 : CPU_COUNT(&set),
                              memory_order_relaxed);
    return atomic_load_explicit(&count, memory_order_relaxed) > 1;
}

static bool
look_for(const uint32_t *word, uint32_t value, int64_t limit)
{
    const int64_t start = deadline_now();
    int           i;

    do
        for (i = 0; i < LOOKS; i++) {
            if (has_changed(word, value))
                return true;
            relax();
        }
    while (deadline_now() - start < limit);
    return has_changed(word, value);
}

/* True: the word has changed. What is learned is the handle's, and imprecise without harm. */
static bool
spin(struct shmx *seg, const uint32_t *word, uint32_t value)
{
    const unsigned count = atomic_load_explicit(&seg->spins, memory_order_relaxed);
    int64_t        limit = atomic_load_explicit(&seg->spin, memory_order_relaxed);
    const bool     trial = count % SPIN_TRIAL == 0;
    bool           changed;

    if (trial)
        limit = SPIN_MOST;
    atomic_store_explicit(&seg->spins, count + 1, memory_order_relaxed);
    changed = look_for(word, value, limit);
    if (changed)
        limit = limit * 2 < SPIN_MOST ? limit * 2 : SPIN_MOST;
    else
        limit = limit / 2 > SPIN_LEAST ? limit / 2 : SPIN_LEAST;
    if (changed || !trial)
        atomic_store_explicit(&seg->spin, limit, memory_order_relaxed);
    return changed;
}

/* 0: woken, or the word is another one already. With a timeout, the kernel does not go on by itself
   after a signal. */
static int
sleep_until(const uint32_t *word, uint32_t value, int64_t moment)
{
    const struct timespec until = deadline_time(moment);

    if (futex(word, FUTEX_WAIT_BITSET, value, &until) == 0 || errno == EAGAIN)
        return 0;
    return failure();
}

/* Sleep, and look for the peers now and then, also when the time is over or a signal came. */
static int
sleep_among_peers(struct shmx *seg, const uint32_t *word, uint32_t value, int64_t deadline)
{
    NO_CANCELLATION;
    int64_t until;
    int     r, peers;

    do {
        until = deadline_now() + LOOK;
        if (until > deadline)
            until = deadline;
        r = sleep_until(word, value, until);
        if (r == 0)
            return 0;
        peers = seg->backend->peers(seg);
        if (peers <= 0)
            return peers < 0 ? peers : -EPIPE;
    } while (r == -ETIMEDOUT && until < deadline);
    return r;
}

int
shmx_wait(struct shmx *seg, const uint32_t *word, uint32_t value, unsigned flags,
          const struct timespec *timeout)
{
    int64_t deadline;

    if (seg == NULL || (flags & ~SHMX_PEERS) || !deadline_after(timeout, &deadline)
        || !is_attached(seg, word))
        return -EINVAL;
    if (has_changed(word, value) || (has_processors() && spin(seg, word, value)))
        return 0;
    return flags & SHMX_PEERS ? sleep_among_peers(seg, word, value, deadline)
                              : sleep_until(word, value, deadline);
}

int
shmx_wake(struct shmx *seg, uint32_t *word, int count)
{
    long r;

    if (seg == NULL || count < 1 || !is_attached(seg, word))
        return -EINVAL;
    r = futex(word, FUTEX_WAKE, (uint32_t)count, NULL);
    return r < 0 ? failure() : (int)r;
}

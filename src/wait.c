/* SPDX-License-Identifier: BSD-2-Clause */
/* Sleeping until a word in an attachment changes, and waking those who sleep: futex(2). */
#include "deadline.h"
#include "failure.h"
#include "segment.h"

#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Nanoseconds between two looks for peers. */
#define LOOK (100 * MILLISECOND)

/*
 * Before a thread sleeps, it looks at the word for SPIN nanoseconds. That is as long as waking a
 * sleeping thread takes. If it were less, two threads that have both fallen asleep would never come
 * to look at the same time. If looking is in vain more than one time out of four, it is tried only
 * once in TRIAL times.
 */
#define SPIN  INT64_C(16000)
#define TRIAL 64
#define LOOKS 16 /* looks at the word between two looks at the clock */

/* The doubt whether looking is worth while, an average of the last few times. */
#define DOUBT_MOST   256
#define DOUBT_WEIGHT 8

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

/* Returns whether any other thread can run while this thread looks. */
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
look_for_a_while(const uint32_t *word, uint32_t value)
{
    const int64_t start = deadline_now();
    int           i;

    do
        for (i = 0; i < LOOKS; i++) {
            if (has_changed(word, value))
                return true;
            relax();
        }
    while (deadline_now() - start < SPIN);
    return false;
}

/* Returns true if the word has changed. What the handle learns from that may be imprecise without
   harm. */
static bool
spin(struct shmx *seg, const uint32_t *word, uint32_t value)
{
    unsigned doubt = atomic_load_explicit(&seg->doubt, memory_order_relaxed), skipped;
    bool     changed;

    if (doubt > DOUBT_MOST / 4) {
        skipped = atomic_load_explicit(&seg->skipped, memory_order_relaxed) + 1;
        atomic_store_explicit(&seg->skipped, skipped, memory_order_relaxed);
        if (skipped % TRIAL != 0)
            return false;
    }
    changed = look_for_a_while(word, value);
    doubt -= doubt / DOUBT_WEIGHT;
    if (!changed)
        doubt += DOUBT_MOST / DOUBT_WEIGHT;
    atomic_store_explicit(&seg->doubt, doubt, memory_order_relaxed);
    return changed;
}

/* Returns 0 if the thread was woken, or if the word has another value already. Without a deadline
   there is no timer, because a timer costs time. */
static int
sleep_until(const uint32_t *word, uint32_t value, int64_t moment)
{
    const struct timespec until = deadline_time(moment);

    if (futex(word, FUTEX_WAIT_BITSET, value, moment == NEVER ? NULL : &until) == 0
        || errno == EAGAIN)
        return 0;
    return errno == EFAULT ? -EINVAL : failure(); /* the memory of the word has gone meanwhile */
}

/* Looks for the peers, unless that has been done through this handle a short time before. Stores
   when to look again. */
static int
look_for_peers(struct shmx *seg, int64_t deadline, int64_t *again)
{
    const int64_t now = deadline_now();
    int           peers;

    *again = atomic_load_explicit(&seg->looked, memory_order_relaxed) + LOOK;
    if (now < *again && now < deadline)
        return 0;
    peers = seg->backend->peers(seg);
    if (peers <= 0)
        return peers < 0 ? peers : -EPIPE;
    atomic_store_explicit(&seg->looked, now, memory_order_relaxed);
    *again = now + LOOK;
    return 0;
}

/* Looks for the peers now and then while it sleeps, however often it is woken. */
static int
sleep_among_peers(struct shmx *seg, const uint32_t *word, uint32_t value, int64_t deadline)
{
    NO_CANCELLATION;
    int64_t until;
    int     r;

    do {
        r = look_for_peers(seg, deadline, &until);
        if (r < 0)
            return r;
        if (until > deadline)
            until = deadline;
        r = sleep_until(word, value, until);
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

/* The function does not ask whether the word is in an attachment. Where nobody waits, waking has no
   effect. */
int
shmx_wake(struct shmx *seg, uint32_t *word, int count)
{
    long r;

    if (seg == NULL || word == NULL || count < 1)
        return -EINVAL;
    r = futex(word, FUTEX_WAKE, (uint32_t)count, NULL);
    if (r < 0)
        return errno == EFAULT ? -EINVAL : failure();
    return (int)r;
}

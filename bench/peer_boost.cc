/* SPDX-License-Identifier: BSD-2-Clause */
/* Boost.Interprocess: shared_memory_object and xsi_shared_memory. */
#include "contender.h"
#include "messenger.h"

#include <boost/interprocess/anonymous_shared_memory.hpp>
#include <boost/interprocess/mapped_region.hpp>
#include <boost/interprocess/shared_memory_object.hpp>
#include <boost/interprocess/sync/interprocess_condition.hpp>
#include <boost/interprocess/sync/interprocess_mutex.hpp>
#include <boost/interprocess/sync/scoped_lock.hpp>
#include <boost/interprocess/xsi_shared_memory.hpp>
#include <memory>

using namespace boost::interprocess;

static const char *const NAME = BENCH_NAME "-boost";

static std::unique_ptr<shared_memory_object> held;
static std::unique_ptr<xsi_shared_memory>    held_xsi;

static void
posix_begin(size_t size)
{
    held.reset(new shared_memory_object(create_only, NAME, read_write, permissions(0600)));
    held->truncate(static_cast<offset_t>(size));
}

static void
posix_end()
{
    held.reset();
    shared_memory_object::remove(NAME);
}

static void
posix_create_cycle(size_t size)
{
    posix_begin(size);
    {
        mapped_region region(*held, read_write);
        bench_use(region.get_address());
    }
    posix_end();
}

static void
posix_open_cycle(size_t)
{
    shared_memory_object object(open_only, NAME, read_write);
    mapped_region        region(object, read_write);

    bench_use(region.get_address());
}

static void
posix_attach_cycle(size_t)
{
    mapped_region region(*held, read_write);
}

static void
posix_open_or_create_cycle(size_t size)
{
    shared_memory_object object(open_or_create, NAME, read_write, permissions(0600));
    object.truncate(static_cast<offset_t>(size));
    mapped_region region(object, read_write);

    bench_use(region.get_address());
}

static xsi_key
key()
{
    return xsi_key("/dev/null", 83);
}

static void
sysv_begin(size_t size)
{
    held_xsi.reset(new xsi_shared_memory(create_only, key(), size, permissions(0600)));
}

static void
sysv_end()
{
    xsi_shared_memory::remove(held_xsi->get_shmid());
    held_xsi.reset();
}

static void
sysv_create_cycle(size_t size)
{
    sysv_begin(size);
    {
        mapped_region region(*held_xsi, read_write);
        bench_use(region.get_address());
    }
    sysv_end();
}

static void
sysv_open_cycle(size_t)
{
    xsi_shared_memory object(open_only, key());
    mapped_region     region(object, read_write);

    bench_use(region.get_address());
}

static void
sysv_attach_cycle(size_t)
{
    mapped_region region(*held_xsi, read_write);
}

static const contender posix = { "Boost",
                                 "posix",
                                 "whole when named, reserved, ephemeral, holders counted",
                                 posix_create_cycle,
                                 posix_begin,
                                 posix_end,
                                 posix_open_cycle,
                                 posix_attach_cycle,
                                 posix_open_or_create_cycle };
static const contender sysv = {
    "Boost",
    "sysv",
    "a name, whole when named, collected when killed, keys that cannot collide",
    sysv_create_cycle,
    sysv_begin,
    sysv_end,
    sysv_open_cycle,
    sysv_attach_cycle,
    nullptr
};
const contender *const boost_posix = &posix, *const boost_sysv = &sysv;

/* ---- messages by interprocess_condition ---- */

struct boost_turn {
    interprocess_mutex     mutex;
    interprocess_condition changed;
    int                    turn = 0;
};

static void
line_begin(line *l)
{
    mapped_region *region = new mapped_region(anonymous_shared_memory(LINE_ROOM + MESSAGE_MOST));

    l->shared = new (region->get_address()) boost_turn; /* stays for as long as the program runs */
    l->message = static_cast<char *>(region->get_address()) + LINE_ROOM;
}

static void
line_end(line *)
{
}

static void
line_pass(line *l, int)
{
    boost_turn                     *t = static_cast<boost_turn *>(l->shared);
    scoped_lock<interprocess_mutex> lock(t->mutex);

    t->turn++;
    t->changed.notify_one();
}

static void
line_await(line *l, int me)
{
    boost_turn                     *t = static_cast<boost_turn *>(l->shared);
    scoped_lock<interprocess_mutex> lock(t->mutex);

    while ((t->turn & 1) != me)
        t->changed.wait(lock);
}

static const messenger condition = { "Boost condition", 0,         0,         line_begin,
                                     line_end,          line_pass, line_await };

extern const messenger *const boost_messenger = &condition;

/* SPDX-License-Identifier: BSD-2-Clause */
/* QSharedMemory of Qt 6, which Debian builds for System V. */
#include "contender.h"

#include <QSharedMemory>
#include <memory>

static std::unique_ptr<QSharedMemory> held;

static void
begin(size_t size)
{
    held.reset(new QSharedMemory(BENCH_NAME "-qt"));
    if (!held->create(static_cast<int>(size)))
        bench_fail("QSharedMemory::create");
}

static void
end()
{
    held.reset();
}

static void
create_cycle(size_t size)
{
    begin(size);
    bench_use(held->data());
    end();
}

static void
open_cycle(size_t)
{
    QSharedMemory shm(BENCH_NAME "-qt");

    if (!shm.attach())
        bench_fail("QSharedMemory::attach");
    bench_use(shm.data());
}

static const contender contender_qt = {
    "Qt",         "sysv",  "whole when named, keys that cannot collide, modes, persistence, growth",
    create_cycle, begin,   end,
    open_cycle,   nullptr, nullptr
};
const contender *const qt_sysv = &contender_qt;

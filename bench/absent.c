/* SPDX-License-Identifier: BSD-2-Clause */
/* Peers whose packages were not found at build time. */
#include "contender.h"
#include "messenger.h"

#ifndef HAVE_APR
const struct contender *const apr = NULL;
#endif
#ifndef HAVE_BOOST
const struct messenger *const boost_messenger = NULL;
const struct contender *const boost_posix = NULL, *const boost_sysv = NULL;
#endif
#ifndef HAVE_QT
const struct contender *const qt_sysv = NULL;
#endif

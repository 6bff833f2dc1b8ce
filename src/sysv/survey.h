/* SPDX-License-Identifier: BSD-2-Clause */
/* Walks over all System V segments and all links. */
#ifndef SHMX_SURVEY_H
#define SHMX_SURVEY_H

#include "../segment.h"

int survey_list(segment_visitor visit, void *arg);
int survey_collect(unsigned flags, segment_visitor visit, void *arg);

#endif

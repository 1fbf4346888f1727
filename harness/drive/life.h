/* SPDX-License-Identifier: MIT */
/*
 * Beginning and end of a run's life (run.h), for who drives load (execute.c) and who only serves
 * (serve.c). All return 0 or -errno with run->err filled.
 */
#pragma once

#include "harness/run.h"

/* Roles, and lanes with their buffers; life_free_lanes accepts half of it. */
int life_make_lanes(struct run *run);
void life_free_lanes(struct run *run);

/* supported, workload->setup, target->setup. */
int life_set_up(struct run *run);
/* Lanes of the workload, target and workload: whatever has been set up. */
void life_tear_down(struct run *run);

/* Calls a plugin's function, if there is one; gives its -errno words where it has none. */
int life_call(int (*fn)(struct run *), struct run *run, const char *what);

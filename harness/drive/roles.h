/* SPDX-License-Identifier: MIT */
/*
 * The engine's side of role.h: which thread of this process has which role. Threads are known by
 * their id in /proc (readlink /proc/thread-self), which inside a PID namespace is not gettid().
 * Their comm is "<role>/<number>", so that an onlooker outside (the parent describing a stall) can
 * read the role off it.
 */
#pragma once

#include <stddef.h>

#include "harness/role.h"

struct roles;

struct roles *roles_new(void);
void roles_free(struct roles *r);

/* The role's name of a thread of this process. `comm` names kernel workers and unknown threads. */
const char *roles_name(struct roles *r, int tid, const char *comm);
/* The role that a comm stands for; "harness" for everything else. Returns a constant string. */
const char *roles_name_of_comm(const char *comm);

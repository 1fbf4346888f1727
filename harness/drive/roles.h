/* SPDX-License-Identifier: MIT */
/*
 * The engine's side of role.h: which thread of this process has which role. Threads are known by
 * their id in /proc (readlink /proc/thread-self), which inside a PID namespace is not gettid().
 * Their comm is "<role>/<number>", so that an onlooker outside (the parent describing a stall) can
 * read the role off it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "harness/role.h"

#define ROLE_PROCESSES_MAX 64

/* A process that was started in a role. */
struct role_process {
	pid_t pid;	/* in the run's own PID namespace */
	pid_t proc_pid; /* its name in /proc */
	enum role role;
	bool program; /* executed: its threads have names of its own, and what it starts counts */
};

/* What programs used that were reaped, and told by role_program_ended. */
struct role_ended {
	uint64_t programs, user_ns, system_ns;
	uint64_t voluntary, involuntary, minor_faults, major_faults;
};

struct roles;

struct roles *roles_new(void);
void roles_free(struct roles *r);

/* Those that were started, whether they still run or not. Returns how many. */
unsigned roles_processes(const struct roles *r, const struct role_process **ret);

void roles_add_ended(struct roles *r, enum role role, const struct role_ended *ended);
/* The sums so far. */
void roles_ended(struct roles *r, struct role_ended ret[static ROLE_COUNT]);

/* For who starts a thread or process: the next number in a role; its name, told by itself; and a
 * process that was started, -EAGAIN when there are too many. */
unsigned roles_number(struct roles *r, enum role role);
void roles_name_self(enum role role, unsigned number);
int roles_add_process(struct roles *r, const struct role_process *process, struct err *err);

/* The role's name of a thread of the run. `comm` names kernel workers and unknown threads. */
const char *roles_name(struct roles *r, int tid, const char *comm);
/* The role that a comm stands for; "harness" for everything else. Returns a constant string. */
const char *roles_name_of_comm(const char *comm);

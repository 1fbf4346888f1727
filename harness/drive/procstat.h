/* SPDX-License-Identifier: MIT */
/*
 * The portable probe, always on: what /proc says about the run's threads (those of processes that
 * it started in a role included) and about the machine, at both ends of the window. It needs no
 * privilege.
 *
 *   cpu_ns, run_queue_ns   /proc/PID/task/TID/schedstat, exact
 *   user_ns, system_ns     cpu_ns split in the ratio of stat's utime and stime (10 ms steps)
 *   switches, faults       status, stat
 *   foreign_cpu_ns         busy time of all CPUs (/proc/stat) less that of our own threads:
 *                          10 ms steps, clamped at 0
 *
 * Threads that end inside the window take their figures with them (the drive's lanes do not): what
 * CPU time the process used beyond its threads' is the role `ended`, if it is 10 ms or more.
 */
#pragma once

#include <cjson/cJSON.h>
#include <stdint.h>
#include <sys/types.h>

#include "harness/util/err.h"

struct roles;
struct procstat;

/* Takes the sample for the window's begin, of this process and those in `roles`, which must live as
 * long as the procstat. */
int procstat_begin(const struct roles *roles, struct procstat **ret, struct err *err);
/* The same of another process and those that it started since (CLOCK_BOOTTIME), as far as they are
 * there. */
int procstat_begin_of(pid_t pid, uint64_t since_ns, struct procstat **ret, struct err *err);
/* Takes the sample for its end; -ESRCH when the process is gone. */
int procstat_end(struct procstat *p, struct err *err);
/* {role: {...}} as in results/README.md. Without `roles` threads that are no kernel workers have
 * the role `process`. */
cJSON *procstat_usage(const struct procstat *p, struct roles *roles);
/* [{role, as in usage}]: one object for each process in a role, the workers that the kernel has for
 * it among its threads; that of one which has ended holds the role alone. */
cJSON *procstat_processes(const struct procstat *p);
/* Between the two samples, each counted from its middle. On a starved machine it may be far from
 * the window's length. */
uint64_t procstat_interval_ns(const struct procstat *p);
/* The farther one of the samples from its end of the window. */
uint64_t procstat_off_ns(const struct procstat *p, uint64_t begin_ns, uint64_t end_ns);
/* {steal_ns, psi_..., foreign_cpu_ns}. */
cJSON *procstat_host(const struct procstat *p);
/* CPU time of the process in the window, ended threads included (CLOCK_PROCESS_CPUTIME_ID). */
uint64_t procstat_cpu_ns(const struct procstat *p);
void procstat_free(struct procstat *p);

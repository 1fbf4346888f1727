/* SPDX-License-Identifier: MIT */
/*
 * What the threads of a run that hangs are waiting for, read from outside: for every thread of
 * every descendant of `root`, {pid, tid, name, role, state, syscall, wchan, stack}. What this user
 * may not read is null (kernel stacks need CAP_SYS_ADMIN, proc(5)).
 */
#pragma once

#include <cjson/cJSON.h>
#include <sys/types.h>

cJSON *stall_describe(pid_t root);
/* One line for people: "driver/0 in futex (futex_do_wait), target/0 in io_uring_enter (...)", the
 * most telling threads first. */
void stall_summary(const cJSON *stall, char *text, size_t size);

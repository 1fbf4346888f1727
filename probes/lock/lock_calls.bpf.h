/* SPDX-License-Identifier: MIT */
/*
 * The futex system calls by their own tracepoints: they cost other system calls half of what
 * sys_enter and sys_exit do. The layout is checked against events/syscalls/NAME/format before
 * loading.
 */
#pragma once

#include "probes/futexes.bpf.h"
#include "probes/lock/lock_futex.bpf.h"

struct exit_event {
	u64 common;
	s32 nr;
	u32 pad;
	s64 ret;
};

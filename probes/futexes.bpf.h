/* SPDX-License-Identifier: MIT */
/* Of system calls on several futexes: which one stands for all. */
#pragma once

#include "probes/vmlinux.h"

#include <bpf/bpf_helpers.h>

/* struct futex_waitv of uapi/linux/futex.h: val, uaddr, flags. */
static __always_inline u64 first_futex(u64 waiters)
{
	u64 address = 0;

	bpf_probe_read_user(&address, sizeof(address), (void *)(waiters + sizeof(u64)));
	return address;
}

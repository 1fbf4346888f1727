// SPDX-License-Identifier: MIT
/*
 * `lock` on plain tracepoints, for kernels without BTF: nothing here needs CO-RE. The layouts are
 * those of events/lock/contention_begin and contention_end, checked before loading.
 */
#define UHBENCH_NO_CORE
#include "probes/lock_calls.bpf.h"
#include "probes/lock_kernel.bpf.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

struct contention_event {
	u64 common;
	u64 lock;
	u32 flags; /* contention_end: what waiting returned */
};

SEC("tracepoint/lock/contention_begin")
int contention_begin(struct contention_event *e)
{
	hit(HIT_CONTENTION_BEGIN);
	lock_begin(e->lock, e->flags);
	return PASS_ON;
}

SEC("tracepoint/lock/contention_end")
int contention_end(struct contention_event *e)
{
	hit(HIT_CONTENTION_END);
	lock_end(e, e->lock);
	return PASS_ON;
}

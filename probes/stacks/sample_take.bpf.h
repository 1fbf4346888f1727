/* SPDX-License-Identifier: MIT */
/*
 * Taking one sample (probes/stacks/sample.h): maps, pacing, and the copy of the user stack. Used by
 * probes/stacks/sample.bpf.h only. Nothing here needs CO-RE. User registers need the kernel's BTF
 * (bpf_get_current_task_btf): with sample_user_bytes = 0 the verifier drops that code, and the
 * object loads without.
 */
#pragma once

#include "probes/track.bpf.h"

#include "probes/stacks/sample.h"

/* Bytes of user stack that are copied, at most SAMPLE_STACK_MAX; 0: no samples at all. */
const volatile uint32_t sample_user_bytes = 0;
/* Waits from this length on are long: the knob stack_wait. */
const volatile uint64_t sample_long_ns = 0;

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, SAMPLE_RING_BYTES);
} samples SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SAMPLE_WAITS);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, u32);
	__type(value, u64);
} sample_waits SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, u32);
	__type(value, struct sample_state);
} sample_state SEC(".maps");

/* Word of the stack pointer in struct pt_regs, and how many words it has (for arm64: of the part
 * that is struct user_pt_regs). */
#if defined(__TARGET_ARCH_x86)
#define SAMPLE_SP    19
#define SAMPLE_WORDS 21
#elif defined(__TARGET_ARCH_arm64)
#define SAMPLE_SP    31
#define SAMPLE_WORDS 34
#endif

static __always_inline u64 sample_distance(const struct probe_window *w, u64 now)
{
	u64 distance = (now - w->begin_ns) / SAMPLES_DOUBLING;

	if (w->end_ns != PROBE_WINDOW_OPEN)
		return (w->end_ns - w->begin_ns) / SAMPLES_PER_CLASS;
	return distance > SAMPLE_NEXT_NS ? distance : SAMPLE_NEXT_NS;
}

/* Is it time for another sample of this kind and class? One CPU wins. */
static __always_inline bool sample_due(struct sample_state *st, u32 kind, u32 cls, u64 now)
{
	struct probe_window *w = window_get();
	uint64_t *next, was;

	if (!w || !in_window(w, now) || kind >= SAMPLE_KINDS || cls >= CLASS_COUNT)
		return false;
	next = &st->next_ns[kind][cls];
	was = *next;
	if (now < was)
		return false;
	return __sync_val_compare_and_swap(next, was, now + sample_distance(w, now)) == was;
}

/* The current thread's registers and the top of its stack, as far as it is there. */
static __always_inline u32 sample_copy_user(struct sample *s)
{
#ifdef SAMPLE_SP
	void *regs = (void *)bpf_task_pt_regs(bpf_get_current_task_btf());
	u32 done = 0;

	if (bpf_probe_read_kernel(s->regs, SAMPLE_WORDS * sizeof(u64), regs))
		return 0;
	s->stack_base = s->regs[SAMPLE_SP] & ~(u64)(SAMPLE_PIECE - 1);
#pragma unroll
	for (u32 i = 0; i < SAMPLE_STACK_MAX / SAMPLE_PIECE; i++) {
		if (i * SAMPLE_PIECE >= sample_user_bytes)
			break;
		if (bpf_probe_read_user(s->stack + i * SAMPLE_PIECE, SAMPLE_PIECE,
					(void *)(s->stack_base + i * SAMPLE_PIECE)))
			break;
		done = (i + 1) * SAMPLE_PIECE;
	}
	return done;
#else
	return 0;
#endif
}

/* Returns the number of the sample that was taken of the current thread `self`, or 0. */
static __always_inline u64 sample_take(void *ctx, u32 kind, struct thread *self,
				       struct thread *waiter, u64 wait_ns)
{
	u32 zero = 0;
	struct sample_state *st = bpf_map_lookup_elem(&sample_state, &zero);
	u64 seq, now = bpf_ktime_get_ns();
	struct sample *s;
	long bytes;

	if (!st || !sample_due(st, kind, waiter->cls, now))
		return 0;
	seq = __sync_fetch_and_add(&st->seq, 1) + 1;
	if (seq > SAMPLES_MAX)
		return 0;
	s = bpf_ringbuf_reserve(&samples, sizeof(*s), 0);
	if (!s) {
		__sync_fetch_and_add(&st->ring_full, 1);
		return 0;
	}
	s->seq = seq;
	s->time_ns = now;
	s->wait_ns = wait_ns;
	s->address = waiter->cls == CLASS_FUTEX ? waiter->futex_addr : 0;
	s->kind = kind;
	s->tid = self->tid;
	s->tgid = self->tgid;
	s->role = self->role;
	s->wait_tid = waiter->tid;
	s->wait_tgid = waiter->tgid;
	s->wait_role = waiter->role;
	s->cls = waiter->cls;
	s->nr = waiter->nr;
	bytes = bpf_get_stack(ctx, s->kernel, sizeof(s->kernel), 0);
	s->n_kernel = bytes > 0 ? bytes / sizeof(u64) : 0;
	s->user_bytes = sample_copy_user(s);
	bpf_ringbuf_submit(s, BPF_RB_NO_WAKEUP);
	return seq;
}

// SPDX-License-Identifier: MIT
/*
 * `sched` on BTF-typed tracepoints. Everything that a thread waits for passes sched_switch; who is
 * not watched costs two look-ups in an array there. Stacks are taken of long waits only, and not
 * more often than stack_gap_ns allows.
 */
#include "probes/sched/sched_impl.bpf.h"

#include "probes/stacks/sample.bpf.h"
#include "probes/sched/sched_class.bpf.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* Does sched_switch tell the state that the thread had (5.18+)? */
const volatile uint32_t switch_has_state = 1;
const volatile uint32_t kernel_stacks = 1;

/* Set between runs and after the warm-up. */
uint64_t stack_gap_ns = SCHED_STACK_GAP_NS;
uint64_t next_stack_ns[HITS_CPUS][CLASS_COUNT];

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, SCHED_STACKS);
	__type(key, struct sched_stack_key);
	__type(value, struct sched_sum);
} stacks SEC(".maps");

/* Too large for a program's own stack. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct sched_stack_key);
} scratch SEC(".maps");

static __always_inline bool stack_due(u32 cls, u64 now)
{
	u32 cpu = bpf_get_smp_processor_id();

	if (cpu >= HITS_CPUS || cls >= CLASS_COUNT || now < next_stack_ns[cpu][cls])
		return false;
	next_stack_ns[cpu][cls] = now + stack_gap_ns;
	return true;
}

static __always_inline void stack_add(const struct sched_stack_key *key, u64 ns)
{
	struct sched_sum *s = bpf_map_lookup_elem(&stacks, key);

	if (!s) {
		struct sched_sum empty = {};

		bpf_map_update_elem(&stacks, key, &empty, BPF_NOEXIST);
		s = bpf_map_lookup_elem(&stacks, key);
	}
	if (s)
		sum_add_shared(s, 1, ns);
	else
		__sync_fetch_and_add(&stacks_full, 1);
}

/* `task` is about to run again after a long wait: its stack is still that of the wait. */
static __always_inline void stack_of_wait(struct thread *t, struct task_struct *task, u64 now)
{
	u32 zero = 0;
	struct sched_stack_key *key;

	if (!kernel_stacks || t->cls == CLASS_IDLE || !stack_due(t->cls, now))
		return;
	key = bpf_map_lookup_elem(&scratch, &zero);
	if (!key)
		return;
	key->role = role_index(t);
	key->key = wait_key(t->cls, t->nr);
	if (bpf_get_task_stack(task, key->ips, sizeof(key->ips), 0) > 0)
		stack_add(key, t->blocked_ns);
}

SEC("tp_btf/sched_switch")
int sched_switch(u64 *ctx)
{
	struct task_struct *prev = (struct task_struct *)ctx[1];
	struct task_struct *next = (struct task_struct *)ctx[2];
	struct probe_window *w = window_get();
	struct thread *t;
	u64 now = 0;

	hit(SCHED_SWITCH);
	if (!w)
		return 0;
	t = thread_of(prev->pid);
	if (t) {
		unsigned long state = switch_has_state ? (u32)ctx[3] : prev->__state;

		now = bpf_ktime_get_ns();
		if (thread_leaves(t, w, (bool)ctx[0], state, now)) {
			t->cls = class_of_wait(t, prev, state);
			sample_wait_begins(t, ctx);
		}
	}
	t = thread_of(next->pid);
	if (t) {
		now = now ? now : bpf_ktime_get_ns();
		thread_arrives(t, w, now);
		if (t->blocked_ns)
			stack_of_wait(t, next, now);
	}
	return 0;
}

SEC("tp_btf/sched_waking")
int BPF_PROG(sched_waking, struct task_struct *task)
{
	u32 role = ROLE_OUTSIDE;
	struct thread *t, *self;
	u64 now, since;

	hit(SCHED_WAKING);
	t = thread_of(task->pid);
	if (!t)
		return 0;
	now = bpf_ktime_get_ns();
	self = thread_self();
	if (self) {
		if (!interrupt_wakes(ctx, bpf_get_current_task_btf()))
			role = role_index(self);
		since = blocked_since(t);
		if (since && since < now)
			sample_waker(ctx, self, t, now - since);
	}
	thread_waking(t, role, now);
	return 0;
}

SEC("tp_btf/sched_wakeup")
int BPF_PROG(sched_wakeup, struct task_struct *task)
{
	struct probe_window *w;
	struct thread *t;
	u64 blocked;

	hit(SCHED_WAKEUP);
	t = thread_of(task->pid);
	w = window_get();
	if (!t || !w)
		return 0;
	blocked = thread_woken(t, w, bpf_ktime_get_ns());
	if (blocked)
		sample_wait_ends(t, blocked);
	return 0;
}

SEC("tp_btf/sched_wakeup_new")
int BPF_PROG(sched_wakeup_new, struct task_struct *task)
{
	struct thread *t;

	hit(SCHED_WAKEUP_NEW);
	t = thread_of(task->pid);
	if (t)
		thread_born(t, bpf_ktime_get_ns());
	return 0;
}

SEC("tp_btf/contention_begin")
int BPF_PROG(contention_begin, void *lock, unsigned int flags)
{
	struct thread *t;

	hit(SCHED_LOCK_BEGIN);
	t = thread_self();
	if (t)
		lock_begins(t, (u64)lock, flags);
	return 0;
}

SEC("tp_btf/contention_end")
int BPF_PROG(contention_end, void *lock)
{
	struct thread *t;

	hit(SCHED_LOCK_END);
	t = thread_self();
	if (t)
		lock_ends(t, (u64)lock);
	return 0;
}

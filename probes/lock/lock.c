// SPDX-License-Identifier: MIT
/*
 * Which programs of `lock` this kernel can carry, what they may cost, and what they saw. Kernel
 * locks and futex calls are independent of each other: where one has no tracepoint, the other goes
 * on and the record says why. Counts are always complete; what is thinned out when the programs
 * cost too much are the callers of short waits.
 */
#include "probes/lock/lock.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/util/cleanup.h"
#include "probes/kernel_btf.h"
#include "probes/lock.skel.h"
#include "probes/lock/lock_json.h"
#include "probes/lock_plain.skel.h"
#include "probes/plugin.h"
#include "probes/tracefs.h"

#define EVERY_MAX 4096

/* By hit number: enum in lock_impl.bpf.h. */
static const char *const programs[] = {
	"contention_begin",  "contention_end",	      "enter_futex",	      "exit_futex",
	"enter_futex_waitv", "exit_futex_waitv",      "enter_futex_wait",     "exit_futex_wait",
	"enter_futex_wake",  "exit_futex_wake",	      "enter_futex_requeue",  "exit_futex_requeue",
	"sys_exit",	     "enter_restart_syscall", "exit_restart_syscall", NULL};
static const char *const hooks[] = {"contention_begin",
				    "contention_end",
				    "sys_enter_futex",
				    "sys_exit_futex",
				    "sys_enter_futex_waitv",
				    "sys_exit_futex_waitv",
				    "sys_enter_futex_wait",
				    "sys_exit_futex_wait",
				    "sys_enter_futex_wake",
				    "sys_exit_futex_wake",
				    "sys_enter_futex_requeue",
				    "sys_exit_futex_requeue",
				    "sys_exit",
				    "sys_enter_restart_syscall",
				    "sys_exit_restart_syscall",
				    NULL};
static const char needed[] = "sched"; /* who notes that threads sleep */
static const char *const futex_calls[] = {"futex",	"futex_waitv",	 "futex_wait",
					  "futex_wake", "futex_requeue", "restart_syscall"};

struct lock {
	const struct probe_env *env;
	struct lock_bpf *btf;
	struct lock_plain_bpf *plain;
	struct part part;
	struct lock_counts *counts; /* [HITS_CPUS] */
	uint32_t *stack_every, *callers_are_full, *addresses_are_full;
	struct err no_kernel, no_futex; /* why there is none; "" */
	struct err no_calls;		/* why all system calls are looked at; "" */
	double cost_ratio;		/* of the warm-up, to the budget; 0: not over it */
};

static bool has_btf(const char *tracepoint)
{
	return kernel_btf_args(tracepoint, NULL) >= 0;
}

static int contention_there(const struct lock *l, struct err *why)
{
	static const struct tracefs_field begin[] = {{"lock_addr", 8, 8}, {"flags", 16, 4}, {NULL}};
	static const struct tracefs_field end[] = {{"lock_addr", 8, 8}, {NULL}};
	int r;

	if (l->btf)
		return has_btf("contention_begin")
			       ? 0
			       : err_set(why, -ENOENT,
					 "this kernel has no tracepoint lock:contention_begin "
					 "(Linux 5.19 and later)");
	r = tracefs_check("lock/contention_begin", begin, why);
	return r ? r : tracefs_check("lock/contention_end", end, why);
}

static int call_there(const struct lock *l, const char *call, struct err *why)
{
	static const struct tracefs_field enter[] = {
		{"__syscall_nr", 8, 4}, {"uaddr", 16, 8}, {"op", 24, 8}, {NULL}};
	static const struct tracefs_field first[] = {{"__syscall_nr", 8, 4}, {NULL}};
	static const struct tracefs_field leave[] = {{"ret", 16, 8}, {NULL}};
	char event[64];
	int r = 0;

	snprintf(event, sizeof(event), "syscalls/sys_enter_%s", call);
	if (l->plain)
		r = tracefs_check(event, strcmp(call, "futex") ? first : enter, why);
	if (r)
		return r;
	snprintf(event, sizeof(event), "syscalls/sys_exit_%s", call);
	return tracefs_check(event, leave, why);
}

static void leave_out_call(struct lock *l, const char *call)
{
	char name[64];

	snprintf(name, sizeof(name), "enter_%s", call);
	part_leave_out(&l->part, name);
	snprintf(name, sizeof(name), "exit_%s", call);
	part_leave_out(&l->part, name);
}

/* The newer calls are few and rare: a kernel without them is no loss. */
static void choose_futex(struct lock *l)
{
	bool any = call_there(l, futex_calls[0], &l->no_futex) == 0;

	for (unsigned i = 0; i < array_size(futex_calls); i++)
		if (!any || (i && call_there(l, futex_calls[i], NULL)))
			leave_out_call(l, futex_calls[i]);
	if (any)
		part_leave_out(&l->part, "sys_exit");
	else if (l->btf) {
		l->no_calls = l->no_futex;
		l->no_futex.text[0] = 0;
	}
}

static int choose_programs(struct lock *l, struct err *err)
{
	if (contention_there(l, &l->no_kernel)) {
		part_leave_out(&l->part, "contention_begin");
		part_leave_out(&l->part, "contention_end");
	}
	choose_futex(l);
	if (l->no_kernel.text[0] && l->no_futex.text[0])
		return err_set(err, -EOPNOTSUPP, "%s; %s", l->no_kernel.text, l->no_futex.text);
	return 0;
}

#define BIND(l, skel)                                                       \
	do {                                                                \
		(l)->counts = (void *)(skel)->bss->counts;                  \
		(l)->callers_are_full = &(skel)->bss->callers_are_full;     \
		(l)->addresses_are_full = &(skel)->bss->addresses_are_full; \
		(l)->stack_every = &(skel)->data->stack_every;              \
	} while (0)

static int load_btf(struct lock *l, struct err *err)
{
	int r;

	l->btf = lock_bpf__open();
	r = part_prepare(&l->part, l->btf ? l->btf->obj : NULL, programs, track_part(l->env->track),
			 err);
	if (!r)
		r = choose_programs(l, err);
	if (r)
		return r;
	r = lock_bpf__load(l->btf);
	if (!r)
		BIND(l, l->btf);
	return part_loaded(&l->part, r, r ? NULL : (void *)l->btf->bss->hits, err);
}

static int load_plain(struct lock *l, struct err *err)
{
	int r;

	l->plain = lock_plain_bpf__open();
	r = part_prepare(&l->part, l->plain ? l->plain->obj : NULL, programs,
			 track_part(l->env->track), err);
	if (!r)
		r = choose_programs(l, err);
	if (r)
		return r;
	r = lock_plain_bpf__load(l->plain);
	if (!r)
		BIND(l, l->plain);
	return part_loaded(&l->part, r, r ? NULL : (void *)l->plain->bss->hits, err);
}

static void close_lock(void *probe)
{
	struct lock *l = probe;

	part_detach(&l->part);
	lock_bpf__destroy(l->btf);
	lock_plain_bpf__destroy(l->plain);
	free(l);
}

static int open_lock(const struct probe_env *env, void **ret, struct err *err)
{
	struct lock *l = calloc(1, sizeof(*l));
	int r;

	if (!l)
		return err_sys(err, -ENOMEM, "the probe lock");
	l->env = env;
	r = env->plain ? load_plain(l, err) : load_btf(l, err);
	if (r)
		close_lock(l);
	else
		*ret = l;
	return r;
}

static struct part *part_of(void *probe)
{
	return &((struct lock *)probe)->part;
}

static int reset(void *probe, struct err *err)
{
	struct lock *l = probe;

	(void)err;
	memset(l->counts, 0, sizeof(*l->counts) * HITS_CPUS);
	*l->callers_are_full = *l->addresses_are_full = 0;
	*l->stack_every = LOCK_STACK_EVERY;
	l->cost_ratio = 0;
	return 0;
}

static int attach(void *probe, struct err *err)
{
	return part_attach(part_of(probe), err);
}

static void detach(void *probe)
{
	part_detach(part_of(probe));
}

/* Stacks are what costs most and all that can be done without: the rest are counts. */
static void calibrate(void *probe, struct probe_load *load)
{
	struct lock *l = probe;
	double ratio = load->ns_per_s / load->budget_ns_per_s;

	if (!(ratio > 1) || l->no_kernel.text[0])
		return;
	l->cost_ratio = ratio;
	*l->stack_every = (uint32_t)fmin(ceil(LOCK_STACK_EVERY * ratio), EVERY_MAX);
}

static void read_losses(const struct lock *l, struct probe_losses *losses)
{
	for (unsigned i = 0; i < HITS_CPUS; i++) {
		losses->events += l->counts[i].events;
		losses->lost += l->counts[i].lost;
		losses->map_full += l->counts[i].callers_full + l->counts[i].addresses_full;
		losses->untracked += l->counts[i].untracked;
	}
	if (l->no_kernel.text[0])
		return;
	losses->every = *l->stack_every;
	snprintf(losses->sampling, sizeof(losses->sampling),
		 "callers of kernel lock waits below %d us; all other counts are complete%s",
		 LOCK_STACK_NS / 1000,
		 l->cost_ratio > 0 ? "; fewer than usual, since watching cost too much" : "");
}

static void read_kernel(const struct lock *l, const struct probe_view *view, cJSON *into)
{
	if (l->no_kernel.text[0]) {
		cJSON_AddNullToObject(into, "kernel");
		cJSON_AddNullToObject(into, "kernel_types");
		cJSON_AddStringToObject(into, "reason_kernel", l->no_kernel.text);
		return;
	}
	lock_types_json(into, part_map_fd(&l->part, "lock_types"));
	if (!view->live)
		lock_callers_json(into, part_map_fd(&l->part, "lock_callers"), view->env->stacks);
}

static void read_futex(const struct lock *l, const struct probe_view *view, cJSON *into,
		       struct probe_losses *losses)
{
	bool sleeps = probe_attached(view->env, needed);

	if (l->no_futex.text[0]) {
		cJSON_AddNullToObject(into, "futex");
		cJSON_AddNullToObject(into, "futex_calls");
		cJSON_AddStringToObject(into, "reason_futex", l->no_futex.text);
		return;
	}
	if (l->no_calls.text[0])
		cJSON_AddStringToObject(into, "reason_futex_hooks", l->no_calls.text);
	if (!sleeps)
		cJSON_AddStringToObject(into, "reason_slept",
					"the probe sched, which sees threads sleep, is not there");
	losses->events += lock_calls_json(into, part_map_fd(&l->part, "futex_calls"), sleeps);
	if (!view->live)
		lock_futexes_json(into, part_map_fd(&l->part, "futexes"), view->env->stacks,
				  sleeps);
}

static void read_lock(void *probe, const struct probe_view *view, cJSON *into,
		      struct probe_losses *losses)
{
	const struct lock *l = probe;

	read_losses(l, losses);
	read_kernel(l, view, into);
	read_futex(l, view, into, losses);
	if (!view->live)
		lock_hists_json(into, part_map_fd(&l->part, "hists"), !l->no_kernel.text[0],
				!l->no_futex.text[0] && probe_attached(view->env, needed));
}

const struct probe_plugin probe_lock = {
	.info = {.name = "lock",
		 .help = "kernel locks by caller and type, futex calls by operation and address",
		 .needs = needed},
	.hooks = hooks,
	.open = open_lock,
	.part = part_of,
	.attach = attach,
	.detach = detach,
	.reset = reset,
	.calibrate = calibrate,
	.read = read_lock,
	.close = close_lock,
};

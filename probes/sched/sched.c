// SPDX-License-Identifier: MIT
/*
 * The life of the probe `sched`: which programs fit this kernel, when they are attached, and what
 * its kernel stacks may cost. Its programs on kernel locks are attached only when the probe `lock`
 * is not there to tell whether a thread waits for one.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/util/cleanup.h"
#include "harness/util/nsec.h"
#include "probes/kernel_btf.h"
#include "probes/sched.skel.h"
#include "probes/sched_plain.skel.h"
#include "probes/sched/sched_probe.h"
#include "probes/stacks/stacks.h"
#include "probes/tracefs.h"

static const char *const hooks[] = {"sched_switch",
				    "sched_waking",
				    "sched_wakeup",
				    "sched_wakeup_new",
				    "contention_begin",
				    "contention_end",
				    NULL};
/* By hit number: programs have the names of their hooks. */
#define programs hooks

#define GAP_MAX_NS (100 * NSEC_PER_MSEC)

static const struct tracefs_field switch_fields[] = {
	{"prev_pid", 24, 4}, {"prev_state", 32, 8}, {"next_pid", 56, 4}, {NULL, 0, 0}};
static const struct tracefs_field wake_fields[] = {{"pid", 24, 4}, {NULL, 0, 0}};
static const struct tracefs_field begin_fields[] = {
	{"lock_addr", 8, 8}, {"flags", 16, 4}, {NULL, 0, 0}};
static const struct tracefs_field end_fields[] = {{"lock_addr", 8, 8}, {NULL, 0, 0}};

static void leave_locks_out(struct sched *s, const struct err *why)
{
	snprintf(s->no_locks, sizeof(s->no_locks), "%s", why->text);
	part_leave_out(&s->part, "contention_begin");
	part_leave_out(&s->part, "contention_end");
}

static int load_btf(struct sched *s, struct err *err)
{
	const struct probe_config *config = s->env->config;
	struct err why = {""};
	int r, args = kernel_btf_args("sched_switch", err);

	if (args < 0)
		return args;
	s->btf = sched_bpf__open();
	r = part_prepare(&s->part, s->btf ? s->btf->obj : NULL, programs, track_part(s->env->track),
			 err);
	if (r)
		return r;
	s->btf->rodata->switch_has_state = args >= 4;
	s->btf->rodata->long_ns = config->stack_wait_ns;
	s->btf->rodata->sample_long_ns = config->stack_wait_ns;
	s->btf->rodata->kernel_stacks = config->stacks != STACKS_NONE;
	s->btf->rodata->sample_user_bytes =
		config->stacks == STACKS_USER ? (uint32_t)config->stack_bytes : 0;
	if (kernel_btf_args("contention_begin", &why) < 0)
		leave_locks_out(s, &why);
	r = sched_bpf__load(s->btf);
	return part_loaded(&s->part, r, r ? NULL : (void *)s->btf->bss->hits, err);
}

static int check_layouts(struct err *err)
{
	static const char *const wakes[] = {"sched/sched_waking", "sched/sched_wakeup",
					    "sched/sched_wakeup_new"};
	int r = tracefs_check("sched/sched_switch", switch_fields, err);

	for (unsigned i = 0; !r && i < array_size(wakes); i++)
		r = tracefs_check(wakes[i], wake_fields, err);
	return r;
}

static int load_plain(struct sched *s, struct err *err)
{
	struct err why = {""};
	int r = check_layouts(err);

	if (r)
		return r;
	s->plain = sched_plain_bpf__open();
	r = part_prepare(&s->part, s->plain ? s->plain->obj : NULL, programs,
			 track_part(s->env->track), err);
	if (r)
		return r;
	s->plain->rodata->long_ns = s->env->config->stack_wait_ns;
	if (tracefs_check("lock/contention_begin", begin_fields, &why) ||
	    tracefs_check("lock/contention_end", end_fields, &why))
		leave_locks_out(s, &why);
	r = sched_plain_bpf__load(s->plain);
	return part_loaded(&s->part, r, r ? NULL : (void *)s->plain->bss->hits, err);
}

static void close_sched(void *probe)
{
	struct sched *s = probe;

	if (!s)
		return;
	part_detach(&s->part);
	sched_bpf__destroy(s->btf);
	sched_plain_bpf__destroy(s->plain);
	sched_times_free(s->times);
	free(s);
}

static int open_sched(const struct probe_env *env, void **ret, struct err *err)
{
	struct sched *s = calloc(1, sizeof(*s));
	int r;

	if (s)
		s->times = sched_times_new();
	if (!s || !s->times) {
		close_sched(s);
		return err_sys(err, -ENOMEM, "the probe sched");
	}
	s->env = env;
	r = env->plain ? load_plain(s, err) : load_btf(s, err);
	if (r)
		close_sched(s);
	else
		*ret = s;
	return r;
}

static struct part *part(void *probe)
{
	return &((struct sched *)probe)->part;
}

/* Figures that are no map's. */
static int reset(void *probe, struct err *err)
{
	struct sched *s = probe;

	(void)err;
	sched_times_reset(s->times);
	s->sampling[0] = 0;
	if (s->plain) {
		s->plain->bss->waits_full = 0;
		return 0;
	}
	s->btf->bss->waits_full = s->btf->bss->stacks_full = 0;
	s->btf->data->stack_gap_ns = SCHED_STACK_GAP_NS;
	memset(s->btf->bss->next_stack_ns, 0, sizeof(s->btf->bss->next_stack_ns));
	return 0;
}

static unsigned bit_of_lock(void)
{
	for (unsigned i = 0; probe_plugins[i]; i++)
		if (!strcmp(probe_plugins[i]->info.name, "lock"))
			return 1u << i;
	return 0;
}

bool sched_lock_sees(const struct sched *s)
{
	return s->env->attached & bit_of_lock();
}

static int attach(void *probe, struct err *err)
{
	struct sched *s = probe;
	unsigned n;
	int r = 0;

	s->own_locks = !(s->env->chosen & bit_of_lock());
	n = s->own_locks ? SCHED_PROGRAMS : SCHED_LOCK_BEGIN;
	for (unsigned i = 0; !r && i < n; i++)
		r = part_attach_one(&s->part, programs[i], err);
	if (r)
		part_detach(&s->part);
	return r;
}

static void detach(void *probe)
{
	part_detach(&((struct sched *)probe)->part);
}

static bool sample_maps(void *probe, struct stacks_maps *ret)
{
	struct sched *s = probe;

	if (!s->btf || s->env->config->stacks != STACKS_USER)
		return false;
	*ret = (struct stacks_maps){
		.samples = bpf_map__fd(s->btf->maps.samples),
		.waits = bpf_map__fd(s->btf->maps.sample_waits),
		.state = bpf_map__fd(s->btf->maps.sample_state),
	};
	return true;
}

/* Switches cannot be sampled without losing the sums; stacks can. */
static void calibrate(void *probe, struct probe_load *load)
{
	struct sched *s = probe;
	double over = load->budget_ns_per_s > 0 ? load->ns_per_s / load->budget_ns_per_s : 1;
	uint64_t gap;

	if (!s->btf || over <= 1)
		return;
	gap = min_of((uint64_t)(SCHED_STACK_GAP_NS * over * 4), (uint64_t)GAP_MAX_NS);
	s->btf->data->stack_gap_ns = gap;
	snprintf(
		s->sampling, sizeof(s->sampling),
		"it took %.1f times what probe_cost allows: all switches are counted, and a kernel "
		"stack is taken every %.1f ms at most",
		over, (double)gap / NSEC_PER_MSEC);
}

static uint64_t tick(void *probe, uint64_t now_ns)
{
	struct sched *s = probe;

	(void)now_ns;
	sched_times_begin(s->times, s->env->track);
	return NSEC_PER_SEC;
}

int sched_map_fd(const struct sched *s, const char *map)
{
	return part_map_fd(&s->part, map);
}

struct sched_losses sched_losses(const struct sched *s)
{
	if (s->plain)
		return (struct sched_losses){.waits_full = s->plain->bss->waits_full};
	return (struct sched_losses){.waits_full = s->btf->bss->waits_full,
				     .stacks_full = s->btf->bss->stacks_full};
}

const struct probe_plugin probe_sched = {
	.info = {.name = "sched",
		 .help = "where threads spend their time: switches, run queue, waits and who ends them"},
	.hooks = hooks,
	.open = open_sched,
	.part = part,
	.attach = attach,
	.detach = detach,
	.reset = reset,
	.sample_maps = sample_maps,
	.calibrate = calibrate,
	.tick = tick,
	.read = sched_read,
	.close = close_sched,
};

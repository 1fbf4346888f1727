// SPDX-License-Identifier: MIT
/*
 * A program on system calls costs every call of the machine, watched or not, so when both cost more
 * than they may, the one at the beginning of calls goes: counts stay exact, times are not known.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/util/cleanup.h"
#include "probes/plugin.h"
#include "probes/syscalls.skel.h"
#include "probes/syscalls/syscalls_json.h"
#include "probes/syscalls_plain.skel.h"
#include "probes/tracefs.h"

/* By hit number: SYSCALLS_ENTER, SYSCALLS_EXIT. */
static const char *const programs[] = {"sys_enter", "sys_exit", NULL};
static const char *const hooks[] = {"sys_enter", "sys_exit", NULL};

struct syscalls {
	struct syscalls_bpf *btf;
	struct syscalls_plain_bpf *plain;
	struct part part;
	int rows;
	/* in the object's memory, see syscalls_impl.bpf.h */
	uint32_t *row_of, *rows_used, *untimed;
	uint64_t *map_full, *untracked;
	char why_untimed[160];
};

#define POINT_AT(s, bss)                            \
	do {                                        \
		(s)->row_of = (bss)->row_of;        \
		(s)->rows_used = &(bss)->rows_used; \
		(s)->untimed = &(bss)->untimed;     \
		(s)->map_full = &(bss)->map_full;   \
		(s)->untracked = &(bss)->untracked; \
	} while (0)

static int load_btf(struct syscalls *s, struct track *track, struct err *err)
{
	int r;

	s->btf = syscalls_bpf__open();
	r = part_prepare(&s->part, s->btf ? s->btf->obj : NULL, programs, track_part(track), err);
	if (r)
		return r;
	r = part_loaded(&s->part, syscalls_bpf__load(s->btf), (void *)s->btf->bss->hits, err);
	if (r)
		return r;
	POINT_AT(s, s->btf->bss);
	s->rows = bpf_map__fd(s->btf->maps.rows);
	return 0;
}

static int check_layout(struct err *err)
{
	static const struct tracefs_field exit_fields[] = {
		{"id", 8, 8},
		{"ret", 16, 8},
		{NULL, 0, 0},
	};

	return tracefs_check("raw_syscalls/sys_exit", exit_fields, err);
}

static int load_plain(struct syscalls *s, struct track *track, struct err *err)
{
	int r = check_layout(err);

	if (r)
		return r;
	s->plain = syscalls_plain_bpf__open();
	r = part_prepare(&s->part, s->plain ? s->plain->obj : NULL, programs, track_part(track),
			 err);
	if (r)
		return r;
	r = part_loaded(&s->part, syscalls_plain_bpf__load(s->plain), (void *)s->plain->bss->hits,
			err);
	if (r)
		return r;
	POINT_AT(s, s->plain->bss);
	s->rows = bpf_map__fd(s->plain->maps.rows);
	return 0;
}

static void syscalls_close(void *probe)
{
	struct syscalls *s = probe;

	part_detach(&s->part);
	syscalls_bpf__destroy(s->btf);
	syscalls_plain_bpf__destroy(s->plain);
	free(s);
}

static int syscalls_open(const struct probe_env *env, void **ret, struct err *err)
{
	struct syscalls *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return err_sys(err, -ENOMEM, "syscalls");
	r = env->plain ? load_plain(s, env->track, err) : load_btf(s, env->track, err);
	if (r)
		syscalls_close(s);
	else
		*ret = s;
	return r;
}

static struct part *syscalls_part(void *probe)
{
	return &((struct syscalls *)probe)->part;
}

static int syscalls_reset(void *probe, struct err *err)
{
	struct syscalls *s = probe;

	(void)err;
	memset(s->row_of, 0, sizeof(*s->row_of) * PROBE_ROLE_COUNT * SYSCALLS_NUMBERS);
	*s->rows_used = *s->untimed = 0;
	*s->map_full = *s->untracked = 0;
	return 0;
}

static int syscalls_attach(void *probe, struct err *err)
{
	return part_attach(syscalls_part(probe), err);
}

static void syscalls_detach(void *probe)
{
	part_detach(syscalls_part(probe));
}

static void syscalls_calibrate(void *probe, struct probe_load *load)
{
	struct syscalls *s = probe;

	if (load->ns_per_s <= load->budget_ns_per_s)
		return;
	snprintf(s->why_untimed, sizeof(s->why_untimed),
		 "timing every call took %.1f times what probe_cost allows, so only their ends "
		 "are looked at",
		 load->ns_per_s / load->budget_ns_per_s);
	__atomic_store_n(s->untimed, 1, __ATOMIC_RELAXED);
	part_detach_one(&s->part, programs[SYSCALLS_ENTER]);
	load->ns_per_s /= 2;
}

static void add_cpu(struct syscalls_row *to, const struct syscalls_row *cpu)
{
	to->failed += cpu->failed;
	to->tally.count += cpu->tally.count;
	to->tally.sum += cpu->tally.sum;
	to->tally.max = max_of(to->tally.max, cpu->tally.max);
	for (unsigned i = 0; i < SLOTS32; i++)
		to->tally.slots[i] += cpu->tally.slots[i];
}

/* A row that was given away and not used in the window yet has no calls. */
static bool read_row(const struct syscalls *s, uint32_t row, struct syscalls_row *cpus,
		     struct syscalls_row *ret)
{
	*ret = (struct syscalls_row){.failed = 0};
	if (bpf_map_lookup_elem(s->rows, &row, cpus))
		return false;
	for (unsigned cpu = 0; cpu < part_cpus(); cpu++)
		add_cpu(ret, &cpus[cpu]);
	return ret->tally.count;
}

static size_t read_calls(const struct syscalls *s, struct syscalls_call *calls)
{
	_cleanup_free_ struct syscalls_row *cpus = calloc(part_cpus(), sizeof(*cpus));
	size_t n = 0;

	for (uint32_t i = 0; cpus && i < PROBE_ROLE_COUNT * SYSCALLS_NUMBERS; i++) {
		uint32_t row = __atomic_load_n(&s->row_of[i], __ATOMIC_RELAXED);

		if (!row || n == SYSCALLS_ROWS || !read_row(s, row, cpus, &calls[n].row))
			continue;
		calls[n].role = i / SYSCALLS_NUMBERS;
		calls[n++].number = i % SYSCALLS_NUMBERS;
	}
	return n;
}

static void syscalls_read(void *probe, const struct probe_view *view, cJSON *into,
			  struct probe_losses *losses)
{
	_cleanup_free_ struct syscalls_call *calls = calloc(SYSCALLS_ROWS, sizeof(*calls));
	struct syscalls *s = probe;
	size_t n = calls ? read_calls(s, calls) : 0;

	(void)view;
	for (size_t i = 0; i < n; i++)
		losses->events += calls[i].row.tally.count;
	losses->map_full = *s->map_full;
	losses->untracked = *s->untracked;
	syscalls_json(into, calls, n, *s->untimed ? s->why_untimed : NULL);
}

const struct probe_plugin probe_syscalls = {
	.info = {.name = "syscalls", .help = "system calls: how many, how long, how many failed"},
	.hooks = hooks,
	.open = syscalls_open,
	.part = syscalls_part,
	.attach = syscalls_attach,
	.detach = syscalls_detach,
	.reset = syscalls_reset,
	.calibrate = syscalls_calibrate,
	.read = syscalls_read,
	.close = syscalls_close,
};

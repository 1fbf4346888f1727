// SPDX-License-Identifier: MIT
/*
 * Devices are known to the programs by number. Their names are looked up while the run lasts, since
 * a device that the run made is gone when it is over.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/util/cleanup.h"
#include "harness/util/nsec.h"
#include "probes/block.skel.h"
#include "probes/block/block_json.h"
#include "probes/block_plain.skel.h"
#include "probes/plugin.h"
#include "probes/tracefs.h"

#define LOOK_NS (200 * NSEC_PER_MSEC)

/* By hit number: BLOCK_ISSUE, ... */
static const char *const programs[] = {"block_rq_issue", "block_rq_complete", NULL};
static const char *const plain_programs[] = {"block_rq_issue", "block_rq_complete",
					     "block_rq_requeue", NULL};
static const char *const hooks[] = {"block_rq_issue", "block_rq_complete", "block_rq_requeue",
				    NULL};

struct block {
	struct block_bpf *btf;
	struct block_plain_bpf *plain;
	struct part part;
	int rows;
	/* in the object's memory, see block_impl.bpf.h */
	uint64_t *devices;
	uint32_t *row_of, *rows_used;
	uint64_t *map_full, *untracked;
	char names[BLOCK_DEVICES][64];
};

#define POINT_AT(b, bss)                            \
	do {                                        \
		(b)->devices = (bss)->devices;      \
		(b)->row_of = (bss)->row_of;        \
		(b)->rows_used = &(bss)->rows_used; \
		(b)->map_full = &(bss)->map_full;   \
		(b)->untracked = &(bss)->untracked; \
	} while (0)

static int load_btf(struct block *b, struct track *track, struct err *err)
{
	int r;

	b->btf = block_bpf__open();
	r = part_prepare(&b->part, b->btf ? b->btf->obj : NULL, programs, track_part(track), err);
	if (r)
		return r;
	r = part_loaded(&b->part, block_bpf__load(b->btf), (void *)b->btf->bss->hits, err);
	if (r)
		return r;
	POINT_AT(b, b->btf->bss);
	b->rows = bpf_map__fd(b->btf->maps.rows);
	return 0;
}

/* Checks what is read by fixed offsets, and tells where `rwbs` is. */
static int check_layout(const char *event, const char *last, uint32_t *rwbs_at, struct err *err)
{
	const struct tracefs_field fields[] = {
		{"dev", 8, 4}, {"sector", 16, 8}, {"nr_sector", 24, 4}, {last, 28, 4}, {NULL, 0, 0},
	};
	struct tracefs_field rwbs;
	int r = tracefs_check(event, fields, err);

	if (!r)
		r = tracefs_find(event, "rwbs", &rwbs, err);
	if (!r)
		*rwbs_at = rwbs.offset;
	return r;
}

static int check_layouts(struct block_plain_bpf *plain, struct err *err)
{
	uint32_t issue, complete, requeue;
	int r = check_layout("block/block_rq_issue", "bytes", &issue, err);

	if (!r)
		r = check_layout("block/block_rq_complete", "error", &complete, err);
	if (!r)
		r = check_layout("block/block_rq_requeue", NULL, &requeue, err);
	if (r)
		return r;
	plain->rodata->issue_rwbs_at = issue;
	plain->rodata->complete_rwbs_at = complete;
	plain->rodata->requeue_rwbs_at = requeue;
	return 0;
}

static int load_plain(struct block *b, struct track *track, struct err *err)
{
	int r;

	b->plain = block_plain_bpf__open();
	r = part_prepare(&b->part, b->plain ? b->plain->obj : NULL, plain_programs,
			 track_part(track), err);
	if (!r)
		r = check_layouts(b->plain, err);
	if (r)
		return r;
	r = part_loaded(&b->part, block_plain_bpf__load(b->plain), (void *)b->plain->bss->hits,
			err);
	if (r)
		return r;
	POINT_AT(b, b->plain->bss);
	b->rows = bpf_map__fd(b->plain->maps.rows);
	return 0;
}

static void block_close(void *probe)
{
	struct block *b = probe;

	part_detach(&b->part);
	block_bpf__destroy(b->btf);
	block_plain_bpf__destroy(b->plain);
	free(b);
}

static int block_open(const struct probe_env *env, void **ret, struct err *err)
{
	struct block *b = calloc(1, sizeof(*b));
	int r;

	if (!b)
		return err_sys(err, -ENOMEM, "block");
	r = env->plain ? load_plain(b, env->track, err) : load_btf(b, env->track, err);
	if (r)
		block_close(b);
	else
		*ret = b;
	return r;
}

static struct part *block_part(void *probe)
{
	return &((struct block *)probe)->part;
}

static int block_reset(void *probe, struct err *err)
{
	struct block *b = probe;

	(void)err;
	memset(b->devices, 0, sizeof(*b->devices) * BLOCK_DEVICES);
	memset(b->row_of, 0, sizeof(*b->row_of) * BLOCK_KEYS);
	memset(b->names, 0, sizeof(b->names));
	*b->rows_used = 0;
	*b->map_full = *b->untracked = 0;
	return 0;
}

static int block_attach(void *probe, struct err *err)
{
	return part_attach(block_part(probe), err);
}

static void block_detach(void *probe)
{
	part_detach(block_part(probe));
}

/* Its number, where it has no name (any more). */
static void name_device(char *name, size_t size, uint32_t dev)
{
	unsigned major = dev >> 20, minor = dev & ((1u << 20) - 1);
	char path[64], target[256] = "";
	const char *slash;

	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u", major, minor);
	slash = readlink(path, target, sizeof(target) - 1) > 0 ? strrchr(target, '/') : NULL;
	if (slash)
		snprintf(name, size, "%.*s", (int)size - 1, slash + 1);
	else
		snprintf(name, size, "%u:%u", major, minor);
}

static void name_devices(struct block *b)
{
	for (unsigned i = 0; i < BLOCK_DEVICES; i++) {
		uint64_t id = __atomic_load_n(&b->devices[i], __ATOMIC_RELAXED);

		if (id && !b->names[i][0])
			name_device(b->names[i], sizeof(b->names[i]), (uint32_t)(id - 1));
	}
}

static uint64_t block_tick(void *probe, uint64_t now_ns)
{
	(void)now_ns;
	name_devices(probe);
	return LOOK_NS;
}

static void add_cpu(struct block_requests *to, const struct block_row *cpu)
{
	if (!cpu->hist.count)
		return;
	for (unsigned i = 0; i < HIST_BUCKETS; i++)
		to->hist.buckets[i] += cpu->hist.buckets[i];
	to->hist.count += cpu->hist.count;
	to->hist.sum += cpu->hist.sum;
	to->hist.min = min_of(to->hist.min, UINT64_MAX - cpu->hist.min);
	to->hist.max = max_of(to->hist.max, cpu->hist.max);
	to->bytes += cpu->bytes;
	to->failed += cpu->failed;
}

static void read_row(const struct block *b, uint32_t row, struct block_row *cpus,
		     struct block_requests *ret)
{
	hist_init(&ret->hist);
	ret->bytes = ret->failed = 0;
	if (bpf_map_lookup_elem(b->rows, &row, cpus))
		return;
	for (unsigned cpu = 0; cpu < part_cpus(); cpu++)
		add_cpu(ret, &cpus[cpu]);
}

static uint64_t read_rows(const struct block *b, cJSON *list)
{
	_cleanup_free_ struct block_row *cpus = calloc(part_cpus(), sizeof(*cpus));
	_cleanup_free_ struct block_requests *r = calloc(1, sizeof(*r));
	uint64_t events = 0;

	for (uint32_t i = 0; cpus && r && i < BLOCK_KEYS; i++) {
		uint32_t row = __atomic_load_n(&b->row_of[i], __ATOMIC_RELAXED);
		const char *name = b->names[i / (BLOCK_OPS * BLOCK_BYS)];

		if (!row)
			continue;
		read_row(b, row, cpus, r);
		if (!r->hist.count)
			continue;
		snprintf(r->device, sizeof(r->device), "%s", name);
		r->op = i / BLOCK_BYS % BLOCK_OPS;
		r->by = i % BLOCK_BYS;
		cJSON_AddItemToArray(list, block_json(r));
		events += r->hist.count;
	}
	return events;
}

static void block_read(void *probe, const struct probe_view *view, cJSON *into,
		       struct probe_losses *losses)
{
	cJSON *list = cJSON_AddArrayToObject(into, "devices");
	struct block *b = probe;

	(void)view;
	name_devices(b);
	losses->events = read_rows(b, list);
	losses->map_full = *b->map_full;
	losses->untracked = *b->untracked;
}

const struct probe_plugin probe_block = {
	.info = {.name = "block",
		 .help = "requests to block devices: issue to completion, by operation"},
	.hooks = hooks,
	.open = block_open,
	.part = block_part,
	.attach = block_attach,
	.detach = block_detach,
	.reset = block_reset,
	.tick = block_tick,
	.read = block_read,
	.close = block_close,
};

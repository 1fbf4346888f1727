// SPDX-License-Identifier: MIT
/*
 * The probe `cqe`: the life of its programs. Which of them fit this kernel is told by its BTF, or
 * by the layouts of its trace events. How many requests are timed is decided between warm-up and
 * window, by what timing all of them has cost (cqe_rate.c).
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness/util/cleanup.h"
#include "harness/util/nsec.h"
#include "probes/cqe/cqe_impl.h"
#include "probes/cqe/cqe_rate.h"
#include "probes/kernel_btf.h"
#include "probes/tracefs.h"

#include "probes/cqe.skel.h"
#include "probes/cqe_plain.skel.h"

static const char *const hooks[] = {
	"io_uring_submit_req",	 "io_uring_submit_sqe",	      "io_uring_req_failed",
	"io_uring_complete",	 "io_uring_queue_async_work", "io_uring_cqring_wait",
	"io_uring_cqe_overflow", "io_uring_create",	      NULL};

/* By hit number: enum in cqe_impl.bpf.h. There is no plain complete_old: the event has kept its
 * layout. */
static const char *const programs[] = {
	"submit_req",	    "submit_sqe",  "req_failed", "complete", "complete_old",
	"queue_async_work", "cqring_wait", "overflow",	 "create",   NULL};

static size_t map_bytes(const struct bpf_map *map)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t bytes = ((bpf_map__value_size(map) + 7ul) & ~7ul) * bpf_map__max_entries(map);

	return (bytes + page - 1) & ~(page - 1);
}

static int map_one(struct cqe *c, const char *name, const void **ret, struct err *err)
{
	struct bpf_map *map = bpf_object__find_map_by_name(c->part.obj, name);
	void *at = mmap(NULL, map_bytes(map), PROT_READ, MAP_SHARED, bpf_map__fd(map), 0);

	if (at == MAP_FAILED)
		return err_sys(err, -errno, "mapping %s", name);
	*ret = at;
	return 0;
}

static void unmap_one(struct cqe *c, const char *name, const void *at)
{
	if (at)
		munmap((void *)at, map_bytes(bpf_object__find_map_by_name(c->part.obj, name)));
}

static void cqe_close(void *probe)
{
	struct cqe *c = probe;

	part_detach(&c->part);
	unmap_one(c, "rings", c->rings);
	unmap_one(c, "ops", c->ops);
	cqe_bpf__destroy(c->btf);
	cqe_plain_bpf__destroy(c->plain);
	free(c);
}

/* Of two programs for one event the one that this kernel has, by its BTF. */
static int choose_programs(struct part *p, struct err *err)
{
	struct err none;
	bool submit_req = kernel_btf_args("io_uring_submit_req", &none) >= 1;
	int complete = kernel_btf_args("io_uring_complete", err);

	if (complete < 0)
		return complete;
	if (complete != 3 && complete != 7)
		return err_set(err, -EOPNOTSUPP,
			       "this kernel's io_uring_complete has %d arguments: neither 3 (Linux "
			       "6.18) nor 7 (6.1)",
			       complete);
	if (!submit_req && kernel_btf_args("io_uring_submit_sqe", err) < 1)
		return -EOPNOTSUPP;
	part_leave_out(p, submit_req ? "submit_sqe" : "submit_req");
	part_leave_out(p, complete == 3 ? "complete_old" : "complete");
	return 0;
}

static int load_btf(struct cqe *c, struct err *err)
{
	int r;

	c->btf = cqe_bpf__open();
	r = part_prepare(&c->part, c->btf ? c->btf->obj : NULL, programs, track_part(c->env->track),
			 err);
	if (!r)
		r = choose_programs(&c->part, err);
	if (r)
		return r;
	r = cqe_bpf__load(c->btf);
	if (!r)
		c->shared = &c->btf->bss->shared;
	return part_loaded(&c->part, r, r ? NULL : (void *)c->btf->bss->hits, err);
}

static const struct tracefs_field request_fields[] = {
	{"ctx", 8, 8}, {"req", 16, 8}, {"opcode", 32, 1}, {NULL}};
static const struct tracefs_field complete_fields[] = {
	{"ctx", 8, 8}, {"req", 16, 8}, {"res", 32, 4}, {"cflags", 36, 4}, {NULL}};
static const struct tracefs_field overflow_fields[] = {{"ctx", 8, 8}, {"res", 24, 4}, {NULL}};
static const struct tracefs_field wait_fields[] = {{"ctx", 8, 8}, {NULL}};
static const struct tracefs_field create_fields[] = {
	{"ctx", 16, 8}, {"sq_entries", 24, 4}, {"cq_entries", 28, 4}, {NULL}};

static int check_layouts(bool *ret_req, struct err *err)
{
	static const struct {
		const char *event;
		const struct tracefs_field *fields;
	} events[] = {
		{"io_uring/io_uring_req_failed", request_fields},
		{"io_uring/io_uring_complete", complete_fields},
		{"io_uring/io_uring_queue_async_work", request_fields},
		{"io_uring/io_uring_cqring_wait", wait_fields},
		{"io_uring/io_uring_cqe_overflow", overflow_fields},
		{"io_uring/io_uring_create", create_fields},
	};
	int r = 0;

	for (unsigned i = 0; !r && i < array_size(events); i++)
		r = tracefs_check(events[i].event, events[i].fields, err);
	if (r)
		return r;
	r = tracefs_check("io_uring/io_uring_submit_req", request_fields, err);
	*ret_req = !r;
	return r == -ENOENT ? tracefs_check("io_uring/io_uring_submit_sqe", request_fields, err)
			    : r;
}

static int load_plain(struct cqe *c, struct err *err)
{
	bool submit_req;
	int r = check_layouts(&submit_req, err);

	if (r)
		return r;
	c->plain = cqe_plain_bpf__open();
	r = part_prepare(&c->part, c->plain ? c->plain->obj : NULL, programs,
			 track_part(c->env->track), err);
	if (r)
		return r;
	part_leave_out(&c->part, submit_req ? "submit_sqe" : "submit_req");
	r = cqe_plain_bpf__load(c->plain);
	if (!r)
		c->shared = &c->plain->bss->shared;
	return part_loaded(&c->part, r, r ? NULL : (void *)c->plain->bss->hits, err);
}

static int cqe_open(const struct probe_env *env, void **ret, struct err *err)
{
	struct cqe *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return err_sys(err, -ENOMEM, "probe cqe");
	c->env = env;
	r = env->plain ? load_plain(c, err) : load_btf(c, err);
	if (!r)
		r = map_one(c, "rings", (const void **)&c->rings, err);
	if (!r)
		r = map_one(c, "ops", (const void **)&c->ops, err);
	if (r)
		cqe_close(c);
	else
		*ret = c;
	return r;
}

static struct part *cqe_part(void *probe)
{
	return &((struct cqe *)probe)->part;
}

static int cqe_reset(void *probe, struct err *err)
{
	struct cqe *c = probe;
	uint64_t chosen = c->env->config->cqe_sample;

	(void)err;
	*c->shared = (struct cqe_shared){
		.every = chosen ? (uint32_t)chosen : 1, .gate = 1, .epoch_ns = nsec_now()};
	c->slice_ns = c->pause_ns = c->covered_ns = c->slice_begin_ns = 0;
	c->random = (uint32_t)nsec_now() | 1;
	c->why[0] = 0;
	if (chosen > 1)
		snprintf(c->why, sizeof(c->why), "cqe_sample asks for it");
	return 0;
}

static int cqe_attach(void *probe, struct err *err)
{
	return part_attach(cqe_part(probe), err);
}

static void cqe_detach(void *probe)
{
	struct cqe *c = probe;

	if (c->slice_begin_ns)
		c->covered_ns = cqe_slice_covered(c, nsec_now());
	c->slice_begin_ns = 0;
	part_detach(&c->part);
}

static void cqe_calibrate(void *probe, struct probe_load *load)
{
	struct cqe *c = probe;
	struct cqe_rate rate = {.share = (double)c->env->config->cost / 100};
	struct cqe_plan plan;

	if (c->env->config->cqe_sample || load->hits_per_s <= 0)
		return;
	rate.hits_per_s = load->hits_per_s;
	rate.ns_per_hit = load->ns_per_s / load->hits_per_s;
	cqe_plan(&rate, &plan);
	if (plan.slice_ns)
		snprintf(c->why, sizeof(c->why),
			 "at %.0f events/s attached programs alone cost %.0f %% of a CPU",
			 rate.hits_per_s, 100 * plan.bare_share);
	else if (plan.every > 1)
		snprintf(c->why, sizeof(c->why),
			 "at %.0f events/s timing all requests costs more than %d %% of a CPU",
			 rate.hits_per_s, (int)c->env->config->cost);
	if (plan.slice_ns || plan.every > 1)
		load->ns_per_s = min_of(load->ns_per_s, load->budget_ns_per_s);
	c->shared->every = (uint32_t)plan.every;
	c->pause_ns = plan.pause_ns;
	c->slice_ns = plan.slice_ns;
	c->shared->sliced = plan.slice_ns != 0;
	if (plan.slice_ns)
		cqe_slice_pause(c);
}

static uint64_t cqe_tick(void *probe, uint64_t now_ns)
{
	return cqe_slice_tick(probe, now_ns);
}

const struct probe_plugin probe_cqe = {
	.info = {.name = "cqe",
		 .help = "io_uring: submission to completion to reaping by ring and opcode, punts, "
			 "overflows, failures"},
	.hooks = hooks,
	.open = cqe_open,
	.part = cqe_part,
	.attach = cqe_attach,
	.detach = cqe_detach,
	.reset = cqe_reset,
	.calibrate = cqe_calibrate,
	.tick = cqe_tick,
	.read = cqe_read,
	.close = cqe_close,
};

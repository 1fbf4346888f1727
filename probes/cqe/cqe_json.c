// SPDX-License-Identifier: MIT
/*
 * What the probe `cqe` tells: results/README.md. Counts are complete; where programs were attached
 * in slices only, what was counted is scaled to what the rings' own counters say. Times are those
 * of the requests that were looked at, as they are.
 */
#include <bpf/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/hist.h"
#include "harness/result.h"
#include "harness/util/cleanup.h"
#include "harness/util/uring_names.h"
#include "probes/cqe/cqe_impl.h"

static const char NO_REAP[] = "plain tracepoints do not show the completion queue";

/* Where `timing` is not `exact`. */
static const char SLICED[] =
	"times are of requests that began and ended in one slice, on a ring slowed down by the "
	"programs that are attached then: not to be compared with times of the workload";

static const char NO_SLICE[] = "no slice fell into the window: nothing was seen";

/* How many happened for one that was counted. */
struct scale {
	double submitted, completed;
};

static double covered_share(const struct cqe *c, const struct probe_view *view)
{
	double window = (double)(view->end_ns - view->begin_ns);

	return window > 0 ? (double)cqe_slice_covered(c, view->end_ns) / window : 0;
}

struct ring_sum {
	uint64_t submitted, completed, punts;
};

static unsigned ring_count(const struct cqe *c)
{
	return min_of(c->shared->rings, (uint32_t)RINGS_MAX - 1);
}

/* Were the ring's own counters seen over most of the window? */
static bool followed(const struct cqe_ring *r, const struct probe_view *view)
{
	return 2 * (r->last_ns - r->first_ns) >= view->end_ns - view->begin_ns;
}

/* The ring's own counters tell, as far as they were seen from one slice to another; else time. */
static struct scale scale_of(const struct cqe *c, const struct probe_view *view,
			     const struct cqe_ring *r, const struct ring_sum *sum)
{
	double window = (double)(view->end_ns - view->begin_ns), share = covered_share(c, view);
	double seen = (double)(r->last_ns - r->first_ns);

	if (!c->slice_ns)
		return (struct scale){1, 1};
	if (!followed(r, view) || !sum->submitted || !sum->completed)
		return (struct scale){share > 0 ? 1 / share : 1, share > 0 ? 1 / share : 1};
	return (struct scale){(double)r->taken * window / seen / (double)sum->submitted,
			      (double)r->posted * window / seen / (double)sum->completed};
}

static unsigned op_count(const struct cqe *c)
{
	return min_of(c->shared->ops, (uint32_t)OPS_MAX - 1);
}

static const char *opcode_name(uint32_t opcode, char text[16])
{
	if (opcode < uring_opcode_count)
		return uring_opcode_names[opcode];
	if (opcode == OP_NOTIF)
		return "NOTIF";
	if (opcode == OP_POSTED)
		return "POSTED";
	if (opcode == OP_UNKNOWN)
		return "UNKNOWN";
	snprintf(text, 16, "%u", opcode);
	return text;
}

static void add_number(cJSON *o, const char *key, double value)
{
	cJSON_AddNumberToObject(o, key, (double)(uint64_t)(value + 0.5));
}

static void add_failures(const struct cqe *c, cJSON *o, uint32_t op, double scale)
{
	cJSON *failed = cJSON_AddObjectToObject(o, "failed");
	int fd = part_map_fd(&c->part, "failures");
	struct cqe_failure key, *last = NULL;
	uint64_t n;

	for (; c->ops[op].failed && !bpf_map_get_next_key(fd, last, &key); last = &key) {
		const char *name = strerrorname_np(-key.error);
		char number[16];

		if (key.op != op || bpf_map_lookup_elem(fd, &key, &n))
			continue;
		snprintf(number, sizeof(number), "%d", key.error);
		add_number(failed, name ? name : number, (double)n * scale);
	}
}

static cJSON *op_json(const struct cqe *c, const struct probe_view *view, uint32_t i,
		      const struct scale *scale)
{
	const struct cqe_op *op = &c->ops[i];
	cJSON *o = cJSON_CreateObject();
	char text[16];

	cJSON_AddStringToObject(o, "opcode", opcode_name(op->opcode, text));
	add_number(o, "submitted", (double)op->submitted * scale->submitted);
	add_number(o, "completed", (double)op->completed * scale->completed);
	add_number(o, "punts", (double)op->punts * scale->submitted);
	add_failures(c, o, i, scale->completed);
	probe_tally_json(cJSON_AddObjectToObject(o, "complete"), &op->complete);
	if (!view->env->plain) {
		probe_tally_json(cJSON_AddObjectToObject(o, "reap"), &op->reap);
		return o;
	}
	cJSON_AddNullToObject(o, "reap");
	cJSON_AddStringToObject(o, "reason_reap", NO_REAP);
	return o;
}

static bool op_seen(const struct cqe_op *op)
{
	return op->submitted || op->completed || op->punts || op->reap.count;
}

static void add_entries(cJSON *o, const char *key, uint32_t entries)
{
	if (entries)
		cJSON_AddNumberToObject(o, key, entries);
	else
		cJSON_AddNullToObject(o, key);
}

static struct ring_sum sum_of(const struct cqe *c, uint32_t id)
{
	struct ring_sum sum = {0};

	for (unsigned i = 1; i <= op_count(c); i++) {
		if (c->ops[i].ring != id)
			continue;
		sum.submitted += c->ops[i].submitted;
		sum.completed += c->ops[i].completed;
		sum.punts += c->ops[i].punts;
	}
	return sum;
}

static cJSON *ring_json(const struct cqe *c, const struct probe_view *view, uint32_t id,
			const struct ring_sum *sum)
{
	const struct cqe_ring *r = &c->rings[id];
	struct scale scale = scale_of(c, view, r, sum);
	cJSON *o = cJSON_CreateObject(), *opcodes;

	cJSON_AddNumberToObject(o, "ring", id);
	cJSON_AddStringToObject(o, "role", probe_role_names[r->role]);
	add_entries(o, "sq_entries", r->sq_entries);
	add_entries(o, "cq_entries", r->cq_entries);
	add_number(o, "submitted", (double)sum->submitted * scale.submitted);
	add_number(o, "completed", (double)sum->completed * scale.completed);
	add_number(o, "waits", (double)r->waits * scale.submitted);
	if (r->waits)
		cJSON_AddNumberToObject(o, "cqes_per_wait",
					(double)sum->completed / (double)r->waits);
	else
		cJSON_AddNullToObject(o, "cqes_per_wait");
	add_number(o, "overflows", (double)r->overflows * scale.submitted);
	add_number(o, "punts", (double)sum->punts * scale.submitted);
	opcodes = cJSON_AddArrayToObject(o, "opcodes");
	for (unsigned i = 1; i <= op_count(c); i++)
		if (c->ops[i].ring == id && op_seen(&c->ops[i]))
			cJSON_AddItemToArray(opcodes, op_json(c, view, i, &scale));
	return o;
}

/* How the counts of rings that are told of were scaled. */
static const char *counted_by(const struct cqe *c, const struct probe_view *view)
{
	for (uint32_t id = 1; id <= ring_count(c); id++) {
		struct ring_sum sum = sum_of(c, id);

		if (sum.submitted + sum.completed && !followed(&c->rings[id], view))
			return "extrapolation";
	}
	return "the rings' own counters";
}

/* One of how many completions was timed? In slices the rest went by in the pauses, mostly. */
static uint64_t timed_every(const struct cqe *c, const struct probe_view *view)
{
	double completed = 0, timed = 0;

	if (!c->slice_ns)
		return c->shared->every;
	for (uint32_t id = 1; id <= ring_count(c); id++) {
		struct ring_sum sum = sum_of(c, id);

		completed +=
			(double)sum.completed * scale_of(c, view, &c->rings[id], &sum).completed;
	}
	for (unsigned i = 1; i <= op_count(c); i++)
		timed += (double)c->ops[i].complete.count;
	return timed > 0 ? max_of((uint64_t)(completed / timed + 0.5), (uint64_t)1)
			 : c->shared->every;
}

static void add_timing(const struct cqe *c, const struct probe_view *view, cJSON *into)
{
	cJSON_AddStringToObject(into, "timing", c->slice_ns ? "slices" : "exact");
	if (c->slice_ns)
		cJSON_AddStringToObject(into, "reason_timing",
					cqe_slice_covered(c, view->end_ns) ? SLICED : NO_SLICE);
}

static uint64_t add_rings(const struct cqe *c, const struct probe_view *view, cJSON *into)
{
	cJSON *rings = cJSON_AddArrayToObject(into, "rings");
	uint64_t events = 0;

	for (uint32_t id = 1; id <= ring_count(c); id++) {
		struct ring_sum sum = sum_of(c, id);

		events += sum.submitted + sum.completed + sum.punts + c->rings[id].waits;
		if (sum.submitted + sum.completed)
			cJSON_AddItemToArray(rings, ring_json(c, view, id, &sum));
	}
	cJSON_AddNumberToObject(into, "more_rings", c->shared->more_rings);
	return events;
}

static void add_hist(const struct cqe *c, cJSON *o, const char *name, uint32_t key)
{
	_cleanup_free_ struct hist *h = hist_new();
	int fd = part_map_fd(&c->part, "hists");

	if (h && !part_read_hist(fd, &key, h))
		cJSON_AddItemToObject(o, name, hist_json(h));
}

static void add_hists(const struct cqe *c, const struct probe_view *view, cJSON *into)
{
	static const char *const names[] = {"complete", "reap", "total"};
	cJSON *all = cJSON_AddObjectToObject(into, "histograms"), *o;
	char text[16];

	for (uint32_t op = 0; op < OPCODES; op++) {
		uint32_t n = c->shared->hist_of[op];

		if (!n)
			continue;
		o = cJSON_AddObjectToObject(all, opcode_name(op, text));
		for (uint32_t i = 0; i < (view->env->plain ? 1 : CQE_HISTS); i++)
			add_hist(c, o, names[i], (n - 1) * CQE_HISTS + i);
		if (!view->env->plain)
			continue;
		cJSON_AddNullToObject(o, "reap");
		cJSON_AddNullToObject(o, "total");
		cJSON_AddStringToObject(o, "reason", NO_REAP);
	}
}

void cqe_read(void *probe, const struct probe_view *view, cJSON *into, struct probe_losses *losses)
{
	const struct cqe *c = probe;

	add_timing(c, view, into);
	losses->events = add_rings(c, view, into);
	if (!view->live)
		add_hists(c, view, into);
	losses->every = timed_every(c, view);
	losses->map_full = c->shared->map_full;
	losses->untracked = c->slice_ns ? 0 : c->shared->untracked;
	if (c->shared->hists > HIST_OPS)
		losses->map_full += c->shared->hists - HIST_OPS;
	if (c->slice_ns)
		snprintf(losses->sampling, sizeof(losses->sampling),
			 "%s: watched for %.1f %% of the time, counts by %s", c->why,
			 100 * covered_share(c, view), counted_by(c, view));
	else
		snprintf(losses->sampling, sizeof(losses->sampling), "%s", c->why);
}

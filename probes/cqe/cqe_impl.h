/* SPDX-License-Identifier: MIT */
/* What cqe.c (life) and cqe_json.c (what is told) share. */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>

#include "probes/cqe/cqe.h"
#include "probes/plugin.h"

struct cqe_plain_bpf;
struct cqe_bpf;

struct cqe {
	const struct probe_env *env;
	struct part part;
	struct cqe_bpf *btf;
	struct cqe_plain_bpf *plain;
	struct cqe_shared *shared;
	const struct cqe_ring *rings; /* RINGS_MAX, mapped */
	const struct cqe_op *ops;     /* OPS_MAX, mapped */
	/* Slices: see cqe_slice.c. */
	uint64_t slice_ns, pause_ns; /* 0: always attached */
	uint64_t until_ns;	     /* this slice, or this pause */
	uint64_t slice_begin_ns;     /* 0: in a pause */
	uint64_t covered_ns;	     /* of slices that are over */
	uint32_t random;
	char why[80]; /* why not every request is looked at */
};

/* Begins with a pause: what every request meets is detached. */
void cqe_slice_pause(struct cqe *c);
/* Attaches and detaches by time; returns when to come again, from now. */
uint64_t cqe_slice_tick(struct cqe *c, uint64_t now_ns);
/* How much of the window was watched up to now. */
uint64_t cqe_slice_covered(const struct cqe *c, uint64_t now_ns);

void cqe_read(void *probe, const struct probe_view *view, cJSON *into, struct probe_losses *losses);

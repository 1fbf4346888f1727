/* SPDX-License-Identifier: MIT */
/* What stacks.c (taking in) and stacks_groups.c (working out) share. */
#pragma once

#include "probes/stacks/stacks.h"

struct kallsyms;
struct ring_buffer;

struct process {
	uint32_t tgid;
	char *maps; /* text; NULL: it was gone */
};

enum sample_fate {
	FATE_OPEN, /* not looked at yet */
	FATE_SHORTER,
	FATE_UNFINISHED,
	FATE_INTERRUPT,
	FATE_NO_COPY,
	FATE_NO_MAPS,
	FATE_NO_UNWINDER,
	FATE_UNWOUND,
	FATE_COUNT
};

struct taken {
	struct sample sample;
	const struct process *process;
	uint64_t wait_ns;
	enum sample_fate fate;
	enum unwind_end end; /* when unwound */
	/* Frames as JSON text, so that they compare; NULL: none. */
	char *user, *kernel;
};

struct stacks {
	uint64_t long_ns;
	struct ring_buffer *ring;   /* NULL: kernel frames only */
	uint64_t *waits;	    /* [SAMPLE_WAITS], the kernel writes */
	struct sample_state *state; /* likewise */
	bool discard;		    /* what is drained belongs to no run */
	struct taken *taken[SAMPLES_MAX];
	size_t n_taken;
	struct process processes[SAMPLES_MAX];
	size_t n_processes;
	uint64_t no_memory;
	struct kallsyms *kallsyms;
	int kallsyms_code; /* why there are none; 0: not tried, or there */
	struct err kallsyms_err;
	struct err unwinder_err; /* the last one; empty: none */
};

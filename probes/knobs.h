/* SPDX-License-Identifier: MIT */
/* The knobs of all probes: `probe_knobs` in a matrix, options of hunt. */
#pragma once

#include <stdint.h>

#include "harness/param.h"

enum probe_hooks { HOOKS_AUTO, HOOKS_BTF, HOOKS_PLAIN };
enum probe_stacks { STACKS_NONE, STACKS_KERNEL, STACKS_USER };

#define STACK_BYTES_MAX 16384

struct probe_config {
	uint64_t cost;		/* percent */
	int hooks;		/* enum probe_hooks */
	int stacks;		/* enum probe_stacks */
	uint64_t stack_wait_ns; /* waits from here on get stacks */
	uint64_t stack_bytes;	/* of a user stack that are copied */
	uint64_t cqe_sample;	/* 1 in so many; 0: as the budget allows */
};

extern const struct param probe_params[];

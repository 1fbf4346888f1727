/* SPDX-License-Identifier: MIT */
/*
 * A cell: one point of the matrix, every axis and knob with one value. Its identity is 12 hex
 * digits of a hash over the canonical form, which leaves out everything that equals its default: so
 * neither key order, nor written-out defaults, nor a knob added later change it.
 */
#pragma once

#include <cjson/cJSON.h>
#include <stdint.h>

#include "harness/param.h"
#include "harness/role.h"

#define CELL_ID_LEN   12
#define CPUS_TEXT_MAX 64

struct workload_ops;
struct target_ops;

enum arrival { ARRIVAL_FIXED, ARRIVAL_POISSON };

/* The axes every workload and target understands. */
struct axes {
	uint64_t threads; /* lanes */
	uint64_t depth;	  /* in flight per lane */
	uint64_t batch;	  /* submitted at once; <= depth */
	uint64_t rate;	  /* operations per second offered by all lanes together; 0 = closed loop */
	int arrival;	  /* enum arrival: spacing of the intended starts under a rate */
	uint64_t payload; /* bytes of one operation, headers of the workload included */
	char cpus[ROLE_COUNT][CPUS_TEXT_MAX]; /* "0-1,3"; "" = anywhere */
};

struct cell {
	char id[CELL_ID_LEN + 1];
	const struct workload_ops *workload;
	const struct target_ops *target;
	struct axes axes;
	void *workload_config; /* workload->config_size bytes */
	void *target_config;
	cJSON *stated; /* the entry as the matrix states it, one value each: what a child is sent */
};

/* The rows of the common axes (struct axes), `payload` without default: the workload has it. */
extern const struct param axis_params[];

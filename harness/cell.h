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
#include "harness/util/err.h"

#define CELL_ID_LEN   12
#define CPUS_TEXT_MAX 64

struct workload_ops;
struct target_ops;
struct registry;

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
	unsigned probes; /* set of the registry's prober; no part of the identity */
	cJSON *gate;   /* what the matrix lists, see harness/matrix/matrix_gate.h; NULL: nothing */
	cJSON *stated; /* the entry as the matrix states it, one value each: what a child is sent */
};

/* The rows of the common axes (offsets into struct axes), ended by PARAM_END. Two have no default:
 * depth is the batch, payload is the workload's. The cpus of the roles are not among them. */
extern const struct param axis_params[];

/* The row of the payload with the bounds and the default of a workload. */
struct param cell_payload_row(const struct workload_ops *workload);
/* Parses a CPU list and writes its shortest form; "" is legal. */
int cell_parse_cpus(const char *text, char ret[static CPUS_TEXT_MAX], struct err *err);

/*
 * Builds a cell from an entry of a matrix in which everything has one value:
 * {"workload", "target", axes..., "cpus": {role: list}, "with": {knob: value}}. The matrix goes
 * through the same two steps, with its skip rules between them. `entry` is copied.
 * cell_from_json = cell_read + cell_check. 0, -EINVAL with err, -ENOMEM.
 */
int cell_from_json(const struct registry *reg, const cJSON *entry, struct err *err,
		   struct cell **ret);
int cell_read(const struct registry *reg, const cJSON *entry, struct err *err, struct cell **ret);
/* What no value alone can tell: batch against depth, the plugins' own check_cell. */
int cell_check(const struct cell *cell, struct err *err);
void cell_free(struct cell *cell);
/* Fills `id` from everything else; cell_read has done so. -ENOMEM. */
int cell_identify(struct cell *cell);

/* {id, workload, target, axes, knobs}: see results/README.md. Sizes are bytes, times nanoseconds.
 */
cJSON *cell_describe(const struct cell *cell);
/* "wal/sync threads=8 payload=64k": what differs from the defaults, for people. malloc'd. */
char *cell_label(const struct cell *cell);

/* The row of an axis or knob of this cell and where its value is; NULL when it has no such thing.
 */
const struct param *cell_find(const struct cell *cell, const char *name, const void **ret_config);

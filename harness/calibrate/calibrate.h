/* SPDX-License-Identifier: MIT */
/*
 * What a paired gate is worth on a machine, from logs of gates that were measured there: false
 * alarms where nothing differs, and how often a known slowdown is found. Pure: the folder alone
 * decides (its shape: results/README.md, "Calibrations"), so it can be asked again.
 */
#pragma once

#include <cjson/cJSON.h>

#include "harness/util/err.h"

#define CALIBRATION_SCHEMA	1
#define CALIBRATION_GATES_MIN	5    /* with fewer, more than half of all gates may give alarms */
#define CALIBRATION_LEVEL	0.95 /* of each bound, one-sided */
#define CALIBRATION_CHECK_P	0.001
#define CALIBRATION_MARGIN	0.01
#define CALIBRATION_MARGIN_LOW	0.005
#define CALIBRATION_MARGIN_HIGH 0.02

/* `from` of a margin that was learnt. */
#define CALIBRATION_FROM_BUILDS "builds"

/* The log in which nothing differs, below a calibration's folder. */
#define CALIBRATION_SAME "same"

/*
 * *ret: calibration.json, which it does not write. Its `exit_code` is that of exitcode.h: 0, or 3
 * where a run failed, 4 where there are too few gates, 5 where the machine is too restless: also
 * where it let fewer gates be judged than not.
 * -ENOENT: the folder has no log. Else as cut_read.
 */
int calibrate_analyse(const char *dir, cJSON **ret, struct err *err);

/* How long a lane takes for an operation of base, in ns: of each cell of the log DIR/same, in
 * gate.json's order. `threads`: lanes of each. NAN where nothing is known. -EINVAL: another number
 * of cells; -EIO: a run failed. */
int calibrate_op_ns(const char *dir, const double *threads, size_t n, double *ret_op_ns,
		    struct err *err);

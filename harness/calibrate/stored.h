/* SPDX-License-Identifier: MIT */
/*
 * Calibrations that later gates quote: one file for each class of machines
 * (harness/host/machine.h), DIR/MACHINE.json, a copy of calibration.json. Only what calibrated is
 * kept.
 */
#pragma once

#include <cjson/cJSON.h>

#include <stdbool.h>

#include "harness/util/err.h"

#define CALIBRATIONS_DIR "results/calibrations"

/* Takes the place of an older one. *ret_path: to be freed. */
int calibration_store(const char *root, const cJSON *calibration, char **ret_path, struct err *err);
/*
 * What a gate quotes of the calibration of a machine: {started, gates, alarms: {hits, of, share,
 * low, high}, sees, margin, margin_from}. -ENOENT: there is none. -EBADMSG with its place: it is
 * damaged.
 */
int calibration_quote(const char *root, const cJSON *machine, cJSON **ret, struct err *err);
/* Was the margin learnt from builds? `quote` may be NULL. */
bool calibration_margin(const cJSON *quote, double *ret);

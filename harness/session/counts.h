/* SPDX-License-Identifier: MIT */
/* What the kernel did for each operation of a run: the metrics of count_metrics, made from a
 * record. Far steadier than time, on machines that others use, too. */
#pragma once

#include <cjson/cJSON.h>

/* Operations that the run's window counts; 0: none, or nobody knows. */
double counts_operations(const cJSON *record);

/*
 * The count `name` for one operation; NAN where it is not known: its probe was not there, saw only
 * a part of the window, or lost something. `record`: a record or a child's response; `probes`: the
 * record's. Voluntary switches are of roles that do the work, without the harness itself.
 */
double counts_of(const cJSON *record, const cJSON *probes, const char *name);

/* The probe that `name` is made from; NULL: none is needed. */
const char *counts_probe(const char *name);

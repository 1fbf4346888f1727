/* SPDX-License-Identifier: MIT */
/*
 * Histograms as a sheet keeps them: 8 neighbouring buckets of hist.h in one, so that a bucket is at
 * most 1/16 of its value wide and a cell's histogram a few hundred bytes of text:
 * {count, sum, min, max, buckets: [[index, count], ...]}, ascending.
 */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "harness/hist.h"
#include "harness/util/err.h"

#define SHEET_COARSER 8
#define SHEET_BUCKETS (HIST_BUCKETS / SHEET_COARSER)

/* Merges the histogram of a record into what a sheet has of it so far (an empty object first). */
void sheet_hist_merge(cJSON *into, const cJSON *record_hist);

/* Of a sheet's `histograms`, {name: histogram}, as it was read from a file. */
int sheet_hist_check(const cJSON *all, const char *place, struct err *err);
/* Adds the buckets of one that was checked; NULL adds nothing. */
void sheet_hist_add(uint64_t buckets[static SHEET_BUCKETS], const cJSON *hist);
/* The middle of the bucket that has it; NAN when all are empty. */
double sheet_hist_quantile(const uint64_t buckets[static SHEET_BUCKETS], double q);

/* SPDX-License-Identifier: MIT */
/* The engine's own share of a result: common metrics, histograms, series, usage, Little's law. */
#pragma once

struct run;
struct drive_result;
struct result;

void run_report(struct run *run, const struct drive_result *d, struct result *res);

/* SPDX-License-Identifier: MIT */
/*
 * What this build knows. main() joins the tables and hands the result down, so that the harness
 * never names a plugin, and a test can bring a registry of its own.
 */
#pragma once

#include "harness/probe.h"
#include "harness/target.h"
#include "harness/workload.h"

struct registry {
	const struct workload_ops *const *workloads; /* ended by NULL */
	const struct target_ops *const *targets;     /* ended by NULL */
	const struct prober_ops *prober;	     /* NULL: this build has no probes */
};

const struct workload_ops *registry_workload(const struct registry *reg, const char *name);
/* Calls every target's `leftovers`, also after one that failed: then its -errno is returned, with
 * err. Otherwise how many there were. */
int registry_leftovers(const struct registry *reg, bool fix,
		       void (*found)(void *arg, const char *what), void *arg, struct err *err);
const struct target_ops *registry_target(const struct registry *reg, const char *workload,
					 const char *name);

/* SPDX-License-Identifier: MIT */
/*
 * "probes" and "probe_knobs": what is watched, and how. Belongs to matrix.c. `ops` is NULL in a
 * build without probes, where nothing but "none" can be asked for.
 */
#pragma once

#include "harness/matrix/matrix.h"

/* "all", "none", a name or a list of names, at `path`. Leaves *set when it is wrong, which is
 * told. */
void probes_read(const struct prober_ops *ops, struct diag *diag, const cJSON *value,
		 struct json_path *path, unsigned *set);
/* The knobs of the top level into m->probe_config, which holds the defaults. `knobs` NULL: none. */
void probe_knobs_read(const struct prober_ops *ops, struct diag *diag, const cJSON *knobs,
		      struct matrix *m);
/* The matrix's hash with all that is asked for beyond "none" and the defaults. */
uint64_t probes_hash(const struct prober_ops *ops, const struct matrix *m, uint64_t hash);

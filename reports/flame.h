/* SPDX-License-Identifier: MIT */
/*
 * A flame graph of waits as a tree: role, class, then the user's frames from main inwards, then the
 * kernel's. A node's time is that of every stack through it, so children never come to more than
 * their parent; siblings are ordered by time, and those too narrow to see are one "(small)".
 */
#pragma once

#include <cjson/cJSON.h>

enum flame_kind { FLAME_ROOT, FLAME_ROLE, FLAME_CLASS, FLAME_USER, FLAME_KERNEL, FLAME_SMALL };

struct flame {
	enum flame_kind kind;
	char *name;
	const char *class_key; /* from the JSON, which must outlive the tree; "" above the class */
	double ns, count;
	double x, width; /* after flame_layout, in shares of the whole */
	struct flame *child, *next;
};

/* From sched's `stacks`. Those of role `harness`, which does nothing but wait for the others, are
 * left out where there are others, and their time is told. -ENOMEM. */
int flame_build(const cJSON *stacks, struct flame **ret, double *ret_left_out_ns);
/* Orders, merges what is narrower than `least` (share of the whole), gives places. Returns how many
 * levels there are below the root. May be called again, with a larger `least`. -ENOMEM. */
int flame_layout(struct flame *root, double least);
/* Nodes below the root. */
unsigned flame_count(const struct flame *root);
void flame_free(struct flame *f); /* NULL is fine */

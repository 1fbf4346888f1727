/* SPDX-License-Identifier: MIT */
/*
 * A set of strings, each kept once: equal texts have equal addresses, so that thousands of cells
 * that repeat the same knob values cost one pointer each. Each entry carries a pointer for its
 * finder's use (cell id -> cell).
 */
#pragma once

#include <stddef.h>

struct intern_entry {
	void *data;
	char text[];
};

struct intern {
	struct intern_entry **slots;
	size_t n_slots, n_used;
};

/* NULL when out of memory. The entry lives as long as the pool. */
struct intern_entry *intern_entry(struct intern *pool, const char *text);
const char *intern_text(struct intern *pool, const char *text);
void intern_free(struct intern *pool);

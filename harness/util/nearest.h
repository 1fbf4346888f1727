/* SPDX-License-Identifier: MIT */
/*
 * The nearest right word for a wrong one: offer every right word, then read `best`.
 *
 *	struct nearest n = nearest_to("fdatasnc");
 *	nearest_offer(&n, "fdatasync"); ...
 *	n.best is "fdatasync"; NULL when nothing was offered
 */
#pragma once

#include <stddef.h>

struct nearest {
	const char *word;
	const char *best;
	size_t distance; /* edits between word and best */
};

static inline struct nearest nearest_to(const char *word)
{
	return (struct nearest){.word = word};
}

void nearest_offer(struct nearest *n, const char *candidate);

/* Damerau-Levenshtein (optimal string alignment): insertions, deletions, replacements and swaps of
 * neighbours, letters of either case alike. Only the first 63 bytes of each word count. */
size_t nearest_distance(const char *a, const char *b);

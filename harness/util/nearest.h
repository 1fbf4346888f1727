/* SPDX-License-Identifier: MIT */
/*
 * The nearest right word for a wrong one: offer every right word, then read `best`.
 *
 *	struct nearest n = nearest_to("fdatasnc");
 *	nearest_offer(&n, "fdatasync"); ...
 *	n.best is "fdatasync"; NULL when nothing that was offered is near
 *
 * Near are max(2, a third of the wrong word) edits, and fewer than the right word has letters: what
 * is further off is no slip of the fingers, and naming it would only mislead.
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

#define NEAREST_HINT_MAX 128
/* `; the nearest is "fdatasync"`, or "" when nothing is near. Returns buf. */
const char *nearest_hint(const struct nearest *n, char buf[static NEAREST_HINT_MAX]);

/* Damerau-Levenshtein (optimal string alignment): insertions, deletions, replacements and swaps of
 * neighbours, letters of either case alike. Only the first 63 bytes of each word count. */
size_t nearest_distance(const char *a, const char *b);

// SPDX-License-Identifier: MIT
/*
 * Edit distance for "did you mean": three rows of the usual table are enough, since a swap of
 * neighbours looks back two rows. Words are cut at 63 bytes, so the rows live on the stack. Of
 * equally near words the first one offered wins.
 */
#include "harness/util/nearest.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "harness/util/cleanup.h"

#define WORD_MAX 63

static int lower(const char *s, size_t i)
{
	return tolower((unsigned char)s[i]);
}

size_t nearest_distance(const char *a, const char *b)
{
	size_t rows[3][WORD_MAX + 1], *before = rows[0], *above = rows[1], *row = rows[2],
				      *free_row;
	size_t len_a = strnlen(a, WORD_MAX), len_b = strnlen(b, WORD_MAX);

	for (size_t j = 0; j <= len_b; j++)
		above[j] = j;
	for (size_t i = 1; i <= len_a; i++) {
		row[0] = i;
		for (size_t j = 1; j <= len_b; j++) {
			size_t same = lower(a, i - 1) == lower(b, j - 1) ? 0 : 1;

			row[j] = min_of(above[j], row[j - 1]) + 1;
			row[j] = min_of(row[j], above[j - 1] + same);
			if (i > 1 && j > 1 && lower(a, i - 1) == lower(b, j - 2) &&
			    lower(a, i - 2) == lower(b, j - 1))
				row[j] = min_of(row[j], before[j - 2] + 1);
		}
		free_row = before;
		before = above;
		above = row;
		row = free_row;
	}
	return above[len_b];
}

void nearest_offer(struct nearest *n, const char *candidate)
{
	size_t distance = nearest_distance(n->word, candidate);
	size_t near = max_of((size_t)2, strnlen(n->word, WORD_MAX) / 3);

	if (distance > near || distance >= strnlen(candidate, WORD_MAX))
		return;
	if (n->best && distance >= n->distance)
		return;
	n->best = candidate;
	n->distance = distance;
}

const char *nearest_hint(const struct nearest *n, char buf[static NEAREST_HINT_MAX])
{
	buf[0] = 0;
	if (n->best)
		snprintf(buf, NEAREST_HINT_MAX, "; the nearest is \"%s\"", n->best);
	return buf;
}

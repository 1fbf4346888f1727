// SPDX-License-Identifier: MIT
/*
 * Thousands of matrices that are nearly right: a sound text with bytes, tokens and pieces changed
 * by a seeded generator. Each either loads, and every cell can be rebuilt from what a child would
 * be sent; or it is refused with an error that has a place. The sanitizers watch the rest.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "harness/matrix/test_load.h"
#include "harness/test_plugins.h"
#include "harness/util/cleanup.h"
#include "harness/util/rng.h"

#define TEXTS	  5000
#define TEXT_ROOM 2048

static const char sound[] =
	"{\"repeats\":2,\"seed\":7,\"warmup\":0,\"duration\":\"10ms\",\"order\":\"sequential\","
	"\"cells\":[{\"workload\":\"log\",\"target\":[\"plain\",\"group\"],\"threads\":[1,2],"
	"\"payload\":[\"4k\",64],\"with\":{\"direct\":[false,true],\"partitions\":[1,2e0]},"
	"\"cpus\":{\"driver\":[\"\",\"0\"]},\"skip\":[{\"payload\":64,\"with\":{\"direct\":true}},"
	"{\"target\":[\"plain\"],\"threads\":2},{\"with\":{\"window\":\"1ms\"}}]},"
	"{\"target\":\"null\",\"workload\":\"void\"}]}";

static const char *const pieces[] = {
	"null",	     "true",	 "[]",
	"{}",	     "\"\"",	 "0",
	"-1",	     "1e400",	 "9007199254740993",
	",",	     ":",	 "[",
	"]",	     "{",	 "}",
	"\"",	     "\\u0000",	 "\\ud800",
	"\xff",	     "\"4k\"",	 "1e5",
	"1.5",	     "\"x\"",	 "\"skip\"",
	"\"plain\"", "\"void\"", "\xc3\xa9",
};

struct text {
	size_t len;
	char bytes[TEXT_ROOM];
};

static void replace(struct text *t, size_t from, size_t to, const char *piece)
{
	size_t n = strlen(piece);

	if (t->len - (to - from) + n >= TEXT_ROOM)
		return;
	memmove(t->bytes + from + n, t->bytes + to, t->len - to + 1);
	memcpy(t->bytes + from, piece, n);
	t->len += n - (to - from);
}

static void mutate(struct text *t, struct rng *rng)
{
	const char *piece = pieces[rng_below(rng, array_size(pieces))];
	size_t from = rng_below(rng, t->len), to = from;

	switch (rng_below(rng, 4)) {
	case 0:
		t->bytes[from] = (char)rng_below(rng, 256);
		break;
	case 1:
		replace(t, from, min_of(t->len, from + 1 + rng_below(rng, 20)), "");
		break;
	case 2:
		replace(t, from, from, piece);
		break;
	default: /* a whole token */
		while (to < t->len && !strchr(",:[]{}", t->bytes[to]))
			to++;
		while (from > 0 && !strchr(",:[]{}", t->bytes[from - 1]))
			from--;
		replace(t, from, to, piece);
	}
}

static void check_cells(const struct matrix *m)
{
	for (size_t i = 0; i < m->n_cells; i++) {
		struct cell *again = NULL;
		struct err err = {""};

		assert_int_equal(cell_from_json(&test_registry, m->cells[i]->stated, &err, &again),
				 0);
		assert_string_equal(again->id, m->cells[i]->id);
		cell_free(again);
	}
}

static void test_mutations(void **state)
{
	_cleanup_free_ struct diag *diag = malloc(sizeof(*diag));
	unsigned loaded = 0;
	struct rng rng;

	(void)state;
	rng_seed(&rng, 20);
	for (unsigned i = 0; i < TEXTS; i++) {
		struct text t = {.len = sizeof(sound) - 1};
		struct matrix *m = NULL;

		memcpy(t.bytes, sound, sizeof(sound));
		for (uint64_t n = 1 + rng_below(&rng, 2); n > 0 && t.len; n--)
			mutate(&t, &rng);
		if (!test_load(t.bytes, t.len, diag, &m)) {
			loaded++;
			assert_int_equal(diag->errors.told, 0);
			assert_true(m->n_cells > 0);
			check_cells(m);
			matrix_free(m);
			continue;
		}
		assert_null(m);
		assert_true(diag->errors.kept > 0);
		for (size_t j = 0; j < diag->errors.kept; j++)
			assert_true(diag->errors.items[j].place.line > 0);
	}
	/* Both kinds must be there, or the test tries nothing. */
	assert_in_range(loaded, 5, TEXTS - 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_mutations)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

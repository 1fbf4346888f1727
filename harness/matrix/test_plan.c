// SPDX-License-Identifier: MIT
/* Plans: complete, repeatable, shuffled in rounds, filtered; seeds that depend on nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "harness/matrix/plan.h"
#include "harness/matrix/test_load.h"
#include "harness/test_plugins.h"
#include "harness/util/cleanup.h"

static const char matrix_text[] =
	"{\"cells\":[{\"workload\":\"log\",\"target\":[\"plain\",\"group\"],"
	"\"threads\":[1,2,3,4,5,6,7,8]},{\"workload\":\"void\",\"target\":\"null\"}]}";

#define N_CELLS 17

static int set_up(void **state)
{
	struct matrix *m = NULL;
	struct diag diag;

	if (test_load(matrix_text, strlen(matrix_text), &diag, &m) || m->n_cells != N_CELLS)
		return -1;
	*state = m;
	return 0;
}

static int tear_down(void **state)
{
	matrix_free(*state);
	return 0;
}

static struct plan *make(const struct matrix *m, uint64_t seed, uint64_t repeats, const char *only)
{
	struct plan *p = NULL;
	struct err err = {""};

	assert_int_equal(plan_make(m, seed, repeats, only, &p, &err), 0);
	return p;
}

static void test_rounds(void **state)
{
	struct plan *p = make(*state, 1, 5, NULL);
	unsigned in_place = 0;

	assert_int_equal(p->n, 5 * N_CELLS);
	assert_int_equal(p->n_cells, N_CELLS);
	for (size_t round = 0; round < 5; round++) {
		unsigned seen[N_CELLS] = {0};

		for (size_t i = 0; i < N_CELLS; i++) {
			const struct plan_item *item = &p->items[round * N_CELLS + i];

			assert_int_equal(item->repeat, round);
			assert_int_equal(item->order, round * N_CELLS + i);
			seen[item->cell]++;
			in_place += item->cell == i;
		}
		for (size_t i = 0; i < N_CELLS; i++)
			assert_int_equal(seen[i], 1);
	}
	/* One in each round is to be expected; in order would be 85. */
	assert_in_range(in_place, 0, 20);
	plan_free(p);
}

static void test_sequential(void **state)
{
	struct matrix m = *(struct matrix *)*state;
	struct plan *p;

	m.order = ORDER_SEQUENTIAL;
	p = make(&m, 1, 3, NULL);
	for (size_t i = 0; i < p->n; i++) {
		assert_int_equal(p->items[i].cell, i / 3);
		assert_int_equal(p->items[i].repeat, i % 3);
		assert_int_equal(p->items[i].order, i);
	}
	plan_free(p);
}

static void test_same_seed_same_plan(void **state)
{
	struct plan *a = make(*state, 7, 3, NULL), *b = make(*state, 7, 3, NULL);
	struct plan *c = make(*state, 8, 3, NULL);

	assert_memory_equal(a->items, b->items, a->n * sizeof(a->items[0]));
	assert_memory_not_equal(a->items, c->items, a->n * sizeof(a->items[0]));
	plan_free(a);
	plan_free(b);
	plan_free(c);
}

/* A run keeps its seed whatever else is planned; no two runs share one. */
static void test_seeds(void **state)
{
	const struct matrix *m = *state;
	struct plan *all = make(m, 7, 3, NULL), *some = make(m, 7, 3, "log/group threads=8");

	assert_int_equal(some->n, 3);
	for (size_t i = 0; i < all->n; i++)
		for (size_t j = 0; j < i; j++)
			assert_true(all->items[i].seed != all->items[j].seed);
	for (size_t i = 0; i < some->n; i++) {
		const struct plan_item *item = &some->items[i];

		assert_true(item->seed == plan_run_seed(7, m->cells[item->cell]->id, item->repeat));
		assert_true(item->seed != plan_run_seed(8, m->cells[item->cell]->id, item->repeat));
	}
	plan_free(all);
	plan_free(some);
}

static void test_only(void **state)
{
	const struct matrix *m = *state;
	const struct {
		const char *glob;
		size_t n_cells;
	} globs[] = {
		{"log/plain", 8},	    {"log/*", 16}, {"*", N_CELLS},	 {"*threads=8*", 2},
		{"log/group threads=8", 1}, {"void/*", 1}, {m->cells[3]->id, 1},
	};

	for (size_t i = 0; i < array_size(globs); i++) {
		struct plan *p = make(m, 1, 2, globs[i].glob);

		assert_int_equal(p->n_cells, globs[i].n_cells);
		assert_int_equal(p->n, 2 * globs[i].n_cells);
		plan_free(p);
	}
}

/* What a table shows can be pasted behind --only, whatever a knob's text holds. */
static void test_labels_match_themselves(void **state)
{
	static const char text[] =
		"{\"cells\":[{\"workload\":\"log\",\"target\":\"group\",\"rate\":[0,10000,\"1.5M\"],"
		"\"payload\":[4096,\"64k\"],\"with\":{\"window\":[0,\"200us\"],"
		"\"room\":[\"64k\",\"1M\"],\"dir\":[\"\",\"/tmp/[x]*\\\\?\"]}}]}";
	struct matrix *m = NULL;
	struct diag diag;

	(void)state;
	assert_int_equal(test_load(text, strlen(text), &diag, &m), 0);
	assert_int_equal(m->n_cells, 48);
	for (size_t i = 0; i < m->n_cells; i++) {
		_cleanup_free_ char *label = cell_label(m->cells[i]);
		struct plan *p = make(m, 1, 1, label);
		bool found = false;

		for (size_t j = 0; j < p->n; j++)
			found |= p->items[j].cell == i;
		assert_true(found);
		plan_free(p);
	}
	matrix_free(m);
}

static void test_refused(void **state)
{
	struct plan *p = NULL;
	struct err err;

	assert_int_equal(plan_make(*state, 1, 1, "wal/*", &p, &err), -ENOENT);
	assert_string_equal(err.text,
			    "no cell matches \"wal/*\"; --dry-run without --only lists the "
			    "labels");
	assert_int_equal(plan_make(*state, 1, 1, "log/gruop", &p, &err), -ENOENT);
	assert_string_equal(err.text,
			    "no cell matches \"log/gruop\"; the nearest is \"log/group\"");
	assert_int_equal(plan_make(*state, 1, 1, "log/group thread=7", &p, &err), -ENOENT);
	assert_string_equal(
		err.text,
		"no cell matches \"log/group thread=7\"; the nearest is \"log/group threads=7\"");
	assert_int_equal(plan_make(*state, 1, 5883, NULL, &p, &err), -E2BIG);
	assert_string_equal(err.text, "17 cells with 5883 repeats each are more than 100000 runs");
	assert_int_equal(plan_make(*state, 1, UINT64_MAX, NULL, &p, &err), -E2BIG);
	assert_null(p);
	p = make(*state, 1, 5882, NULL);
	assert_int_equal(p->n, 99994);
	plan_free(p);
}

static const char probed_text[] =
	"{\"probes\":\"all\",\"cells\":[{\"workload\":\"log\",\"target\":\"plain\","
	"\"threads\":[1,2,3,4,5,6,7,8]},"
	"{\"workload\":\"void\",\"target\":\"null\",\"probes\":\"none\"}]}";

#define N_PROBED 8 /* and one cell without probes */
#define N_ROUND	 (2 * N_PROBED + 1)

static struct matrix *load_probed(void)
{
	struct matrix *m = NULL;
	struct diag diag;

	assert_int_equal(test_load(probed_text, strlen(probed_text), &diag, &m), 0);
	assert_int_equal(m->n_cells, N_PROBED + 1);
	return m;
}

/* Both of a pair are in the round of their repeat, with one seed, and shuffled like all others. */
static void test_twins(void **state)
{
	struct matrix *m = load_probed();
	struct plan *p = make(m, 1, 5, NULL);
	unsigned first = 0, adjacent = 0;

	(void)state;
	assert_int_equal(p->n, 5 * N_ROUND);
	assert_int_equal(p->n_probed, 5 * N_PROBED);
	for (size_t round = 0; round < 5; round++) {
		size_t at[N_PROBED + 1][2];

		memset(at, 0xff, sizeof(at));
		for (size_t i = 0; i < N_ROUND; i++) {
			const struct plan_item *item = &p->items[round * N_ROUND + i];

			assert_int_equal(item->repeat, round);
			assert_int_equal(item->order, round * N_ROUND + i);
			assert_int_equal(at[item->cell][item->probed], SIZE_MAX);
			at[item->cell][item->probed] = item->order;
		}
		assert_int_equal(at[N_PROBED][1], SIZE_MAX);
		for (size_t i = 0; i < N_PROBED; i++) {
			assert_int_equal(p->items[at[i][0]].seed, p->items[at[i][1]].seed);
			first += at[i][1] < at[i][0];
			adjacent += at[i][1] + 1 == at[i][0] || at[i][0] + 1 == at[i][1];
		}
	}
	/* 20 and 5 of 40 are to be expected. */
	assert_in_range(first, 8, 32);
	assert_in_range(adjacent, 0, 15);
	plan_free(p);
	matrix_free(m);
}

static void test_sequential_twins(void **state)
{
	struct matrix *m = load_probed();
	struct plan *p;
	unsigned first = 0;

	(void)state;
	m->order = ORDER_SEQUENTIAL;
	p = make(m, 1, 5, NULL);
	assert_int_equal(p->n, 5 * N_ROUND);
	for (size_t i = 0; i < 10 * N_PROBED; i += 2) {
		const struct plan_item *a = &p->items[i], *b = &p->items[i + 1];

		assert_int_equal(a->cell, i / 10);
		assert_int_equal(b->cell, a->cell);
		assert_int_equal(a->repeat, i / 2 % 5);
		assert_int_equal(b->repeat, a->repeat);
		assert_int_equal(a->seed, b->seed);
		assert_true(a->probed != b->probed);
		first += a->probed;
	}
	assert_in_range(first, 8, 32);
	plan_free(p);
	matrix_free(m);
}

static void test_overridden_probes(void **state)
{
	struct matrix *m = load_probed();
	struct plan *with, *without;

	matrix_set_probes(m, 0);
	(void)state;
	without = make(m, 7, 3, NULL);
	assert_int_equal(without->n, 3 * (N_PROBED + 1));
	assert_int_equal(without->n_probed, 0);
	matrix_set_probes(m, 1);
	with = make(m, 7, 3, "void/null");
	assert_int_equal(with->n, 6);
	assert_int_equal(with->n_cells, 1);
	plan_free(with);
	plan_free(without);
	matrix_free(m);
}

static void test_too_many_twins(void **state)
{
	struct matrix *m = load_probed();
	struct plan *p = NULL;
	struct err err = {""};

	(void)state;
	assert_int_equal(plan_make(m, 1, MATRIX_RUNS_MAX / N_ROUND + 1, NULL, &p, &err), -E2BIG);
	assert_string_equal(err.text, "9 cells with 5883 repeats each, with probes twice, are more "
				      "than 100000 runs");
	matrix_free(m);
}

static void test_twins_as_json(void **state)
{
	struct matrix *m = load_probed();
	struct plan *p = make(m, 1, 1, NULL);
	_cleanup_json_ cJSON *o = plan_json(&test_registry, m, p);
	const cJSON *run;
	size_t i = 0;

	(void)state;
	cJSON_ArrayForEach (run, cJSON_GetObjectItem(o, "runs")) {
		const cJSON *probes = cJSON_GetObjectItem(run, "probes");

		assert_int_equal(cJSON_IsTrue(cJSON_GetObjectItem(run, "probed")),
				 p->items[i].probed);
		assert_int_equal(cJSON_GetArraySize(probes), p->items[i].probed ? 3 : 0);
		i++;
	}
	assert_int_equal(i, N_ROUND);
	plan_free(p);
	matrix_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rounds),
		cmocka_unit_test(test_sequential),
		cmocka_unit_test(test_same_seed_same_plan),
		cmocka_unit_test(test_seeds),
		cmocka_unit_test(test_only),
		cmocka_unit_test(test_labels_match_themselves),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_twins),
		cmocka_unit_test(test_sequential_twins),
		cmocka_unit_test(test_overridden_probes),
		cmocka_unit_test(test_too_many_twins),
		cmocka_unit_test(test_twins_as_json),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}

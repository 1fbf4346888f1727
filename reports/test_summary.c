// SPDX-License-Identifier: MIT
/*
 * Over the session in testdata/: medians, merged histograms, problems, warnings, and which cells
 * are marked best. Then sessions that must be refused, and one that ends in a torn line.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "harness/util/cleanup.h"
#include "harness/util/fs.h"
#include "reports/group.h"
#include "reports/summary.h"

#define SESSION TESTDATA "/session"

static const struct cell_sum *find(const struct summary *s, const char *id)
{
	for (size_t i = 0; i < s->n_cells; i++)
		if (!strcmp(s->cells[i]->id, id))
			return s->cells[i];
	fail_msg("no cell %s", id);
	return NULL;
}

static void test_cells(void **state)
{
	_cleanup_(cleanup_summary) struct summary *s = NULL;
	const struct cell_sum *cell;
	const struct metric_sum *m;
	const struct hist_sum *h;
	struct err err;

	(void)state;
	assert_int_equal(summary_load(SESSION, true, &s, &err), 0);
	assert_int_equal(s->n_cells, 7);
	assert_int_equal(s->n_runs, 14);
	assert_int_equal(s->expected, 15);
	cell = find(s, "a00000000002");
	m = cell_metric(cell, "throughput");
	assert_int_equal(m->n, 2);
	assert_true(metric_median(m) == 1950000.25);
	assert_true(metric_min(m) == 1900000 && metric_max(m) == 2000000.5);
	h = cell_hist(cell, "service");
	assert_int_equal(h->count, 40000);
	assert_int_equal(h->n, 3);
	assert_int_equal(h->counts[2], 2);
	assert_true(h->index[0] < h->index[1] && h->index[1] < h->index[2]);

	cell = find(s, "b00000000001");
	m = cell_metric(cell, "latency_p99");
	assert_int_equal(m->n, 0);
	assert_int_equal(m->nulls, 2);
	assert_true(isnan(metric_median(m)));
	assert_non_null(strstr(m->reason, "10000"));
}

static void test_median(void **state)
{
	double values[] = {1, 3, 10};
	struct metric_sum m = {.n = 3, .values = values};

	(void)state;
	assert_true(metric_median(&m) == 3);
	m.n = 2;
	assert_true(metric_median(&m) == 2);
	m.nulls = 1; /* a third repeat could not tell */
	assert_true(isnan(metric_median(&m)));
	assert_true(metric_max(&m) == 3);
	assert_true(isnan(metric_median(NULL)));
}

static void test_problems(void **state)
{
	_cleanup_(cleanup_summary) struct summary *s = NULL;
	char text[200];
	struct err err;

	(void)state;
	assert_int_equal(summary_load(SESSION, false, &s, &err), 0);
	assert_int_equal(s->n_problems, 3);
	assert_int_equal(s->problems[0].status, STATUS_UNSUPPORTED);
	assert_int_equal(s->problems[0].count, 2); /* same cell, same reason: one entry */
	assert_int_equal(s->problems[2].status, STATUS_STALLED);
	assert_int_equal(cJSON_GetArraySize(s->problems[2].stall), 1);
	assert_int_equal(s->n_notes, 1);
	assert_int_equal(s->notes[0].count, 3);
	assert_int_equal(find(s, "b00000000001")->warnings[WARN_LITTLE], 1);
	assert_int_equal(find(s, "a00000000003")->warnings[WARN_UNSTEADY], 1);
	assert_int_equal(find(s, "a00000000001")->warnings[WARN_STEAL], 1);
	assert_int_equal(find(s, "a00000000002")->warnings[WARN_STEAL], 0);
	warning_text(find(s, "a00000000001"), WARN_STEAL, text, sizeof(text));
	assert_non_null(strstr(text, "2.0 %"));
	assert_int_equal(find(s, "a00000000001")->n_hists, 0); /* not asked for */
}

static unsigned column_of(const struct group *g, const char *name)
{
	for (unsigned k = 0; k < g->n_columns; k++)
		if (!strcmp(g->columns[k].name, name))
			return k;
	fail_msg("no column %s", name);
	return 0;
}

static void test_best(void **state)
{
	_cleanup_(cleanup_summary) struct summary *s = NULL;
	_cleanup_(cleanup_groups) struct groups groups = {0};
	const struct group *nop, *udp;
	unsigned depth, batch;
	char label[100];
	struct err err;

	(void)state;
	assert_int_equal(summary_load(SESSION, false, &s, &err), 0);
	assert_int_equal(groups_make(s, &groups), 0);
	assert_int_equal(groups.n, 2);
	nop = &groups.list[0];
	udp = &groups.list[1];
	assert_int_equal(nop->n_columns, 3); /* target, depth, batch: nothing else varies */
	depth = column_of(nop, "depth");
	batch = column_of(nop, "batch");
	assert_true(group_follows(nop, depth, batch));
	/* null at depth 32: best target there, and best depth, although batch differs too */
	assert_true(group_best(nop, 1, 0) && group_best(nop, 1, depth) &&
		    group_best(nop, 1, batch));
	assert_true(group_best(nop, 3, depth) && !group_best(nop, 3, 0));
	assert_false(group_best(nop, 2, depth));
	/* udp: no two cells differ in the target alone and ran, so nothing is best */
	for (size_t i = 0; i < udp->n_cells; i++)
		for (unsigned k = 0; k < udp->n_columns; k++)
			assert_false(group_best(udp, i, k));
	assert_true(udp->open_loop && !nop->open_loop);
	group_label(nop, 1, label, sizeof(label));
	assert_string_equal(label, "null depth=32 batch=8");
	groups_label(&groups, s->cells[6], label, sizeof(label));
	assert_null(strstr(label, "rate=closed"));
}

#define RECORD(status) \
	"{\"schema\":1,\"cell\":{\"id\":\"x\"},\"repeat\":0,\"status\":\"" status "\"}\n"

static void write_file(const char *dir, const char *name, const char *text)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	assert_int_equal(fs_replace(path, text, strlen(text)), 0);
}

static void test_refused(void **state)
{
	static const struct {
		const char *manifest, *runs, *says;
	} rows[] = {
		{NULL, NULL, "not a results folder"},
		{"{\"schema\":2}", "", "schema"},
		{"{", "", "not JSON"},
		{"{\"schema\":1}", NULL, "runs.jsonl"},
		{"{\"schema\":1}", RECORD("ok") "{\"schema\":1,\n", ":2: not JSON"},
		{"{\"schema\":1}", RECORD("ok") RECORD("ok") "{\"schema\":9}\n", ":3: schema 9"},
		{"{\"schema\":1}", RECORD("splendid"), "unknown status \"splendid\""},
		{"{\"schema\":1}",
		 "{\"schema\":1,\"cell\":{},\"repeat\":0,\"status\":\"ok\",\"histograms\":{\"h\":{"
		 "\"count\":1,\"buckets\":[[9999,1]]}}}\n",
		 "bucket"},
		{"{\"schema\":1}",
		 "{\"schema\":1,\"cell\":{},\"repeat\":0,\"status\":\"ok\",\"histograms\":{\"h\":{"
		 "\"count\":2,\"buckets\":[[5,1],[4,1]]}}}\n",
		 "bucket"},
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		char dir[] = "/tmp/uhbench-summary-XXXXXX";
		struct summary *s = NULL;
		struct err err = {""};

		assert_non_null(mkdtemp(dir));
		if (rows[i].manifest)
			write_file(dir, "manifest.json", rows[i].manifest);
		if (rows[i].runs)
			write_file(dir, "runs.jsonl", rows[i].runs);
		assert_true(summary_load(dir, true, &s, &err) < 0);
		assert_null(s);
		if (!strstr(err.text, rows[i].says))
			fail_msg("row %zu: \"%s\" does not say \"%s\"", i, err.text, rows[i].says);
		fs_remove_tree(dir);
	}
}

#define CELLS "{\"schema\":1,\"cells\":[{\"id\":\"x\"},{\"id\":\"y\"}],\"runs\":"

/* A cell without a run is missed while the session is incomplete, and was left out on purpose
 * after. */
static void test_unplanned(void **state)
{
	static const struct {
		const char *manifest;
		size_t n_cells;
	} rows[] = {{CELLS "1}", 1}, {CELLS "2}", 2}};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		char dir[] = "/tmp/uhbench-summary-XXXXXX";
		_cleanup_(cleanup_summary) struct summary *s = NULL;
		struct err err;

		assert_non_null(mkdtemp(dir));
		write_file(dir, "manifest.json", rows[i].manifest);
		write_file(dir, "runs.jsonl", RECORD("ok"));
		assert_int_equal(summary_load(dir, true, &s, &err), 0);
		assert_int_equal(s->n_cells, rows[i].n_cells);
		fs_remove_tree(dir);
	}
}

#define FOREIGN(probed, host)                                                                     \
	"{\"schema\":1,\"cell\":{\"id\":\"x\"},\"repeat\":0,\"status\":\"ok\",\"probed\":" probed \
	",\"probes\":{},\"host\":{" host "}}\n"
#define OTHER "\"foreign_bpf\":[{\"hook\":\"h\",\"program\":\"other\",\"id\":7,\"seen\":\"both\"}]"
#define BLIND "\"foreign_bpf\":null,\"reason_foreign_bpf\":\"EPERM\""

/* Programs of others count for runs with and without probes; who did not look is told once. */
static void test_foreign(void **state)
{
	char dir[] = "/tmp/uhbench-summary-XXXXXX";
	_cleanup_(cleanup_summary) struct summary *s = NULL;
	struct err err;

	(void)state;
	assert_non_null(mkdtemp(dir));
	write_file(dir, "manifest.json", CELLS "5}");
	write_file(dir, "runs.jsonl",
		   FOREIGN("false", OTHER) FOREIGN("true", OTHER) FOREIGN("false", BLIND)
			   FOREIGN("true", BLIND) FOREIGN("true", "\"foreign_bpf\":[]"));
	assert_int_equal(summary_load(dir, true, &s, &err), 0);
	fs_remove_tree(dir);
	assert_int_equal(s->n_notes, 2);
	assert_int_equal(s->notes[0].count, 2);
	assert_string_equal(s->notes[0].text,
			    "BPF programs of others: 1 on hooks that the probes use (other)");
	assert_int_equal(s->notes[1].count, 1);
	assert_non_null(strstr(s->notes[1].text, "not known: EPERM"));
}

static void test_torn(void **state)
{
	char dir[] = "/tmp/uhbench-summary-XXXXXX";
	_cleanup_(cleanup_summary) struct summary *s = NULL;
	struct err err;

	(void)state;
	assert_non_null(mkdtemp(dir));
	write_file(dir, "manifest.json", "{\"schema\":1}");
	write_file(dir, "runs.jsonl", RECORD("ok") "{\"schema\":1,\"ce");
	assert_int_equal(summary_load(dir, true, &s, &err), 0);
	assert_int_equal(s->n_runs, 1);
	assert_int_equal(s->torn, 1);
	fs_remove_tree(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cells),	 cmocka_unit_test(test_median),
		cmocka_unit_test(test_problems), cmocka_unit_test(test_best),
		cmocka_unit_test(test_refused),	 cmocka_unit_test(test_unplanned),
		cmocka_unit_test(test_torn),	 cmocka_unit_test(test_foreign),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: MIT
/*
 * What a report makes of cells whose runs are ok and whose figures are not: nothing done, loss,
 * errors, a rate that was not kept; and which cell deserves to be called the best. Each row is a
 * session of its own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/util/cleanup.h"
#include "harness/util/fs.h"
#include "reports/group.h"
#include "reports/report.h"

struct run {
	const char *target;
	unsigned rate;
	double throughput, intended_p99; /* 0 = no such metric */
	const char *more;		 /* of the record */
	bool failed;
};

#define RUNS_MAX 6

struct session {
	char dir[40];
	struct summary *summary;
	struct groups groups;
};

static void put_run(FILE *f, const struct run *r, unsigned i)
{
	fprintf(f,
		"{\"schema\":1,\"cell\":{\"id\":\"%s%u\",\"workload\":\"w\",\"target\":\"%s\","
		"\"axes\":{\"rate\":%u},\"knobs\":{}},\"repeat\":%u,\"status\":\"%s\","
		"\"metrics\":{\"throughput\":{\"value\":%g,\"unit\":\"1/s\",\"better\":\"higher\"}",
		r->target, r->rate, r->target, r->rate, i, r->failed ? "failed" : "ok",
		r->throughput);
	if (r->intended_p99 > 0)
		fprintf(f, ",\"intended_p99\":{\"value\":%g,\"unit\":\"ns\",\"better\":\"lower\"}",
			r->intended_p99);
	if (r->more && !strncmp(r->more, "\"loss", 5))
		fprintf(f, ",%s}}\n", r->more);
	else
		fprintf(f, "}%s%s}\n", r->more ? "," : "", r->more ? r->more : "");
}

static void make(struct session *s, const struct run *runs)
{
	char path[80];
	struct err err = {""};
	FILE *f;

	*s = (struct session){.dir = "/tmp/uhbench-judge-XXXXXX"};
	assert_non_null(mkdtemp(s->dir));
	snprintf(path, sizeof(path), "%s/manifest.json", s->dir);
	assert_int_equal(fs_replace(path, "{\"schema\":1}", 12), 0);
	snprintf(path, sizeof(path), "%s/runs.jsonl", s->dir);
	f = fopen(path, "we");
	assert_non_null(f);
	for (unsigned i = 0; i < RUNS_MAX && runs[i].target; i++)
		put_run(f, &runs[i], i);
	assert_int_equal(fclose(f), 0);
	if (summary_load(s->dir, false, &s->summary, &err))
		fail_msg("%s", err.text);
	assert_int_equal(groups_make(s->summary, &s->groups), 0);
}

static char *report(const struct session *s, const char *format)
{
	const struct report_options o = {.dir = s->dir};
	char *text = NULL;
	size_t size;
	FILE *mem = open_memstream(&text, &size);
	struct err err = {""};

	assert_non_null(mem);
	assert_int_equal(report_find(format)->write(&o, mem, &err), 0);
	fclose(mem);
	return text;
}

static void done(struct session *s)
{
	groups_free(&s->groups);
	summary_free(s->summary);
	fs_remove_tree(s->dir);
}

static const char loss[] = "\"loss_ratio\":{\"value\":0.008,\"unit\":\"1\",\"better\":\"lower\"}";
static const char little_loss[] =
	"\"loss_ratio\":{\"value\":0.0009,\"unit\":\"1\",\"better\":\"lower\"}";
static const char backlog[] = "\"open_loop\":{\"offered\":1000,\"started\":900,\"backlog\":100}";
static const char kept[] = "\"open_loop\":{\"offered\":1000,\"started\":1000,\"backlog\":0}";
static const char errors[] = "\"errors\":{\"EIO\":50000,\"ETIMEDOUT\":4000}";

static void test_undone_is_said(void **state)
{
	static const struct {
		struct run run;
		const char *word; /* NULL: nothing to say */
	} rows[] = {
		{{"a", 0, 1000, 0, NULL}, NULL},
		{{"a", 0, 1000, 0, "\"errors\":{}"}, NULL},
		{{"a", 0, 1000, 0, little_loss}, NULL},
		{{"a", 9, 1000, 5, kept}, NULL},
		{{"a", 0, 0, 0, NULL}, "nothing done"},
		{{"a", 0, 1000, 0, loss}, "loss 0.8 %"},
		{{"a", 9, 1000, 5, backlog}, "overloaded"},
		{{"a", 0, 1000, 0, errors}, "errors 54.0k"},
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		const struct run runs[RUNS_MAX] = {rows[i].run};
		_cleanup_free_ char *text = NULL, *page = NULL;
		struct session s;

		make(&s, runs);
		text = report(&s, "text");
		page = report(&s, "html");
		assert_int_equal(!strstr(page, "verdict good"), rows[i].word != NULL);
		assert_int_equal(strstr(page, "Worth a doubt") != NULL, rows[i].word != NULL);
		if (rows[i].word && (!strstr(text, rows[i].word) || !strstr(page, rows[i].word)))
			fail_msg("row %zu: \"%s\" is not said:\n%s", i, rows[i].word, text);
		done(&s);
	}
}

static void test_best(void **state)
{
	static const struct {
		struct run runs[RUNS_MAX];
		const char *best; /* target; NULL: none deserves it */
	} rows[] = {
		{{{"a", 0, 9, 0, NULL}, {"b", 0, 10, 0, NULL}}, "b"}, /* one repeat: plainly */
		{{{"a", 0, 0, 0, NULL}, {"b", 0, 0, 0, NULL}}, NULL},
		{{{"a", 0, 0, 0, NULL}, {"b", 0, 10, 0, NULL}}, NULL}, /* nothing to beat */
		{{{"a", 0, 8, 0, NULL},
		  {"a", 0, 9, 0, NULL},
		  {"b", 0, 10, 0, NULL},
		  {"b", 0, 11, 0, NULL}},
		 "b"},
		{{{"a", 0, 8, 0, NULL},
		  {"a", 0, 10, 0, NULL},
		  {"b", 0, 10, 0, NULL},
		  {"b", 0, 11, 0, NULL}},
		 NULL},							/* they overlap */
		{{{"a", 5, 10, 70, NULL}, {"b", 5, 9, 60, NULL}}, "b"}, /* the lower latency */
		{{{"a", 5, 10, 0, NULL}, {"b", 5, 9, 0, NULL}}, NULL},	/* no intended time */
		{{{"a", 5, 10, 70, NULL}, {"b", 5, 9, 60, backlog}, {"c", 5, 9, 80, NULL}}, "a"},
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct session s;

		make(&s, rows[i].runs);
		assert_int_equal(s.groups.n, 1);
		for (size_t k = 0; k < s.groups.list[0].n_cells; k++) {
			const char *target = s.groups.list[0].cells[k]->target;
			bool want = rows[i].best && !strcmp(target, rows[i].best);

			if (group_best(&s.groups.list[0], k, 0) != want)
				fail_msg("row %zu: %s", i, target);
		}
		done(&s);
	}
}

static void test_notes_are_merged(void **state)
{
	static const struct run runs[RUNS_MAX] = {
		{"a", 0, 10, 0, "\"notes\":[\"7 starts of 100 were late\"]"},
		{"a", 0, 10, 0, "\"notes\":[\"31 starts of 100 were late\"]"},
		{"b", 0, 10, 0, "\"notes\":[\"9 starts of 100 were late\", \"other\"]"},
		{"c", 0, 0, 0, "\"reason\":\"no answer for 1 s\"", true},
		{"c", 0, 0, 0, "\"reason\":\"no answer for 2.5 s\"", true},
	};
	_cleanup_free_ char *text = NULL;
	struct session s;

	(void)state;
	make(&s, runs);
	assert_int_equal(s.summary->n_notes, 2);
	assert_int_equal(s.summary->notes[0].count, 3);
	assert_string_equal(s.summary->notes[0].worst, "31 starts of 100 were late");
	assert_null(s.summary->notes[1].worst);
	assert_int_equal(s.summary->n_problems, 1);
	assert_int_equal(s.summary->problems[0].count, 2);
	assert_string_equal(s.summary->problems[0].worst, "no answer for 2.5 s");
	text = report(&s, "text");
	assert_non_null(strstr(text, "  3 runs, e.g. w/a: 7 starts of 100 were late\n"
				     "    the worst: 31 starts of 100 were late\n"
				     "  1 run, w/b: other\n"));
	done(&s);
}

static void test_top(void **state)
{
	static const struct run runs[RUNS_MAX] = {{"a", 0, 10, 0, NULL},
						  {"a", 5, 30, 70, NULL},
						  {"b", 9, 90, 70, backlog},
						  {"b", 5, 20, 70, NULL}};
	_cleanup_free_ char *page = NULL;
	const struct group *g;
	struct session s;

	(void)state;
	make(&s, runs);
	g = &s.groups.list[0];
	assert_int_equal(group_top(g, NULL), 0); /* closed loop, whatever the rates gave */
	assert_int_equal(group_top(g, g->targets[1]), 3);
	done(&s);
	make(&s, runs + 1);
	page = report(&s, "html");
	assert_non_null(strstr(page, "p99 70 ns from the intended start"));
	done(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_undone_is_said),
		cmocka_unit_test(test_best),
		cmocka_unit_test(test_top),
		cmocka_unit_test(test_notes_are_merged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

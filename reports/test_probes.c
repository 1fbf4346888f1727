// SPDX-License-Identifier: MIT
/*
 * Probed runs: they are counted, compared with their twins, and never change a median; what they
 * saw is folded over the repeats. The session in testdata/probed is made by make_probed.py, where
 * the figures asserted here can be seen.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/util/cleanup.h"
#include "reports/foreign.h"
#include "reports/get.h"
#include "reports/perturb.h"
#include "reports/probes_fold.h"
#include "reports/report.h"

#define SESSION TESTDATA "/probed"

static void assert_near(double a, double b)
{
	if (!(fabs(a - b) <= 1e-9 * fmax(fabs(a), fabs(b))))
		fail_msg("%.17g is not %.17g", a, b);
}

static struct summary *loaded(void)
{
	struct summary *s = NULL;
	struct err err = {""};

	if (summary_load(SESSION, true, &s, &err))
		fail_msg("%s", err.text);
	return s;
}

static void test_medians_are_unprobed(void **state)
{
	_cleanup_(cleanup_summary) struct summary *s = loaded();
	const struct cell_sum *wal = s->cells[0];

	(void)state;
	assert_int_equal(s->n_runs, 12);
	assert_int_equal(s->expected, 12);
	assert_int_equal(s->runs[STATUS_OK], 12);
	assert_int_equal(cell_total(wal), 3);
	assert_int_equal(wal->probed->runs[STATUS_OK], 3);
	assert_int_equal(cell_metric(wal, "throughput")->n, 3);
	assert_near(cell_median(wal, "throughput"), 21000);
	assert_near(cell_median(wal->probed, "throughput"), 18900);
	assert_int_equal(cell_hist(wal, "service")->count, 24000);
	assert_int_equal(wal->probed->n_hists, 0);
}

static void test_perturbation(void **state)
{
	_cleanup_(cleanup_summary) struct summary *s = loaded();
	struct perturbation p = perturb(s->cells[0], FIGURE_THROUGHPUT);
	char text[200];

	(void)state;
	assert_int_equal(p.n, 3);
	assert_near(p.median, 0.9);
	assert_true(perturb_large(&p));
	perturb_text(&p, FIGURE_THROUGHPUT, text, sizeof(text));
	assert_non_null(strstr(text, "more than 5 % off"));
	p = perturb(s->cells[1], FIGURE_THROUGHPUT);
	assert_near(p.median, 1);
	assert_near(p.min, 0.99);
	assert_near(p.max, 1.02);
	assert_false(perturb_large(&p));
	perturb_text(&p, FIGURE_THROUGHPUT, text, sizeof(text));
	assert_non_null(strstr(text, "the range holds 1"));
	s->cells[1]->figures[1].repeat = 77; /* its twin is gone */
	s->cells[1]->figures[2].value[FIGURE_THROUGHPUT] = NAN;
	p = perturb(s->cells[1], FIGURE_THROUGHPUT);
	assert_int_equal(p.n, 1);
	perturb_text(&p, FIGURE_THROUGHPUT, text, sizeof(text));
	assert_non_null(strstr(text, "one pair shows no range"));
}

static double value_without(const struct cell_sum *cell, double repeat)
{
	for (unsigned i = 0; i < cell->n_figures; i++)
		if (cell->figures[i].repeat == repeat)
			return cell->figures[i].value[FIGURE_THROUGHPUT];
	return NAN;
}

/* One repeat of three was watched for a part: what that part came to counts for it. */
static void test_perturbation_of_a_part(void **state)
{
	_cleanup_(cleanup_summary) struct summary *s = loaded();
	struct run_figures *figures = s->cells[0]->probed->figures;
	char text[200];

	(void)state;
	assert_int_equal(perturb_watched_text(s->cells[0], text, sizeof(text)), 0);
	figures[1].watched = 0.375;
	figures[1].watched_rate = 0.25 * value_without(s->cells[0], figures[1].repeat);
	assert_true(perturb_watched_text(s->cells[0], text, sizeof(text)) < (int)sizeof(text));
	assert_non_null(strstr(text, "throughput is 0.900 [0.250 .. 0.900] of that without"));
	for (int i = 0; i < 3; i++) {
		figures[i].watched = 0.375;
		figures[i].watched_rate = NAN;
	}
	assert_true(perturb_watched_text(s->cells[0], text, sizeof(text)) < (int)sizeof(text));
	assert_non_null(strstr(text, "is not known"));
}

static const cJSON *row(const cJSON *probes, const char *probe, const char *table, int n)
{
	return cJSON_GetArrayItem(get(get(probes, probe), table), n);
}

/* Half of the second interval is watched, too. What is not watched is faster. */
static void test_operations_of_a_part(void **state)
{
	_cleanup_json_ cJSON *record =
		cJSON_Parse("{\"window\":{\"begin_ns\":1000,\"end_ns\":1000001000},"
			    "\"metrics\":{\"throughput\":{\"value\":2200}},"
			    "\"series\":{\"interval_ns\":250000000,\"ops\":[100,100,1000,1000]},"
			    "\"probes\":{\"syscalls\":{\"status\":\"ok\",\"calls\":[],\"sampling\":"
			    "{\"every\":1,\"share\":0.375}}}}");
	struct probes_sum sum = {.runs = 0};
	double rate;

	(void)state;
	assert_int_equal(probes_fold_record(&sum, record, true), 0);
	assert_near(sum.window_ns, 0.375e9);
	assert_near(sum.ops, 150);
	assert_near(probes_watched(record, &rate), 0.375);
	assert_near(rate, 400);
	cJSON_DeleteItemFromObject(record, "series");
	assert_near(probes_watched(record, &rate), 0.375);
	assert_true(isnan(rate));
	probes_sum_free(&sum);
}

static void test_fold(void **state)
{
	_cleanup_(cleanup_summary) struct summary *s = loaded();
	const struct probes_sum *sum = s->cells[0]->probed->probes;
	const cJSON *driver = get(get(get(sum->probes, "sched"), "roles"), "driver"), *futex;

	(void)state;
	assert_int_equal(sum->runs, 3);
	assert_near(sum->window_ns, 3e9);
	assert_near(sum->ops, 0.9 * 63000);
	assert_near(get_number(driver, "wall_ns"), 12e9);
	assert_near(get_number(driver, "threads"), 4);
	assert_near(get_number(driver, "closure"), 1);
	assert_near(get_number(get(get(driver, "classes"), "futex"), "ns"), 0.45 * 12e9);
	assert_true(cJSON_IsNull(get(get(get(driver, "classes"), "user"), "count")));
	assert_near(get_number(get(sum->probes, "sched"), "lost"), 7);
	/* another address in each run, but the same place that waits: one row */
	assert_int_equal(cJSON_GetArraySize(get(get(sum->probes, "lock"), "futex")), 4);
	futex = row(sum->probes, "lock", "futex", 0);
	assert_near(get_number(futex, "calls"), 3 * 9100);
	assert_near(get_number(futex, "max_ns"), 640000);
	assert_string_equal(get_text(futex, "shown_as"), "commit_wait (leader.c:88)");
	assert_near(get_number(row(sum->probes, "sched", "programs", 0), "ns"), 120);
	assert_near(get_number(row(sum->probes, "sched", "programs", 0), "runs"), 180000);
	/* the light sum has no bulk */
	assert_null(get(get(sum->probes, "sched"), "stacks"));
	assert_near(get_number(get(get(sum->probes, "cqe"), "runs"), "unsupported"), 3);
}

static cJSON *parsed(const char *text)
{
	cJSON *json = cJSON_Parse(text);

	if (!json)
		fail_msg("not JSON: %s", text);
	return json;
}

/* Two texts folded, and what comes out compared with a third. */
static void test_fold_rules(void **state)
{
	static const struct {
		const char *a, *b, *want;
	} rules[] = {
		/* sums, maxima, what is unknown stays unknown and says why */
		{"{'n':1,'max_ns':5,'x':null,'y':2}", "{'n':2,'max_ns':3,'x':7,'y':null}",
		 "{'n':3,'max_ns':5,'x':null,'y':null}"},
		{"{'x':1}", "{'x':null,'reason':'r'}", "{'x':null,'reason':'r'}"},
		{"{'timing':'exact','slots':[1]}", "{'timing':'none','slots':null}",
		 "{'timing':'mixed','slots':null}"},
		{"{'timing':'exact'}", "{'timing':'exact'}", "{'timing':'exact'}"},
		{"{'reason':null}", "{'reason':'r'}", "{'reason':'r'}"},
		/* the share that was watched in all of them */
		{"{'sampling':{'every':1,'share':0.2,'reason_share':'r'}}",
		 "{'sampling':{'every':4,'share':1,'reason_share':null}}",
		 "{'sampling':{'every':4,'share':0.2,'reason_share':'r'}}"},
		{"{'sampling':{'share':0.9}}", "{'sampling':{'share':0.4}}",
		 "{'sampling':{'share':0.4}}"},
		/* what is true of every repeat is */
		{"{'checked':true}", "{'checked':false}", "{'checked':false}"},
		{"{'checked':false}", "{'checked':true}", "{'checked':false}"},
		{"{'checked':true}", "{'checked':true}", "{'checked':true}"},
		/* means are weighted */
		{"{'closure':1,'wall_ns':100}", "{'closure':0.5,'wall_ns':300}",
		 "{'closure':0.625,'wall_ns':400}"},
		{"{'programs':[{'name':'a','hook':'h','runs':1,'ns':10}]}",
		 "{'programs':[{'name':'a','hook':'h','runs':3,'ns':50}]}",
		 "{'programs':[{'name':'a','hook':'h','runs':4,'ns':40}]}"},
		/* buckets before, at, between and after */
		{"{'buckets':[[3,1],[7,1]]}", "{'buckets':[[1,1],[3,1],[5,1],[9,1]]}",
		 "{'buckets':[[1,1],[3,2],[5,1],[7,1],[9,1]]}"},
		{"{'slots':[1,2]}", "{'slots':[10,20]}", "{'slots':[11,22]}"},
		{"{'stacks':[{'role':'d','user':null,'kernel':['a'],'count':1}]}",
		 "{'stacks':[{'role':'d','user':null,'kernel':['a'],'count':1},"
		 "{'role':'d','user':['u'],'kernel':['a'],'count':1}]}",
		 "{'stacks':[{'role':'d','user':null,'kernel':['a'],'count':2},"
		 "{'role':'d','user':['u'],'kernel':['a'],'count':1}]}"},
	};
	char text[3][400];

	(void)state;
	for (size_t i = 0; i < array_size(rules); i++) {
		const char *const from[] = {rules[i].a, rules[i].b, rules[i].want};
		_cleanup_json_ cJSON *a = NULL, *b = NULL, *want = NULL;
		_cleanup_free_ char *got = NULL;

		for (int k = 0; k < 3; k++) {
			snprintf(text[k], sizeof(text[k]), "%s", from[k]);
			for (char *c = text[k]; *c; c++)
				*c = *c == '\'' ? '"' : *c;
		}
		a = parsed(text[0]);
		b = parsed(text[1]);
		want = parsed(text[2]);
		assert_int_equal(probes_fold_object(a, b), 0);
		got = cJSON_PrintUnformatted(a);
		if (!cJSON_Compare(a, want, 1))
			fail_msg("rule %zu: %s", i, got);
	}
}

/* A probe that failed in one repeat adds its reason, not its zeros. */
static void test_fold_failed(void **state)
{
	_cleanup_json_ cJSON *bad =
		parsed("{\"lock\":{\"status\":\"failed\",\"reason\":\"EPERM\"}}");
	_cleanup_json_ cJSON *good =
		parsed("{\"lock\":{\"status\":\"ok\",\"reason\":null,\"lost\":2}}");
	const cJSON *lock;

	(void)state;
	for (int bad_first = 0; bad_first < 2; bad_first++) {
		struct probes_sum sum = {0};

		assert_int_equal(probes_fold(&sum, bad_first ? bad : good, true), 0);
		assert_int_equal(probes_fold(&sum, bad_first ? good : bad, true), 0);
		lock = get(sum.probes, "lock");
		assert_string_equal(get_text(lock, "status"), "ok");
		assert_string_equal(get_text(lock, "not_ok"), "EPERM");
		assert_near(get_number(get(lock, "runs"), "ok"), 1);
		assert_near(get_number(get(lock, "runs"), "failed"), 1);
		assert_near(get_number(lock, "lost"), 2);
		probes_sum_free(&sum);
	}
}

/* One fully watched repeat does not hide the others. */
static void test_shares(void **state)
{
	static const double shares[] = {1, 0.375, 0.1};
	static const char *const says[] = {
		"", "the first 37.5 % of the window at least (all of it in 1 of 2 runs)",
		"the first 10 % of the window at least (all of it in 1 of 3 runs)"};
	struct probes_sum sum = {0};
	struct probes_view view;
	char text[VIEW_SHARE_MAX];

	(void)state;
	for (size_t i = 0; i < array_size(shares); i++) {
		_cleanup_json_ cJSON *probes =
			parsed("{\"lock\":{\"status\":\"ok\",\"sampling\":{\"every\":1}}}");
		cJSON *sampling = cJSON_GetObjectItem(probes->child, "sampling");

		cJSON_AddNumberToObject(sampling, "share", shares[i]);
		assert_int_equal(probes_fold(&sum, probes, false), 0);
		view = probes_sum_view(&sum);
		assert_string_equal(view_share_text(get(sum.probes, "lock"), text), says[i]);
		assert_true(!view_least_watched(&view) == !i);
	}
	probes_sum_free(&sum);
}

/* Rows are hooks; programs are counted, each where it is surest to be. */
static void test_foreign(void **state)
{
	static const struct {
		const char *list, *says;
	} rows[] = {
		{"[]", ""},
		{"null", ""},
		{"[{'hook':'a','program':'p','id':1,'seen':'both'},"
		 "{'hook':'b','program':'p','id':1,'seen':'after'},"
		 "{'hook':'a','program':'p','id':2,'seen':'both'},"
		 "{'hook':'a','program':'pq','id':3,'seen':'both'}]",
		 "BPF programs of others: 3 on hooks that the probes use (p, pq)"},
		{"[{'hook':null,'program':'pq','id':4,'seen':'both'},"
		 "{'hook':null,'program':'x','id':5,'seen':'after'},"
		 "{'hook':'a','program':'x','id':5,'seen':'before'},"
		 "{'hook':'a','program':'','id':6,'seen':'after'}]",
		 "BPF programs of others: 2 on such hooks, but seen only before or only after (x, no name); "
		 "1 on tracepoints that cannot be told (pq)"},
	};
	char text[400];

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		_cleanup_free_ char *json = strdup(rows[i].list);
		_cleanup_json_ cJSON *list = NULL;

		for (char *c = json; *c; c++)
			*c = *c == '\'' ? '"' : *c;
		list = parsed(json);
		assert_int_equal(foreign_text(list, text, sizeof(text)), strlen(rows[i].says));
		assert_string_equal(text, rows[i].says);
	}
	assert_int_equal(foreign_text(NULL, text, sizeof(text)), 0);
}

static void test_unknown(void **state)
{
	static const struct view_role role = {
		.parts = {{.cls = &view_classes[0], .reason = "x"},
			  {.cls = &view_classes[1]},
			  {.cls = &view_classes[2], .reason = "y"},
			  {.cls = &view_classes[3], .reason = "x"}},
		.n_parts = 4,
	};
	char names[100];

	(void)state;
	assert_string_equal(view_unknown(&role, 0, names, sizeof(names)), "x");
	assert_string_equal(names, "user, wake-up");
	assert_string_equal(view_unknown(&role, 1, names, sizeof(names)), "y");
	assert_string_equal(names, "stolen");
	assert_null(view_unknown(&role, 2, names, sizeof(names)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shares),
		cmocka_unit_test(test_perturbation_of_a_part),
		cmocka_unit_test(test_foreign),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_medians_are_unprobed),
		cmocka_unit_test(test_perturbation),
		cmocka_unit_test(test_fold),
		cmocka_unit_test(test_fold_rules),
		cmocka_unit_test(test_fold_failed),
		cmocka_unit_test(test_operations_of_a_part),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

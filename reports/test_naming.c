// SPDX-License-Identifier: MIT
/*
 * A record's label is the one that the live cell has, so that what a report says can be given to
 * `run --only`. Without a registry the axes alone are known.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/test_plugins.h"
#include "harness/util/cleanup.h"
#include "harness/util/fs.h"
#include "reports/group.h"
#include "reports/naming.h"
#include "reports/report.h"

static const char *const entries[] = {
	"{\"workload\":\"log\",\"target\":\"group\"}",
	"{\"workload\":\"log\",\"target\":\"plain\",\"threads\":8,\"payload\":\"64k\"}",
	"{\"workload\":\"log\",\"target\":\"group\",\"batch\":8,\"depth\":32,\"rate\":100000,"
	"\"cpus\":{\"driver\":\"0\"},"
	"\"with\":{\"flush\":\"dsync\",\"partitions\":4,\"window\":\"200us\"}}",
	"{\"workload\":\"log\",\"target\":\"group\",\"batch\":32}",
	"{\"workload\":\"void\",\"target\":\"null\",\"rate\":1000,\"arrival\":\"poisson\"}",
	"{\"workload\":\"log\",\"target\":\"plain\",\"with\":{\"direct\":true,\"dir\":\"/tmp/x\"}}",
};

struct fixture {
	char dir[40];
	char *labels[array_size(entries)];
	struct summary *summary;
	struct groups groups;
};

/* A session of cells that never ran, and what the live cells are called. */
static void make(struct fixture *f, const struct registry *reg)
{
	_cleanup_json_ cJSON *manifest = cJSON_Parse("{\"schema\":1,\"runs\":6,\"cells\":[]}");
	_cleanup_free_ char *text = NULL;
	char path[80];
	struct err err = {""};

	*f = (struct fixture){.dir = "/tmp/uhbench-naming-XXXXXX"};
	for (size_t i = 0; i < array_size(entries); i++) {
		_cleanup_json_ cJSON *entry = cJSON_Parse(entries[i]);
		struct cell *cell;

		if (cell_from_json(&test_registry, entry, &err, &cell))
			fail_msg("%s", err.text);
		f->labels[i] = cell_label(cell);
		cJSON_AddItemToArray(cJSON_GetObjectItem(manifest, "cells"), cell_describe(cell));
		cell_free(cell);
	}
	text = cJSON_PrintUnformatted(manifest);
	assert_non_null(mkdtemp(f->dir));
	snprintf(path, sizeof(path), "%s/manifest.json", f->dir);
	assert_int_equal(fs_replace(path, text, strlen(text)), 0);
	snprintf(path, sizeof(path), "%s/runs.jsonl", f->dir);
	assert_int_equal(fs_replace(path, "", 0), 0);
	if (summary_load(f->dir, false, &f->summary, &err))
		fail_msg("%s", err.text);
	assert_int_equal(naming_fill(f->summary, reg), 0);
	assert_int_equal(groups_make(f->summary, &f->groups), 0);
}

static void done(struct fixture *f)
{
	for (size_t i = 0; i < array_size(entries); i++)
		free(f->labels[i]);
	groups_free(&f->groups);
	summary_free(f->summary);
	fs_remove_tree(f->dir);
}

static void test_label_of_the_live_cell(void **state)
{
	struct fixture f;
	char label[300];

	(void)state;
	make(&f, &test_registry);
	assert_int_equal(f.summary->n_cells, array_size(entries));
	for (size_t i = 0; i < array_size(entries); i++) {
		groups_label(&f.groups, f.summary->cells[i], label, sizeof(label));
		assert_string_equal(label, f.labels[i]);
	}
	done(&f);
}

static void test_unknown_knobs(void **state)
{
	struct fixture f;
	char label[300];

	(void)state;
	make(&f, NULL);
	groups_label(&f.groups, f.summary->cells[2], label, sizeof(label));
	assert_non_null(strstr(label, "log/group depth=32 batch=8 rate=100k "));
	assert_non_null(strstr(label, " window=200000 ")); /* it varies */
	assert_null(strstr(label, "room="));		   /* it does not */
	assert_null(strstr(label, "threads="));
	done(&f);
}

/* Knobs of a few cells must not cost all of them their figures. */
static void test_folded_columns(void **state)
{
	static const char *const wanted[] = {
		"incomplete: 6 of 6",
		"unless the row says otherwise: threads=1 rate=0 payload=4k partitions=1\n",
		"  p50  p99  p999",
		" [min .. max] ",
		"group rate=100k cpus.driver=0 partitions=4 ",
		"plain dir=/tmp/x ",
	};
	struct report_options o = {.width = 140, .reg = &test_registry};
	_cleanup_free_ char *text = NULL;
	struct fixture f;
	struct err err;
	size_t size;
	FILE *mem = open_memstream(&text, &size);

	(void)state;
	make(&f, &test_registry);
	o.dir = f.dir;
	assert_int_equal(report_text(&o, mem, &err), 0);
	fclose(mem);
	for (size_t i = 0; i < array_size(wanted); i++)
		if (!strstr(text, wanted[i]))
			fail_msg("\"%s\" is not in:\n%s", wanted[i], text);
	assert_null(strstr(text, "0/0")); /* never started is "-" */
	assert_null(strchr(text, '*'));
	done(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_label_of_the_live_cell),
		cmocka_unit_test(test_unknown_knobs),
		cmocka_unit_test(test_folded_columns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: MIT
/* A head that switches more in every cell gets fresh pairs for a few of them, the worst. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>

#include "harness/paired/judge.h"
#include "harness/util/cleanup.h"

#define CELLS 11

static cJSON *make_gate(void)
{
	static const char cell[] =
		"{\"cell\":{\"id\":\"\"},\"label\":\"x/y\",\"metrics\":["
		"{\"metric\":\"throughput\",\"unit\":\"1/s\",\"better\":\"higher\",\"channel\":"
		"\"time\",\"effect\":0.05,\"matters\":0.025,\"floor\":null,\"operations_min\":0,"
		"\"gated\":true},"
		"{\"metric\":\"switches\",\"unit\":\"1\",\"better\":\"lower\",\"channel\":"
		"\"count\",\"effect\":0.05,\"matters\":0.025,\"floor\":0.01,\"operations_min\":0,"
		"\"gated\":false}]}";
	cJSON *gate = cJSON_Parse("{\"schema\":1,\"kind\":\"paired\",\"params\":{\"alpha\":0.01,"
				  "\"margin\":0.01,\"control_pairs\":0,"
				  "\"confirm_improvements\":false}}");
	cJSON *cells = cJSON_AddArrayToObject(gate, "cells");

	for (int i = 0; i < CELLS; i++) {
		cJSON *o = cJSON_Parse(cell);
		char id[16];

		snprintf(id, sizeof(id), "%d", i);
		cJSON_ReplaceItemInObject(cJSON_GetObjectItem(o, "cell"), "id",
					  cJSON_CreateString(id));
		cJSON_AddItemToArray(cells, o);
	}
	return gate;
}

static void add(struct judge *j, int cell, double switches)
{
	_cleanup_json_ cJSON *pair = NULL;
	char text[400];
	struct err err = {""};

	snprintf(text, sizeof(text),
		 "{\"cell\":\"%d\",\"control\":false,\"duration\":1,\"discarded\":null,\"failed\":"
		 "null,\"base\":{\"operations\":9,\"metrics\":{\"throughput\":100},\"counts\":{"
		 "\"switches\":2}},\"head\":{\"operations\":9,\"metrics\":{\"throughput\":100},"
		 "\"counts\":{\"switches\":%g}}}",
		 cell, switches);
	pair = cJSON_Parse(text);
	if (judge_add(j, pair, "pairs.jsonl", &err))
		fail_msg("%s", err.text);
}

static void test_the_worst(void **state)
{
	_cleanup_json_ cJSON *gate = make_gate();
	struct judge *j = NULL;
	struct err err = {""};

	(void)state;
	if (judge_new(gate, "gate.json", &j, &err))
		fail_msg("%s", err.text);
	for (int i = 0; i < CELLS; i++)
		for (int k = 0; k < GATE_STAGE1; k++)
			add(j, i, 3 + i % 7);
	/* A fifth of eleven: of the cells 5 and 6, whose head switches most. */
	for (size_t i = 0; i < CELLS; i++)
		assert_int_equal(judge_wants(j, i) > 0, i == 5 || i == 6);
	for (int i = 5; i <= 6; i++)
		while (judge_wants(j, (size_t)i))
			add(j, i, 3 + i % 7);
	assert_true(j->over);
	judge_end(j, "");
	for (size_t i = 0; i < CELLS; i++) {
		const struct judged_metric *m = &j->cells[i].metrics[1];

		assert_int_equal(gate_result(m->gate, m->series).verdict,
				 i == 5 || i == 6 ? GATE_REGRESSED : GATE_INCONCLUSIVE);
	}
	judge_free(j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_worst),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

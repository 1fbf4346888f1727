// SPDX-License-Identifier: MIT
/*
 * From samples to groups, without a kernel: which samples count, what became of each, and sums over
 * equal ones. The kernel frames are given as text; unwinding has its own test.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "harness/util/cleanup.h"
#include "probes/stacks/stacks_impl.h"

#define LONG_NS 1000
#define ADDRESS 0x7f0000001000

static const char *const sleeps = "[\"futex_wait\",\"do_futex\"]";
static const char *const interrupted = "[\"try_to_wake_up\",\"asm_sysvec_call_function\"]";

struct rig {
	struct stacks stacks;
	uint64_t waits[SAMPLE_WAITS];
};

static int set_up(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));

	assert_non_null(rig);
	rig->stacks.long_ns = LONG_NS;
	rig->stacks.waits = rig->waits;
	*state = rig;
	return 0;
}

static int tear_down(void **state)
{
	struct rig *rig = *state;

	for (size_t i = 0; i < rig->stacks.n_taken; i++) {
		free(rig->stacks.taken[i]->kernel);
		free(rig->stacks.taken[i]->user);
		free(rig->stacks.taken[i]);
	}
	free(rig);
	return 0;
}

/* A driver that waits in a futex; `ns` as the kernel notes it when the wait is over. */
static struct sample *add(struct rig *rig, enum sample_kind kind, uint64_t ns, const char *kernel)
{
	struct stacks *s = &rig->stacks;
	struct taken *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	s->taken[s->n_taken++] = t;
	t->kernel = strdup(kernel);
	assert_non_null(t->kernel);
	t->sample.seq = s->n_taken;
	t->sample.kind = kind;
	t->sample.cls = CLASS_FUTEX;
	t->sample.tgid = t->sample.wait_tgid = 100;
	t->sample.address = ADDRESS;
	if (kind == SAMPLE_WAKER)
		t->sample.wait_ns = ns;
	else
		rig->waits[t->sample.seq] = ns;
	return &t->sample;
}

static void test_only_long_waits_that_ended(void **state)
{
	struct rig *rig = *state;
	struct stack_group *groups;
	struct stacks_counts c;
	size_t n;

	add(rig, SAMPLE_WAITER, LONG_NS - 1, sleeps);
	add(rig, SAMPLE_WAITER, 0, sleeps);
	add(rig, SAMPLE_WAITER, LONG_NS, sleeps);
	add(rig, SAMPLE_WAITER, 3 * LONG_NS, sleeps);
	assert_int_equal(stacks_groups(&rig->stacks, false, &groups, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(groups[0].count, 2);
	assert_int_equal(groups[0].sum_ns, 4 * LONG_NS);
	assert_int_equal(groups[0].max_ns, 3 * LONG_NS);
	assert_int_equal(groups[0].address, 0);
	assert_null(groups[0].user);
	assert_string_equal(cJSON_GetArrayItem(groups[0].kernel, 0)->valuestring, "futex_wait");
	stacks_groups_free(groups, n);
	c = stacks_counts(&rig->stacks);
	assert_int_equal(c.sampled, 4);
	assert_int_equal(c.shorter, 1);
	assert_int_equal(c.unfinished, 1);
	assert_int_equal(c.no_copy, 2);
	assert_int_equal(c.unwound, 0);
}

static void test_wakers(void **state)
{
	struct rig *rig = *state;
	struct stack_group *groups;
	size_t n;

	add(rig, SAMPLE_WAKER, 2 * LONG_NS, sleeps);
	add(rig, SAMPLE_WAKER, 5 * LONG_NS, interrupted);
	/* A waiter's stack may well end in an interrupt: it is its own. */
	add(rig, SAMPLE_WAITER, 3 * LONG_NS, interrupted);
	assert_int_equal(stacks_groups(&rig->stacks, false, &groups, &n), 0);
	assert_int_equal(n, 3);
	assert_int_equal(groups[0].kind, SAMPLE_WAKER);
	assert_int_equal(groups[0].role, ROLE_OUTSIDE);
	assert_int_equal(groups[1].kind, SAMPLE_WAITER);
	assert_int_equal(groups[1].role, PROBE_ROLE_DRIVER);
	assert_int_equal(groups[2].role, PROBE_ROLE_DRIVER);
	stacks_groups_free(groups, n);
	assert_int_equal(stacks_counts(&rig->stacks).interrupts, 1);
}

static void test_by_address(void **state)
{
	struct rig *rig = *state;
	struct stack_group *groups;
	size_t n;

	add(rig, SAMPLE_WAITER, 2 * LONG_NS, sleeps);
	add(rig, SAMPLE_WAITER, 3 * LONG_NS, sleeps)->address += 8;
	add(rig, SAMPLE_WAITER, 4 * LONG_NS, sleeps)->wait_tgid = 200;
	add(rig, SAMPLE_WAITER, 7 * LONG_NS, "[\"schedule\"]");
	assert_int_equal(stacks_groups(&rig->stacks, true, &groups, &n), 0);
	assert_int_equal(n, 4);
	assert_int_equal(groups[0].address, ADDRESS);
	assert_int_equal(groups[1].wait_tgid, 200);
	assert_int_equal(groups[2].address, ADDRESS + 8);
	stacks_groups_free(groups, n);
	/* Asked again, without addresses: nothing is worked out twice, and three are alike. */
	assert_int_equal(stacks_groups(&rig->stacks, false, &groups, &n), 0);
	assert_int_equal(n, 2);
	assert_int_equal(groups[0].count, 3);
	assert_int_equal(groups[0].sum_ns, 9 * LONG_NS);
	assert_int_equal(groups[1].sum_ns, 7 * LONG_NS);
	stacks_groups_free(groups, n);
}

static void test_why_no_user_stack(void **state)
{
	static struct process gone = {.tgid = 100}, odd = {.tgid = 100, .maps = (char *)"no maps"};
	struct rig *rig = *state;
	struct stack_group *groups;
	_cleanup_json_ cJSON *told = cJSON_CreateObject();
	const cJSON *failed;
	size_t n;

	add(rig, SAMPLE_WAITER, LONG_NS, sleeps)->user_bytes = 1024;
	rig->stacks.taken[0]->process = &gone;
	add(rig, SAMPLE_WAITER, LONG_NS, sleeps)->user_bytes = 1024;
	rig->stacks.taken[1]->process = &odd;
	assert_int_equal(stacks_groups(&rig->stacks, false, &groups, &n), 0);
	stacks_groups_free(groups, n);
	stacks_counts_json(&rig->stacks, told);
	failed = cJSON_GetObjectItem(told, "failed");
	assert_int_equal(cJSON_GetArraySize(failed), 2);
	assert_string_equal(failed->child->string,
			    "the process was gone before its maps were read");
	assert_string_not_equal(failed->child->next->string, "");
	assert_int_equal(failed->child->next->valueint, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_only_long_waits_that_ended, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_wakers, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_by_address, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_why_no_user_stack, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("stacks_groups", tests, NULL, NULL);
}

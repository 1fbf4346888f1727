// SPDX-License-Identifier: MIT
/*
 * The doctor's report has the shape that doctor.h promises, a forked trial hands its errno over,
 * and the io_uring tables agree with the header where that knows a name.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <linux/io_uring.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>

#include "harness/host/doctor.h"
#include "harness/registry.h"
#include "harness/test_prober.h"
#include "harness/util/cleanup.h"
#include "harness/util/uring_names.h"

static bool is_state(const char *text)
{
	for (int i = DOCTOR_OK; i <= DOCTOR_UNKNOWN; i++)
		if (!strcmp(text, doctor_states[i]))
			return true;
	return false;
}

static void check_finding(const cJSON *finding)
{
	const char *name = cJSON_GetStringValue(cJSON_GetObjectItem(finding, "name"));
	const char *state = cJSON_GetStringValue(cJSON_GetObjectItem(finding, "state"));
	const char *value = cJSON_GetStringValue(cJSON_GetObjectItem(finding, "value"));

	assert_non_null(name);
	assert_true(value && *value);
	assert_true(state && is_state(state));
	/* Whatever is missing says what that costs; what is fine costs nothing. */
	if (!strcmp(state, "missing") || !strcmp(state, "warning"))
		assert_true(cJSON_HasObjectItem(finding, "cost"));
	else
		assert_false(cJSON_HasObjectItem(finding, "cost"));
}

static void make_offers(offer_fn say, void *arg)
{
	say(arg, &(struct offer){.name = "driver", .there = true, .text = "there"});
	say(arg, &(struct offer){.name = "module",
				 .text = "no such module",
				 .cost = "no devices",
				 .remedy = "load it"});
}

static int devices_left = 2; /* of which one cannot be removed */

static int leave_devices(bool fix, void (*found)(void *arg, const char *what), void *arg,
			 struct err *err)
{
	if (fix && devices_left == 1)
		return err_set(err, -EBUSY, "device 0 is in use");
	for (int i = devices_left; i > (fix ? 1 : 0); i--)
		found(arg, "a device");
	if (fix)
		devices_left = 1;
	return devices_left;
}

static const struct target_ops offering = {.name = "offering", .offers = make_offers};
static const struct target_ops messy = {.name = "messy", .leftovers = leave_devices};
static const struct target_ops *const targets[] = {&offering, &messy, NULL};
static const struct registry registry = {.targets = targets, .prober = &test_prober_ops};

static void test_shape(void **state)
{
	_cleanup_json_ cJSON *report = doctor_examine("/", &registry, false);
	const cJSON *group, *finding, *groups = cJSON_GetObjectItem(report, "groups");

	(void)state;
	assert_int_equal(cJSON_GetArraySize(groups), 9);
	cJSON_ArrayForEach (group, groups) {
		const cJSON *findings = cJSON_GetObjectItem(group, "findings");

		assert_non_null(cJSON_GetStringValue(cJSON_GetObjectItem(group, "name")));
		assert_true(cJSON_GetArraySize(findings) > 0);
		cJSON_ArrayForEach (finding, findings)
			check_finding(finding);
	}
}

static const char *text_at(const cJSON *findings, int i, const char *key)
{
	return cJSON_GetStringValue(cJSON_GetObjectItem(cJSON_GetArrayItem(findings, i), key));
}

/* One by typed tracepoints, one by the fall-back, one that this kernel lacks; and no probes. */
static void test_probes(void **state)
{
	_cleanup_json_ cJSON *findings = cJSON_CreateArray(), *none = cJSON_CreateArray();

	(void)state;
	doctor_probes(findings, &test_prober_ops);
	assert_int_equal(cJSON_GetArraySize(findings), 3);
	assert_string_equal(text_at(findings, 0, "name"), "calls");
	assert_string_equal(text_at(findings, 0, "state"), "warning");
	assert_string_equal(text_at(findings, 0, "value"), "plain tracepoints");
	assert_string_equal(text_at(findings, 1, "state"), "ok");
	assert_string_equal(text_at(findings, 1, "value"), "BTF-typed tracepoints");
	assert_string_equal(text_at(findings, 2, "state"), "missing");
	assert_string_equal(text_at(findings, 2, "value"), "this kernel blames nobody");
	assert_string_equal(text_at(findings, 2, "cost"), "not seen: who is waited for");
	doctor_probes(none, NULL);
	assert_string_equal(text_at(none, 0, "state"), "missing");
}

static void check_at(const cJSON *findings, int i, const char *name, const char *state,
		     const char *value)
{
	assert_string_equal(text_at(findings, i, "name"), name);
	assert_string_equal(text_at(findings, i, "state"), state);
	assert_string_equal(text_at(findings, i, "value"), value);
}

static void test_targets(void **state)
{
	_cleanup_json_ cJSON *seen = cJSON_CreateArray(), *fixed = cJSON_CreateArray(),
			     *stuck = cJSON_CreateArray();
	struct err err = {""};

	(void)state;
	assert_int_equal(doctor_targets(seen, &registry, false, &err), 2);
	assert_int_equal(cJSON_GetArraySize(seen), 4);
	check_at(seen, 0, "driver", "ok", "there");
	check_at(seen, 1, "module", "missing", "no such module");
	assert_string_equal(text_at(seen, 1, "remedy"), "load it");
	check_at(seen, 2, "left behind", "warning", "a device");
	assert_string_equal(text_at(seen, 2, "remedy"), "uhbench doctor --fix");
	assert_int_equal(doctor_targets(fixed, &registry, true, &err), 1);
	assert_int_equal(cJSON_GetArraySize(fixed), 3);
	check_at(fixed, 2, "removed", "ok", "a device");
	assert_int_equal(doctor_targets(stuck, &registry, true, &err), -EBUSY);
	check_at(stuck, 2, "left behind", "warning", "device 0 is in use");
	assert_string_equal(err.text, "device 0 is in use");
}

static int fail_with(void *arg)
{
	return *(const int *)arg;
}

static int die(void *arg)
{
	(void)arg;
	raise(SIGKILL);
	return 0;
}

static void test_trial(void **state)
{
	int good = 0, bad = -EINVAL;

	(void)state;
	assert_int_equal(doctor_try(fail_with, &good), 0);
	assert_int_equal(doctor_try(fail_with, &bad), -EINVAL);
	assert_int_equal(doctor_try(die, NULL), -ECHILD);
}

static const struct uring_flag *flag_named(const struct uring_flag *rows, const char *name)
{
	while (rows->name && strcmp(rows->name, name))
		rows++;
	return rows;
}

static void test_names_agree_with_the_header(void **state)
{
	(void)state;
	assert_string_equal(uring_opcode_names[IORING_OP_NOP], "NOP");
	assert_string_equal(uring_opcode_names[IORING_OP_WRITE], "WRITE");
	assert_string_equal(uring_opcode_names[IORING_OP_SHUTDOWN], "SHUTDOWN");
	assert_string_equal(uring_opcode_names[IORING_OP_URING_CMD], "URING_CMD");
	assert_string_equal(uring_opcode_names[IORING_OP_SENDMSG_ZC], "SENDMSG_ZC");
	assert_int_equal(flag_named(uring_setup_flags, "DEFER_TASKRUN")->bit,
			 IORING_SETUP_DEFER_TASKRUN);
	assert_int_equal(flag_named(uring_setup_flags, "SQE128")->bit, IORING_SETUP_SQE128);
	assert_int_equal(flag_named(uring_features, "LINKED_FILE")->bit, IORING_FEAT_LINKED_FILE);
}

static void test_flags_are_distinct(void **state)
{
	uint32_t seen = 0;

	(void)state;
	for (const struct uring_flag *f = uring_setup_flags; f->name; f++) {
		assert_int_equal(seen & f->bit, 0);
		seen |= f->bit;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shape),
		cmocka_unit_test(test_probes),
		cmocka_unit_test(test_targets),
		cmocka_unit_test(test_trial),
		cmocka_unit_test(test_names_agree_with_the_header),
		cmocka_unit_test(test_flags_are_distinct),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: MIT
/* What catalog_check must find in a bad table, and that it lets a sound one pass. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "harness/matrix/catalog.h"
#include "harness/test_plugins.h"
#include "harness/util/cleanup.h"

static const char *const no_choices[] = {NULL};
static const char *const two[] = {"a", "b", NULL};

/* One bad row each, as the only knob of a target of workload "w", which has a knob "shared". */
static const struct {
	struct param row;
	const char *message;
} bad_rows[] = {
	{{.name = "k", .def = "1"}, "w: t: k: one line of help without a full stop, please"},
	{{.name = "k", .def = "1", .help = "stop."}, "w: t: k: one line of help"},
	{{.name = "k", .help = "h"}, "w: t: k has no default"},
	{{.name = "k", .def = "x", .help = "h"}, "w: t: default of k: \"x\" is not a whole number"},
	{{.name = "k", .def = "0", .min = 1, .help = "h"}, "w: t: default of k: \"0\" is below 1"},
	{{.name = "k", .def = "9", .max = 8, .help = "h"}, "w: t: default of k: \"9\" is above 8"},
	{{.name = "k", .type = PARAM_TIME, .def = "5", .help = "h"}, "w: t: default of k: \"5\""},
	{{.name = "k", .type = PARAM_ENUM, .def = "a", .help = "h"}, "w: t: k has no choices"},
	{{.name = "k", .type = PARAM_ENUM, .def = "a", .choices = no_choices, .help = "h"},
	 "w: t: k has no choices"},
	{{.name = "k", .type = PARAM_ENUM, .def = "c", .choices = two, .help = "h"},
	 "w: t: default of k: \"c\" is unknown"},
	{{.name = "k", .def = "1", .help = "h", .offset = 1}, "w: t: k lies outside of the config"},
	{{.name = "threads", .def = "1", .help = "h"}, "w: t: threads is also an axis"},
	{{.name = "shared", .def = "1", .help = "h"}, "w: t: shared is also an axis or a knob"},
};

static const struct param shared[] = {
	{.name = "shared", .def = "1", .help = "h"},
	PARAM_END,
};

static int check(const struct workload_ops *w, const struct target_ops *t, struct err *err)
{
	const struct workload_ops *const workloads[] = {w, NULL};
	const struct target_ops *const targets[] = {t, NULL};
	const struct registry reg = {.workloads = workloads, .targets = targets};

	return catalog_check(&reg, err);
}

static const struct workload_ops sound_workload = {.name = "w",
						   .help = "h",
						   .op_name = "op",
						   .params = shared,
						   .config_size = sizeof(uint64_t)};

static void test_bad_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < array_size(bad_rows); i++) {
		const struct param rows[] = {bad_rows[i].row, PARAM_END};
		const struct target_ops target = {.workload = "w",
						  .name = "t",
						  .help = "h",
						  .params = rows,
						  .config_size = sizeof(uint64_t)};
		struct err err = {""};

		assert_int_equal(check(&sound_workload, &target, &err), -EINVAL);
		if (!strstr(err.text, bad_rows[i].message))
			print_message("%s\n", err.text);
		assert_non_null(strstr(err.text, bad_rows[i].message));
	}
}

static void test_bad_plugins(void **state)
{
	static const struct metric nameless[] = {{.name = "m", .unit = "1"}, METRIC_END};
	const struct workload_ops unhelped = {.name = "w", .op_name = "op"};
	const struct workload_ops payload = {.name = "w",
					     .help = "h",
					     .op_name = "op",
					     .payload_default = 1,
					     .payload_min = 2,
					     .payload_max = 3};
	const struct target_ops sound = {.workload = "w", .name = "t", .help = "h"};
	const struct target_ops orphan = {.workload = "v", .name = "t", .help = "h"};
	const struct target_ops mute = {.workload = "w", .name = "t"};
	const struct target_ops metrics = {
		.workload = "w", .name = "t", .help = "h", .metrics = nameless};
	const struct {
		const struct workload_ops *w;
		const struct target_ops *t;
		const char *message;
	} plugins[] = {
		{&sound_workload, &sound, NULL},
		{&unhelped, &sound, "w: help or op_name is missing"},
		{&payload, &sound, "w: the default payload is out of its range"},
		{&sound_workload, &orphan, "v/t: there is no such workload"},
		{&sound_workload, &mute, "w/t: help is missing"},
		{&sound_workload, &metrics, "w: t: metric m lacks a help text or a unit"},
	};

	(void)state;
	for (size_t i = 0; i < array_size(plugins); i++) {
		struct err err = {""};
		int rc = check(plugins[i].w, plugins[i].t, &err);

		assert_int_equal(rc, plugins[i].message ? -EINVAL : 0);
		assert_string_equal(err.text, plugins[i].message ? plugins[i].message : "");
	}
}

static void test_bad_probes(void **state)
{
	static const struct probe_info unhelped[] = {{.name = "p"}, {.name = NULL}};
	static const struct probe_info twice[] = {
		{.name = "p", .help = "h"}, {.name = "p", .help = "h"}, {.name = NULL}};
	static const struct probe_info orphan[] = {{.name = "p", .help = "h", .needs = "q"},
						   {.name = NULL}};
	static const struct param far[] = {{.name = "k", .def = "1", .help = "h"}, PARAM_END};
	const struct {
		struct prober_ops ops;
		const char *message;
	} probers[] = {
		{{.probes = unhelped}, "probe p: help is missing"},
		{{.probes = twice}, "two probes are named p"},
		{{.probes = orphan}, "probe \"q\" is unknown"},
		{{.probes = orphan, .params = far}, "probes: k lies outside of the config"},
	};

	(void)state;
	for (size_t i = 0; i < array_size(probers); i++) {
		struct registry reg = test_registry;
		struct err err = {""};

		reg.prober = &probers[i].ops;
		assert_true(catalog_check(&reg, &err) < 0);
		assert_string_equal(err.text, probers[i].message);
	}
}

static void test_sound(void **state)
{
	struct err err = {""};
	_cleanup_json_ cJSON *catalog = catalog_make(&test_registry);
	_cleanup_free_ char *text = NULL;
	const cJSON *target;

	(void)state;
	catalog_check(&test_registry, &err);
	assert_string_equal(err.text, "");
	target = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(catalog, "targets"), 1);
	text = cJSON_PrintUnformatted(
		cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(target, "knobs"), 1));
	assert_string_equal(text, "{\"name\":\"room\",\"type\":\"size\",\"default\":65536,"
				  "\"default_text\":\"64k\",\"min\":4096,\"max\":1048576,"
				  "\"unit\":null,\"help\":\"room\",\"fault\":false}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad_rows),
		cmocka_unit_test(test_bad_plugins),
		cmocka_unit_test(test_bad_probes),
		cmocka_unit_test(test_sound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

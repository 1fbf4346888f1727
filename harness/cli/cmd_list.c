// SPDX-License-Identifier: MIT
/*
 * uhbench list [SECTION]: what this build can measure. The text is written from the same catalog
 * that --json prints, so the two cannot differ.
 */
#include "harness/cli/verbs.h"

#include <string.h>

#include "harness/matrix/catalog.h"
#include "harness/util/cleanup.h"
#include "harness/util/nearest.h"
#include "harness/util/units.h"

#define NAME_WIDTH 16

struct list_options {
	bool json;
};

static const char *text_of(const cJSON *o, const char *key)
{
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o, key));

	return text ? text : "";
}

static void print_default(const cJSON *knob)
{
	const cJSON *value = cJSON_GetObjectItemCaseSensitive(knob, "default");

	if (*text_of(knob, "default_text"))
		printf("%s", text_of(knob, "default_text"));
	else if (cJSON_IsNumber(value))
		printf("%.0f", value->valuedouble);
	else if (cJSON_IsBool(value))
		printf("%s", cJSON_IsTrue(value) ? "true" : "false");
	else if (cJSON_IsString(value) && *value->valuestring)
		printf("%s", value->valuestring);
	else
		printf("-");
}

static void print_bound(const cJSON *knob, const char *key)
{
	uint64_t value =
		(uint64_t)cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(knob, key));
	const char *type = text_of(knob, "type");
	char text[UNITS_TEXT_MAX];

	if (value == UNITS_MAX)
		printf("2^53");
	else if (!strcmp(type, "size"))
		printf("%s", units_format_size(value, text));
	else if (!strcmp(type, "rate"))
		printf("%s", units_format_rate(value, text));
	else if (!strcmp(type, "time"))
		printf("%s", units_format_time(value, text));
	else
		printf("%llu", (unsigned long long)value);
}

static void print_knobs(const cJSON *knobs, const char *indent)
{
	const cJSON *knob, *choice;

	cJSON_ArrayForEach (knob, knobs) {
		printf("%s%-*s %s%s\n%s%-*s default ", indent, NAME_WIDTH, text_of(knob, "name"),
		       cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(knob, "fault")) ? "FAULT: "
										     : "",
		       text_of(knob, "help"), indent, NAME_WIDTH, "");
		print_default(knob);
		printf("; %s", text_of(knob, "type"));
		if (cJSON_GetObjectItemCaseSensitive(knob, "min")) {
			printf(", ");
			print_bound(knob, "min");
			printf(" to ");
			print_bound(knob, "max");
		}
		cJSON_ArrayForEach (choice, cJSON_GetObjectItemCaseSensitive(knob, "choices"))
			printf("%s%s", choice->prev && choice->prev->next ? " | " : ": ",
			       choice->valuestring);
		if (*text_of(knob, "unit"))
			printf(", %s", text_of(knob, "unit"));
		putchar('\n');
	}
}

static void print_payload(const cJSON *payload)
{
	if (!cJSON_IsObject(payload)) {
		printf(", without payload\n");
		return;
	}
	printf(", payload ");
	print_bound(payload, "default");
	printf(" bytes (");
	print_bound(payload, "min");
	printf(" to ");
	print_bound(payload, "max");
	printf(")\n");
}

static void print_plugins(const cJSON *list)
{
	const cJSON *item;

	cJSON_ArrayForEach (item, list) {
		const char *workload = text_of(item, "workload");

		printf("  %s%s%s: %s\n", workload, *workload ? "/" : "", text_of(item, "name"),
		       text_of(item, "help"));
		if (!*workload) {
			printf("    one operation: %s", text_of(item, "operation"));
			print_payload(cJSON_GetObjectItemCaseSensitive(item, "payload"));
		}
		print_knobs(cJSON_GetObjectItemCaseSensitive(item, "knobs"), "    ");
	}
}

static void print_probes(const cJSON *list)
{
	const cJSON *item;

	cJSON_ArrayForEach (item, list)
		printf("  %-*s %s%s%s\n", NAME_WIDTH, text_of(item, "name"), text_of(item, "help"),
		       *text_of(item, "needs") ? "; brings " : "", text_of(item, "needs"));
}

static void print_metrics(const cJSON *list)
{
	const cJSON *item;

	cJSON_ArrayForEach (item, list) {
		const char *workload = text_of(item, "workload"), *target = text_of(item, "target");

		printf("  %-20s %-8s %-7s %s%s%s%s%s\n", text_of(item, "name"),
		       text_of(item, "unit"), text_of(item, "better"), workload, *target ? "/" : "",
		       target, *workload ? ": " : "", text_of(item, "help"));
	}
}

static void print_knob_list(const cJSON *list)
{
	print_knobs(list, "  ");
}

static const struct section {
	const char *name;
	void (*print)(const cJSON *list);
	const char *with; /* the section that people get along with it */
} sections[] = {
	{"matrix", print_knob_list},
	{"axes", print_knob_list},
	{"workloads", print_plugins},
	{"targets", print_plugins},
	{"probes", print_probes, .with = "probe_knobs"},
	{"probe_knobs", print_knob_list},
	{"metrics", print_metrics},
};

static const struct section *find_section(const char *name)
{
	for (size_t i = 0; i < array_size(sections); i++)
		if (!strcmp(sections[i].name, name))
			return &sections[i];
	return NULL;
}

static int unknown_section(const char *name)
{
	struct nearest n = nearest_to(name);
	char hint[NEAREST_HINT_MAX];

	for (size_t i = 0; i < array_size(sections); i++)
		nearest_offer(&n, sections[i].name);
	return verb_fail(EXITCODE_USAGE, "list: unknown section \"%s\"%s; there are %s", name,
			 nearest_hint(&n, hint), cmd_list.operands);
}

static void print_text(const cJSON *catalog, const struct section *only)
{
	bool first = true;

	for (size_t i = 0; i < array_size(sections); i++) {
		const struct section *s = &sections[i];
		const cJSON *list = cJSON_GetObjectItemCaseSensitive(catalog, s->name);
		bool along = only && only->with && !strcmp(only->with, s->name);

		if (!list || (only && only != s && !along))
			continue;
		printf("%s%s\n", first ? "" : "\n", s->name);
		s->print(list);
		first = false;
	}
}

static int print_json(cJSON *catalog, const struct section *only)
{
	for (size_t i = 0; only && i < array_size(sections); i++)
		if (&sections[i] != only)
			cJSON_DeleteItemFromObjectCaseSensitive(catalog, sections[i].name);
	return verb_print_json(catalog);
}

static const struct option_row list_rows[] = {
	{.name = "json",
	 .kind = OPTION_FLAG,
	 .offset = offsetof(struct list_options, json),
	 .help = "print JSON: {section: [...]}"},
	OPTION_END,
};

static int list_run(const struct registry *reg, int argc, char **argv)
{
	struct list_options o = {.json = false};
	const struct section *only = NULL;
	_cleanup_json_ cJSON *catalog = NULL;
	const char *operands[1];
	int rc = verb_parse(&cmd_list, argc, argv, &o, operands);

	if (rc != VERB_GO_ON)
		return rc;
	if (operands[0] && !(only = find_section(operands[0])))
		return unknown_section(operands[0]);
	catalog = catalog_make(reg);
	if (o.json)
		return print_json(catalog, only);
	print_text(catalog, only);
	return EXITCODE_OK;
}

const struct verb cmd_list = {
	.name = "list",
	.help = "list workloads, targets, probes, metrics and their knobs",
	.operands = "[matrix|axes|workloads|targets|probes|probe_knobs|metrics]",
	.operands_max = 1,
	.options = list_rows,
	.run = list_run,
};

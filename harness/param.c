// SPDX-License-Identifier: MIT
/*
 * Values in and out of config structs, driven by rows. Defaults, matrix values and skip rules all
 * end in the same three checks (type, range, choice), so a message reads alike wherever a value
 * came from. Every number fits a double exactly: 2^53 is the end of all ranges.
 */
#include "harness/param.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "harness/util/json.h"
#include "harness/util/nearest.h"
#include "harness/util/units.h"

#define CHOICES_SHOWN 160

const char *const param_type_names[] = {
	[PARAM_INT] = "int",	   [PARAM_SIZE] = "size", [PARAM_RATE] = "rate",
	[PARAM_TIME] = "time",	   [PARAM_BOOL] = "bool", [PARAM_ENUM] = "enum",
	[PARAM_STRING] = "string",
};

static const char *const expected[] = {
	[PARAM_INT] = "a whole number",
	[PARAM_SIZE] = "a size (4096, \"64k\", \"1MiB\"; units: B, k, M, G, T)",
	[PARAM_RATE] = "a rate (5000, \"10k\", \"1.5M\"; units: k, M, G)",
	[PARAM_TIME] = "a time with a unit (\"500ms\"; units: ns, us, ms, s, min or m, h)",
	[PARAM_BOOL] = "true or false",
	[PARAM_ENUM] = "a word",
	[PARAM_STRING] = "a text",
};

/* What a number counts, where a message says that it is not whole. */
static const char *const counted[] = {
	[PARAM_INT] = "units",
	[PARAM_SIZE] = "bytes",
	[PARAM_RATE] = "1/s",
	[PARAM_TIME] = "nanoseconds",
};

const struct param *param_find(const struct param *rows, const char *name)
{
	for (; rows && rows->name; rows++)
		if (!strcmp(rows->name, name))
			return rows;
	return NULL;
}

bool param_is_number(const struct param *row)
{
	return row->type <= PARAM_TIME;
}

uint64_t param_max(const struct param *row)
{
	return row->max ? row->max : UNITS_MAX;
}

static void *at(const struct param *row, void *config)
{
	return (char *)config + row->offset;
}

static const void *at_const(const struct param *row, const void *config)
{
	return (const char *)config + row->offset;
}

static uint64_t number_of(const struct param *row, const void *config)
{
	return *(const uint64_t *)at_const(row, config);
}

static void format_number(const struct param *row, uint64_t value, bool plain,
			  char buf[static UNITS_TEXT_MAX])
{
	if (row->type == PARAM_SIZE && !plain)
		units_format_size(value, buf);
	else if (row->type == PARAM_RATE && !plain)
		units_format_rate(value, buf);
	else if (row->type == PARAM_TIME && !plain)
		units_format_time(value, buf);
	else
		snprintf(buf, UNITS_TEXT_MAX, "%" PRIu64, value);
}

static int below(const struct param *row, const char *shown, struct err *err)
{
	char bound[UNITS_TEXT_MAX];

	format_number(row, row->min, false, bound);
	return err_set(err, -EINVAL, "%s is below %s", shown, bound);
}

static int set_number(const struct param *row, uint64_t value, const char *shown, void *config,
		      struct err *err)
{
	char bound[UNITS_TEXT_MAX];

	if (value < row->min)
		return below(row, shown, err);
	if (value > param_max(row)) {
		format_number(row, param_max(row), false, bound);
		return err_set(err, -EINVAL, "%s is above %s", shown, bound);
	}
	*(uint64_t *)at(row, config) = value;
	return 0;
}

static const char *list_choices(const struct param *row, char buf[static CHOICES_SHOWN])
{
	size_t len = 0;

	buf[0] = 0;
	for (int i = 0; row->choices[i] && len < CHOICES_SHOWN; i++)
		len += (size_t)snprintf(buf + len, CHOICES_SHOWN - len, "%s%s", i ? ", " : "",
					row->choices[i]);
	return buf;
}

static int set_choice(const struct param *row, const char *text, void *config, struct err *err)
{
	struct nearest n = nearest_to(text);
	char shown[JSON_SHOW_MAX], hint[NEAREST_HINT_MAX], all[CHOICES_SHOWN];

	for (int i = 0; row->choices[i]; i++) {
		if (!strcmp(row->choices[i], text)) {
			*(int *)at(row, config) = i;
			return 0;
		}
		nearest_offer(&n, row->choices[i]);
	}
	if (!n.best)
		return err_set(err, -EINVAL, "%s is unknown; there are %s", json_quote(text, shown),
			       list_choices(row, all));
	return err_set(err, -EINVAL, "%s is unknown%s", json_quote(text, shown),
		       nearest_hint(&n, hint));
}

static int set_string(const struct param *row, const char *text, void *config, struct err *err)
{
	char shown[JSON_SHOW_MAX];

	if (strlen(text) >= PARAM_STRING_MAX)
		return err_set(err, -EINVAL, "%s is longer than %d bytes", json_quote(text, shown),
			       PARAM_STRING_MAX - 1);
	/* Zeroed to the end, so that equal texts are equal structs. */
	strncpy(at(row, config), text, PARAM_STRING_MAX);
	return 0;
}

/* A number written as text: `shown` is how messages quote it. */
static int set_number_text(const struct param *row, const char *text, const char *shown,
			   void *config, struct err *err)
{
	uint64_t value;
	int rc;

	if (row->type == PARAM_TIME)
		rc = units_parse_time(text, &value);
	else if (row->type == PARAM_SIZE)
		rc = units_parse_size(text, &value);
	else if (row->type == PARAM_RATE)
		rc = units_parse_rate(text, &value);
	else
		rc = units_parse_uint(text, &value);
	if (rc == -ERANGE)
		return err_set(err, -EINVAL, "%s is not a whole number of %s up to 2^53", shown,
			       counted[row->type]);
	if (rc < 0)
		return err_set(err, -EINVAL, "%s is not %s", shown, expected[row->type]);
	return set_number(row, value, shown, config, err);
}

int param_set_text(const struct param *row, const char *text, void *config, struct err *err)
{
	char shown[JSON_SHOW_MAX];

	switch (row->type) {
	case PARAM_ENUM:
		return set_choice(row, text, config, err);
	case PARAM_STRING:
		return set_string(row, text, config, err);
	case PARAM_BOOL:
		if (strcmp(text, "true") && strcmp(text, "false"))
			return err_set(err, -EINVAL, "%s is not %s", json_quote(text, shown),
				       expected[PARAM_BOOL]);
		*(bool *)at(row, config) = text[0] == 't';
		return 0;
	default:
		return set_number_text(row, text, json_quote(text, shown), config, err);
	}
}

static int set_number_json(const struct param *row, double value, const char *shown, void *config,
			   struct err *err)
{
	if (row->type == PARAM_TIME && value != 0)
		return err_set(err, -EINVAL, "%s has no unit; write a time as \"500ms\"", shown);
	if (value < 0)
		return below(row, shown, err);
	if (value != floor(value))
		return err_set(err, -EINVAL, "%s is not a whole number", shown);
	if (value > (double)UNITS_MAX)
		return err_set(err, -EINVAL, "%s is above 2^53", shown);
	return set_number(row, (uint64_t)value, shown, config, err);
}

int param_set_json(const struct param *row, const cJSON *value, void *config, struct err *err)
{
	const char *text = cJSON_GetStringValue(value);
	char shown[JSON_SHOW_MAX];

	json_show(value, shown);
	switch (row->type) {
	case PARAM_SIZE:
	case PARAM_RATE:
	case PARAM_TIME:
		if (text)
			return set_number_text(row, text, shown, config, err);
		__attribute__((fallthrough));
	case PARAM_INT:
		if (cJSON_IsNumber(value))
			return set_number_json(row, value->valuedouble, shown, config, err);
		break;
	case PARAM_BOOL:
		if (!cJSON_IsBool(value))
			break;
		*(bool *)at(row, config) = cJSON_IsTrue(value);
		return 0;
	case PARAM_ENUM:
	case PARAM_STRING:
		if (text)
			return param_set_text(row, text, config, err);
		break;
	}
	return err_set(err, -EINVAL, "found %s, expected %s", shown, expected[row->type]);
}

int param_defaults(const struct param *rows, void *config)
{
	for (; rows && rows->name; rows++)
		if (rows->def && param_set_text(rows, rows->def, config, NULL) < 0)
			return -EINVAL;
	return 0;
}

cJSON *param_get_json(const struct param *row, const void *config)
{
	switch (row->type) {
	case PARAM_BOOL:
		return cJSON_CreateBool(*(const bool *)at_const(row, config));
	case PARAM_ENUM:
		return cJSON_CreateString(row->choices[*(const int *)at_const(row, config)]);
	case PARAM_STRING:
		return cJSON_CreateString(at_const(row, config));
	default:
		return cJSON_CreateNumber((double)number_of(row, config));
	}
}

const char *param_text(const struct param *row, const void *config, bool plain,
		       char buf[static PARAM_STRING_MAX])
{
	switch (row->type) {
	case PARAM_BOOL:
		return strcpy(buf, *(const bool *)at_const(row, config) ? "true" : "false");
	case PARAM_ENUM:
		snprintf(buf, PARAM_STRING_MAX, "%s",
			 row->choices[*(const int *)at_const(row, config)]);
		return buf;
	case PARAM_STRING:
		return strcpy(buf, at_const(row, config));
	default:
		format_number(row, number_of(row, config), plain, buf);
		return buf;
	}
}

bool param_same(const struct param *row, const void *config, const void *other)
{
	switch (row->type) {
	case PARAM_BOOL:
		return *(const bool *)at_const(row, config) == *(const bool *)at_const(row, other);
	case PARAM_ENUM:
		return *(const int *)at_const(row, config) == *(const int *)at_const(row, other);
	case PARAM_STRING:
		return !strcmp(at_const(row, config), at_const(row, other));
	default:
		return number_of(row, config) == number_of(row, other);
	}
}

/* Room for one value of any type, and the row as if it were alone, at offset 0. */
struct scratch {
	struct param row;
	char value[PARAM_STRING_MAX] __attribute__((aligned(8)));
};

static struct scratch scratch_for(const struct param *row)
{
	struct scratch s = {.row = *row};

	s.row.offset = 0;
	return s;
}

int param_check_json(const struct param *row, const cJSON *value, struct err *err)
{
	struct scratch s = scratch_for(row);

	return param_set_json(&s.row, value, s.value, err);
}

int param_check_text(const struct param *row, const char *text, struct err *err)
{
	struct scratch s = scratch_for(row);

	return param_set_text(&s.row, text, s.value, err);
}

cJSON *param_default_json(const struct param *row)
{
	struct scratch s = scratch_for(row);

	if (!row->def || param_set_text(&s.row, row->def, s.value, NULL) < 0)
		return cJSON_CreateNull();
	return param_get_json(&s.row, s.value);
}

bool param_is_json(const struct param *row, const void *config, const cJSON *value)
{
	struct scratch s = scratch_for(row);

	return !param_set_json(&s.row, value, s.value, NULL) &&
	       param_same(&s.row, at_const(row, config), s.value);
}

bool param_is_default(const struct param *row, const void *config)
{
	struct scratch s = scratch_for(row);

	/* Without a default a text starts empty, and anything else has none to equal. */
	if (row->def ? param_set_text(&s.row, row->def, s.value, NULL) < 0
		     : row->type != PARAM_STRING)
		return false;
	return param_same(&s.row, at_const(row, config), s.value);
}

/* SPDX-License-Identifier: MIT */
/*
 * Reading records that may lack a key or hold another type: a report shows what is there and never
 * trusts the writer. Absent is "" for a text and NAN for a number.
 */
#pragma once

#include <cjson/cJSON.h>
#include <math.h>
#include <stdbool.h>

static inline const cJSON *get(const cJSON *object, const char *key)
{
	return cJSON_GetObjectItemCaseSensitive(object, key);
}

/* For iterating over named items: NULL unless it is an object. */
static inline const cJSON *get_object(const cJSON *object, const char *key)
{
	const cJSON *item = get(object, key);

	return cJSON_IsObject(item) ? item : NULL;
}

static inline const char *get_text(const cJSON *object, const char *key)
{
	const cJSON *item = get(object, key);

	return cJSON_IsString(item) ? item->valuestring : "";
}

static inline double get_number(const cJSON *object, const char *key)
{
	const cJSON *item = get(object, key);

	return cJSON_IsNumber(item) ? item->valuedouble : NAN;
}

static inline bool get_false(const cJSON *object, const char *key)
{
	return cJSON_IsFalse(get(object, key));
}

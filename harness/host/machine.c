// SPDX-License-Identifier: MIT
/*
 * The key is a JSON object, so that it can be stored, shown and compared like all else. Its
 * identity hashes the sorted lines "path=value": the order of keys is of no account.
 */
#include "harness/host/machine.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/util/cleanup.h"
#include "harness/util/fnv.h"

/* Copies from[key] as to[name]; null where there is none. */
static void copy(cJSON *to, const char *name, const cJSON *from, const char *key)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(from, key);

	cJSON_AddItemToObject(to, name, item ? cJSON_Duplicate(item, 1) : cJSON_CreateNull());
}

cJSON *machine_key(const cJSON *host)
{
	const cJSON *cpu = cJSON_GetObjectItemCaseSensitive(host, "cpu");
	const cJSON *virt = cJSON_GetObjectItemCaseSensitive(host, "virtualisation");
	const cJSON *fs = cJSON_GetObjectItemCaseSensitive(host, "filesystem");
	cJSON *key = cJSON_CreateObject(), *to;

	copy(key, "cpu", cpu, "model");
	copy(key, "cpus", cpu, "online");
	copy(key, "kernel", host, "kernel");
	copy(key, "mitigations", host, "mitigations");
	copy(key, "filesystem", fs, "type");
	to = cJSON_AddObjectToObject(key, "virtualisation");
	copy(to, "hypervisor", virt, "hypervisor");
	copy(to, "container", virt, "container");
	return key;
}

bool machine_same(const cJSON *key_a, const cJSON *key_b)
{
	return cJSON_Compare(key_a, key_b, true);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp((*(const cJSON *const *)a)->string, (*(const cJSON *const *)b)->string);
}

/* Hashes the members in the order of their names. */
static uint64_t hash_value(uint64_t hash, const cJSON *value)
{
	int n = cJSON_IsObject(value) ? cJSON_GetArraySize(value) : 0, i = 0;
	_cleanup_free_ const cJSON **items = calloc((size_t)n + 1, sizeof(*items));
	_cleanup_free_ char *text = n ? NULL : cJSON_PrintUnformatted(value);
	const cJSON *item;

	if (n && items) {
		cJSON_ArrayForEach (item, value)
			items[i++] = item;
		qsort(items, (size_t)n, sizeof(*items), compare_names);
	}
	for (i = 0; items && i < n; i++)
		hash = hash_value(fnv_text(fnv_text(hash, items[i]->string), "="), items[i]);
	return fnv_text(fnv_text(hash, text ? text : ""), "\n");
}

void machine_id(const cJSON *key, char ret[static MACHINE_ID_LEN + 1])
{
	snprintf(ret, MACHINE_ID_LEN + 1, "%012" PRIx64, hash_value(FNV_START, key) >> 16);
}

static void add_difference(cJSON *to, const char *path, const cJSON *a, const cJSON *b)
{
	cJSON *row = cJSON_CreateObject();

	cJSON_AddStringToObject(row, "key", path);
	cJSON_AddItemToObject(row, "a", a ? cJSON_Duplicate(a, 1) : cJSON_CreateNull());
	cJSON_AddItemToObject(row, "b", b ? cJSON_Duplicate(b, 1) : cJSON_CreateNull());
	cJSON_AddItemToArray(to, row);
}

static void diff_values(cJSON *to, const char *path, const cJSON *a, const cJSON *b);

/* The members of `a` against those of b; those that only b has, when `missing`. */
static void diff_members(cJSON *to, const char *path, const cJSON *a, const cJSON *b, bool missing)
{
	const cJSON *from = missing ? b : a, *to_find = missing ? a : b, *item;
	char below[256];

	cJSON_ArrayForEach (item, from) {
		const cJSON *other = cJSON_GetObjectItemCaseSensitive(to_find, item->string);

		snprintf(below, sizeof(below), "%.120s%s%.120s", path, *path ? "." : "",
			 item->string);
		if (!missing)
			diff_values(to, below, item, other);
		else if (!other)
			add_difference(to, below, NULL, item);
	}
}

static void diff_values(cJSON *to, const char *path, const cJSON *a, const cJSON *b)
{
	if (cJSON_IsObject(a) && cJSON_IsObject(b)) {
		diff_members(to, path, a, b, false);
		diff_members(to, path, a, b, true);
	} else if (!cJSON_Compare(a, b, true)) {
		add_difference(to, path, a, b);
	}
}

cJSON *machine_diff(const cJSON *a, const cJSON *b)
{
	cJSON *rows = cJSON_CreateArray();

	diff_values(rows, "", a, b);
	return rows;
}

// SPDX-License-Identifier: MIT
/*
 * A count is a sum over rows of `usage` or of one probe's tables, divided by the operations of the
 * same window. A sum that is known in part only is not known: two runs that miss different parts
 * would differ where nothing does.
 */
#include "harness/session/counts.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "harness/util/cleanup.h"

static const cJSON *at(const cJSON *o, const char *key)
{
	return cJSON_GetObjectItemCaseSensitive(o, key);
}

static double number_at(const cJSON *o, const char *key)
{
	const cJSON *item = at(o, key);

	return cJSON_IsNumber(item) ? item->valuedouble : NAN;
}

static bool text_is(const cJSON *o, const char *key, const char *text)
{
	const char *value = cJSON_GetStringValue(at(o, key));

	return value && !strcmp(value, text);
}

double counts_operations(const cJSON *record)
{
	double n = number_at(at(at(record, "histograms"), "service"), "count");

	/* A program that makes its own load: there is what it told. */
	if (!(n > 0))
		n = number_at(at(record, "verify"), "operations");
	return isnan(n) ? 0 : n;
}

/* A probe that saw every event of the whole window; NULL when there is none. */
static const cJSON *whole_probe(const cJSON *probes, const char *name)
{
	const cJSON *probe = at(probes, name), *sampling = at(probe, "sampling");
	bool whole = text_is(probe, "status", "ok") && !(number_at(probe, "lost") > 0) &&
		     !(number_at(probe, "map_full") > 0) && !(number_at(sampling, "share") < 1) &&
		     !(number_at(sampling, "every") > 1);

	return whole ? probe : NULL;
}

static double switches(const cJSON *record, const cJSON *probes)
{
	const cJSON *usage = at(record, "usage"), *role;
	double sum = 0;

	(void)probes;
	if (!usage || !usage->child)
		return NAN;
	cJSON_ArrayForEach (role, usage) {
		const cJSON *n = at(role, "voluntary");

		if (strcmp(role->string, "harness") && cJSON_IsNumber(n))
			sum += n->valuedouble;
	}
	return sum;
}

static bool is_call(const cJSON *row, const char *const *names)
{
	if (!names)
		return true;
	for (; *names; names++)
		if (text_is(row, "syscall", *names))
			return true;
	return false;
}

/* Of the named system calls; NULL: of all. */
static double sum_calls(const cJSON *probes, const char *const *names)
{
	const cJSON *calls = at(whole_probe(probes, "syscalls"), "calls"), *row;
	double sum = cJSON_IsArray(calls) ? 0 : NAN;

	cJSON_ArrayForEach (row, calls)
		if (!text_is(row, "role", "harness") && is_call(row, names))
			sum += number_at(row, "count");
	return sum;
}

static double syscalls(const cJSON *record, const cJSON *probes)
{
	(void)record;
	return sum_calls(probes, NULL);
}

static double futex_waits(const cJSON *record, const cJSON *probes)
{
	const cJSON *calls = at(whole_probe(probes, "lock"), "futex_calls"), *row;
	double sum = cJSON_IsArray(calls) ? 0 : NAN;

	(void)record;
	cJSON_ArrayForEach (row, calls)
		if (!text_is(row, "role", "harness"))
			sum += number_at(row, "slept");
	return sum;
}

static double sum_rings(const cJSON *probes, const char *opcode, const char *key)
{
	const cJSON *rings = at(whole_probe(probes, "cqe"), "rings"), *ring, *row;
	double sum = cJSON_IsArray(rings) ? 0 : NAN;

	cJSON_ArrayForEach (ring, rings) {
		if (!opcode)
			sum += number_at(ring, key);
		else
			cJSON_ArrayForEach (row, at(ring, "opcodes"))
				if (text_is(row, "opcode", opcode))
					sum += number_at(row, key);
	}
	return sum;
}

static double punts(const cJSON *record, const cJSON *probes)
{
	(void)record;
	return sum_rings(probes, NULL, "punts");
}

static double fsyncs(const cJSON *record, const cJSON *probes)
{
	static const char *const names[] = {"fsync", "fdatasync", NULL};
	double calls = sum_calls(probes, names), requests = 0;

	(void)record;
	if (at(probes, "cqe"))
		requests = sum_rings(probes, "FSYNC", "submitted");
	return calls + requests;
}

static double bytes(const cJSON *record, const cJSON *probes)
{
	const cJSON *devices = at(whole_probe(probes, "block"), "devices"), *row;
	double sum = cJSON_IsArray(devices) ? 0 : NAN;

	(void)record;
	cJSON_ArrayForEach (row, devices)
		if (text_is(row, "by", "watched"))
			sum += number_at(row, "bytes");
	return sum;
}

static const struct {
	const char *name, *probe;
	double (*sum)(const cJSON *record, const cJSON *probes);
} rows[] = {
	{"switches", NULL, switches},	      {"syscalls", "syscalls", syscalls},
	{"futex_waits", "lock", futex_waits}, {"punts", "cqe", punts},
	{"fsyncs", "syscalls", fsyncs},	      {"bytes", "block", bytes},
};

double counts_of(const cJSON *record, const cJSON *probes, const char *name)
{
	double operations = counts_operations(record);

	for (size_t i = 0; i < array_size(rows); i++)
		if (!strcmp(rows[i].name, name))
			return operations > 0 ? rows[i].sum(record, probes) / operations : NAN;
	return NAN;
}

const char *counts_probe(const char *name)
{
	for (size_t i = 0; i < array_size(rows); i++)
		if (!strcmp(rows[i].name, name))
			return rows[i].probe;
	return NULL;
}

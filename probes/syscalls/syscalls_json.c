// SPDX-License-Identifier: MIT
/*
 * The table of calls, most time first, and where there are no times most calls first. Equal ones
 * stand by role and number, so that a record does not depend on the order of rows.
 */
#include "probes/syscalls/syscalls_json.h"

#include <stdio.h>
#include <stdlib.h>

#include "harness/util/syscall_name.h"
#include "probes/plugin.h"

static int by_number(const struct syscalls_call *a, const struct syscalls_call *b)
{
	if (a->role != b->role)
		return a->role < b->role ? -1 : 1;
	return (a->number > b->number) - (a->number < b->number);
}

/* Sums are 0 where there are no times. */
static int compare(const void *va, const void *vb)
{
	const struct syscalls_call *a = va, *b = vb;
	const struct tally *ta = &a->row.tally, *tb = &b->row.tally;

	if (ta->sum != tb->sum)
		return ta->sum > tb->sum ? -1 : 1;
	if (ta->count != tb->count)
		return ta->count > tb->count ? -1 : 1;
	return by_number(a, b);
}

static void add_name(cJSON *o, uint32_t number)
{
	const char *name = number == SYSCALLS_OTHER ? "other" : syscall_name(number);
	char text[32];

	snprintf(text, sizeof(text), "syscall_%u", number);
	cJSON_AddStringToObject(o, "syscall", name ? name : text);
}

static cJSON *call_json(const struct syscalls_call *c, bool timed)
{
	static const char *const times[] = {"sum_ns", "max_ns", "slots"};
	cJSON *o = cJSON_CreateObject();

	cJSON_AddStringToObject(o, "role", probe_role_names[c->role]);
	add_name(o, c->number);
	probe_tally_json(o, &c->row.tally);
	for (unsigned i = 0; !timed && i < 3; i++)
		cJSON_ReplaceItemInObject(o, times[i], cJSON_CreateNull());
	cJSON_AddNumberToObject(o, "failed", (double)c->row.failed);
	return o;
}

void syscalls_json(cJSON *into, struct syscalls_call *calls, size_t n, const char *untimed)
{
	cJSON *list;

	qsort(calls, n, sizeof(*calls), compare);
	cJSON_AddStringToObject(into, "timing", untimed ? "none" : "exact");
	if (untimed)
		cJSON_AddStringToObject(into, "reason_timing", untimed);
	list = cJSON_AddArrayToObject(into, "calls");
	for (size_t i = 0; i < n; i++)
		cJSON_AddItemToArray(list, call_json(&calls[i], !untimed));
}

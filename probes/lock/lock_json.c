// SPDX-License-Identifier: MIT
/*
 * The two tables that are small and complete: kernel locks by type, futex calls by operation. Rows
 * that nothing was counted in are left out.
 */
#include "probes/lock/lock_json.h"

#include <bpf/bpf.h>
#include <stdlib.h>

#include "harness/result.h"
#include "harness/util/cleanup.h"
#include "probes/lock/lock_names.h"
#include "probes/plugin.h"

void lock_types_json(cJSON *into, int fd)
{
	cJSON *list = cJSON_AddArrayToObject(into, "kernel_types");

	for (uint32_t i = 0; i < PROBE_ROLE_COUNT * LOCK_TYPES; i++) {
		struct tally t;
		cJSON *item;

		if (part_read_tally(fd, &i, &t) || !t.count)
			continue;
		item = cJSON_CreateObject();
		cJSON_AddStringToObject(item, "type", lock_type_names[i % LOCK_TYPES]);
		cJSON_AddStringToObject(item, "role", probe_role_names[i / LOCK_TYPES]);
		probe_tally_json(item, &t);
		cJSON_AddItemToArray(list, item);
	}
}

/* By role; NULL: this kind is not known. */
static cJSON *hist_of(int fd, uint32_t role, enum lock_hist kind, bool known, uint64_t *count)
{
	_cleanup_free_ struct hist *h = known ? hist_new() : NULL;
	uint32_t key = lock_hist_index(role, kind);

	if (!h || part_read_hist(fd, &key, h))
		return cJSON_CreateNull();
	*count += h->count;
	return hist_json(h);
}

void lock_hists_json(cJSON *into, int fd, bool kernel, bool sleeps)
{
	cJSON *roles = cJSON_AddObjectToObject(into, "histograms");

	for (uint32_t role = 0; role < PROBE_ROLE_COUNT; role++) {
		cJSON *o = cJSON_CreateObject();
		uint64_t count = 0;

		cJSON_AddItemToObject(o, "kernel",
				      hist_of(fd, role, LOCK_HIST_KERNEL, kernel, &count));
		cJSON_AddItemToObject(o, "futex",
				      hist_of(fd, role, LOCK_HIST_FUTEX, sleeps, &count));
		if (count)
			cJSON_AddItemToObject(roles, probe_role_names[role], o);
		else
			cJSON_Delete(o);
	}
}

static cJSON *calls_json(uint32_t role, uint32_t operation, const struct futex_calls *c,
			 bool sleeps)
{
	cJSON *o = cJSON_CreateObject();

	cJSON_AddStringToObject(o, "role", probe_role_names[role]);
	cJSON_AddStringToObject(o, "operation", futex_operation_names[operation]);
	cJSON_AddNumberToObject(o, "calls", (double)c->calls);
	if (sleeps)
		cJSON_AddNumberToObject(o, "slept", (double)c->slept);
	else
		cJSON_AddNullToObject(o, "slept");
	cJSON_AddNumberToObject(o, "again", (double)c->again);
	cJSON_AddNumberToObject(o, "timed_out", (double)c->timed_out);
	cJSON_AddNumberToObject(o, "interrupted", (double)c->interrupted);
	cJSON_AddNumberToObject(o, "woke", (double)c->woke);
	cJSON_AddNumberToObject(o, "failed", (double)c->failed);
	return o;
}

static struct futex_calls sum_of(const struct futex_calls *cpus)
{
	struct futex_calls sum = {.calls = 0};

	for (unsigned i = 0; i < part_cpus(); i++) {
		sum.calls += cpus[i].calls;
		sum.slept += cpus[i].slept;
		sum.again += cpus[i].again;
		sum.timed_out += cpus[i].timed_out;
		sum.interrupted += cpus[i].interrupted;
		sum.woke += cpus[i].woke;
		sum.failed += cpus[i].failed;
	}
	return sum;
}

uint64_t lock_calls_json(cJSON *into, int fd, bool sleeps)
{
	_cleanup_free_ struct futex_calls *cpus = calloc(part_cpus(), sizeof(*cpus));
	cJSON *list = cJSON_AddArrayToObject(into, "futex_calls");
	uint64_t all = 0;

	for (uint32_t i = 0; cpus && i < PROBE_ROLE_COUNT * FUTEX_OPS; i++) {
		struct futex_calls c;

		if (bpf_map_lookup_elem(fd, &i, cpus))
			continue;
		c = sum_of(cpus);
		all += c.calls;
		if (c.calls)
			cJSON_AddItemToArray(list,
					     calls_json(i / FUTEX_OPS, i % FUTEX_OPS, &c, sleeps));
	}
	return all;
}

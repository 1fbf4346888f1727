// SPDX-License-Identifier: MIT
/*
 * Sets of probes by name. What a probe needs is in the set as soon as the probe is, so that two
 * sets that come to the same are equal, whoever wrote them.
 */
#include "harness/probe.h"

#include <errno.h>
#include <string.h>

#include "harness/util/cleanup.h"
#include "harness/util/nearest.h"

static int find(const struct prober_ops *ops, const char *name)
{
	for (int i = 0; ops && ops->probes[i].name; i++)
		if (!strcmp(ops->probes[i].name, name))
			return i;
	return -ENOENT;
}

static unsigned set_with_needs(const struct prober_ops *ops, int probe)
{
	unsigned set = 0;

	for (; probe >= 0 && !(set & 1u << probe);
	     probe = ops->probes[probe].needs ? find(ops, ops->probes[probe].needs) : -1)
		set |= 1u << probe;
	return set;
}

static int unknown(const struct prober_ops *ops, const char *name, struct err *err)
{
	struct nearest n = nearest_to(name);
	char hint[NEAREST_HINT_MAX];

	if (!ops)
		return err_set(err, -ENOENT, "this build has no probes");
	if (!strcmp(name, "procstat"))
		return err_set(err, -ENOENT, "\"procstat\" is always on and no choice");
	for (size_t i = 0; ops->probes[i].name; i++)
		nearest_offer(&n, ops->probes[i].name);
	nearest_offer(&n, "all");
	nearest_offer(&n, "none");
	return err_set(err, -ENOENT, "probe \"%s\" is unknown%s", name, nearest_hint(&n, hint));
}

int probe_set_add(const struct prober_ops *ops, const char *name, unsigned *set, struct err *err)
{
	int probe = find(ops, name);

	if (!strcmp(name, "none"))
		return 0;
	if (ops && !strcmp(name, "all")) {
		for (probe = 0; ops->probes[probe].name; probe++)
			*set |= 1u << probe;
		return 0;
	}
	if (probe < 0)
		return unknown(ops, name, err);
	*set |= set_with_needs(ops, probe);
	return 0;
}

int probe_set_parse(const struct prober_ops *ops, const char *list, unsigned *ret, struct err *err)
{
	_cleanup_free_ char *copy = strdup(list);
	char *at = copy, *name;
	unsigned set = 0;

	if (!copy)
		return err_sys(err, -ENOMEM, "probes");
	while ((name = strsep(&at, ","))) {
		int r = probe_set_add(ops, name, &set, err);

		if (r)
			return r;
		if (strcmp(name, list) && (!strcmp(name, "all") || !strcmp(name, "none")))
			return err_set(err, -EINVAL, "\"%s\" stands alone, not in a list", name);
	}
	*ret = set;
	return 0;
}

cJSON *probe_set_json(const struct prober_ops *ops, unsigned set)
{
	cJSON *list = cJSON_CreateArray();

	for (size_t i = 0; ops && ops->probes[i].name; i++)
		if (set & 1u << i)
			cJSON_AddItemToArray(list, cJSON_CreateString(ops->probes[i].name));
	return list;
}

static cJSON *take_like(cJSON *list, const cJSON *item)
{
	cJSON *like;

	cJSON_ArrayForEach (like, list)
		if (cJSON_Compare(like, item, true))
			return cJSON_DetachItemViaPointer(list, like);
	return NULL;
}

cJSON *probe_foreign_seen(cJSON *before, cJSON *after)
{
	cJSON *item;

	cJSON_ArrayForEach (item, before) {
		cJSON *like = take_like(after, item);

		cJSON_AddStringToObject(item, "seen", like ? "both" : "before");
		cJSON_Delete(like);
	}
	while (after->child) {
		item = cJSON_DetachItemViaPointer(after, after->child);
		cJSON_AddStringToObject(item, "seen", "after");
		cJSON_AddItemToArray(before, item);
	}
	cJSON_Delete(after);
	return before;
}

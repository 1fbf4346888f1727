// SPDX-License-Identifier: MIT
/* The short histogram follows from the full one: no bucket of that spans a power of two. */
#include "probes/block/block_json.h"

#include "harness/result.h"
#include "probes/plugin.h"

static unsigned log2_slot(uint64_t v)
{
	unsigned slot = v ? 63u - (unsigned)__builtin_clzll(v) : 0;

	return slot < SLOTS32 ? slot : SLOTS32 - 1;
}

static struct tally tally_of(const struct hist *h)
{
	struct tally t = {.count = h->count, .sum = h->sum, .max = h->max};

	for (unsigned i = 0; i < HIST_BUCKETS; i++)
		t.slots[log2_slot(hist_low(i))] += (uint32_t)h->buckets[i];
	return t;
}

cJSON *block_json(const struct block_requests *r)
{
	static const char *const ops[BLOCK_OPS] = {"read", "write", "flush", "discard", "other"};
	static const char *const bys[BLOCK_BYS] = {"watched", "others"};
	struct tally t = tally_of(&r->hist);
	cJSON *o = cJSON_CreateObject();

	cJSON_AddStringToObject(o, "device", r->device);
	cJSON_AddStringToObject(o, "operation", ops[r->op]);
	cJSON_AddStringToObject(o, "by", bys[r->by]);
	probe_tally_json(o, &t);
	cJSON_AddNumberToObject(o, "bytes", (double)r->bytes);
	cJSON_AddNumberToObject(o, "failed", (double)r->failed);
	cJSON_AddItemToObject(o, "histogram", hist_json(&r->hist));
	return o;
}

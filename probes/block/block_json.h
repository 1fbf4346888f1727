/* SPDX-License-Identifier: MIT */
/* What `block` says in a record, apart from how it came to know. */
#pragma once

#include <cjson/cJSON.h>
#include <stddef.h>

#include "harness/hist.h"
#include "probes/block/block.h"

/* Of requests of one kind to one device. */
struct block_requests {
	char device[64];
	uint32_t op, by;
	uint64_t bytes, failed;
	struct hist hist;
};

/* A row of `devices`. */
cJSON *block_json(const struct block_requests *r);

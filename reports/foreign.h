/* SPDX-License-Identifier: MIT */
/* `host.foreign_bpf` of a record in words: BPF programs of others on the hooks of the probes. */
#pragma once

#include <cjson/cJSON.h>
#include <stddef.h>

/* "BPF programs of others: 2 on hooks that the probes use (foo, bar); 1 on such hooks, but seen
 * only before or only after (baz); 1 on tracepoints that cannot be told (qux)". A program counts
 * once, however many hooks it is on. Returns its length, 0 where there is none. */
int foreign_text(const cJSON *list, char *buf, size_t size);

/* SPDX-License-Identifier: MIT */
/* The C side of `sched`: sched.c (its life), sched_read.c (time and waits), sched_stacks.c. */
#pragma once

#include <stdbool.h>

#include "probes/plugin.h"
#include "probes/sched/sched_abi.h"
#include "probes/sched/sched_times.h"

struct sched_bpf;
struct sched_plain_bpf;

struct sched {
	const struct probe_env *env;
	struct sched_bpf *btf;
	struct sched_plain_bpf *plain;
	struct part part;
	char no_locks[ERR_MAX]; /* why kernel locks cannot be told; "" */
	bool own_locks;		/* its own programs see kernel locks in this run */
	struct sched_times *times;
	char sampling[160];
};

int sched_map_fd(const struct sched *s, const char *map);
/* Does the probe `lock` see them? Tells once a run is armed. */
bool sched_lock_sees(const struct sched *s);
/* Keys that found no room in this run. */
struct sched_losses sched_losses(const struct sched *s);

void sched_read(void *probe, const struct probe_view *view, cJSON *into,
		struct probe_losses *losses);
void sched_add_syscall(cJSON *into, int nr);
void sched_add_sum(cJSON *into, const struct sched_sum *sum);
/* `stacks`, and what of `stacked` concerns them. */
void sched_read_stacks(struct sched *s, cJSON *into);

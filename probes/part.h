/* SPDX-License-Identifier: MIT */
/*
 * A BPF object of a probe, from open to close, as far as all probes do the same with it. A probe
 * opens its skeleton, hands the object over (part_prepare), loads it with the skeleton's own
 * function, and tells the outcome (part_loaded), which makes a sentence of libbpf's complaints.
 */
#pragma once

#include <bpf/libbpf.h>
#include <stdbool.h>
#include <stdint.h>

#include "harness/util/err.h"
#include "probes/abi.h"

struct part {
	struct bpf_object *obj;	     /* the skeleton's; its owner destroys it, after part_detach */
	const char *const *programs; /* names by hit number, ended by NULL */
	uint64_t (*hits)[HITS_PROGRAMS]; /* [HITS_CPUS], the object's .bss */
	struct bpf_link *links[HITS_PROGRAMS];
};

/* Before loading. `tracker`: whose maps it shares; NULL for the tracker itself. */
int part_prepare(struct part *p, struct bpf_object *obj, const char *const *programs,
		 const struct part *tracker, struct err *err);
/* After loading, with what the skeleton's load returned. Returns r. `hits`: skel->bss->hits. */
int part_loaded(struct part *p, int r, uint64_t (*hits)[HITS_PROGRAMS], struct err *err);

/* Leaves a program out: before loading. */
void part_leave_out(struct part *p, const char *program);
/* All programs that were loaded; on failure none is left attached. */
int part_attach(struct part *p, struct err *err);
/* One of them; no harm when it is attached already, or is not. */
int part_attach_one(struct part *p, const char *program, struct err *err);
void part_detach_one(struct part *p, const char *program);
/* All of them, at once; those on perf events are gone for good after closer_wait. */
void part_detach(struct part *p);

/* A map of this object by name; -ENOENT. */
int part_map_fd(const struct part *p, const char *map);
/* Empties every map of this object but the shared ones, and the hits. Between runs. */
int part_clear(struct part *p, struct err *err);

struct part_stats {
	uint64_t runs, ns; /* as the kernel counts while BPF_ENABLE_STATS is on */
	uint64_t hits;	   /* always, by the program itself */
	uint64_t missed;   /* runs that the kernel skipped because of recursion */
	uint32_t id;
};
/* -ENOENT for a program that was left out. */
int part_stats(const struct part *p, unsigned program, struct part_stats *ret);
/* "tp_btf/sched_switch" */
const char *part_hook(const struct part *p, unsigned program);

/* Sums per-CPU values: `key` of a per-CPU map of bpf_hist or tally. Empty result when absent. */
int part_read_hist(int fd, const void *key, struct hist *ret);
int part_read_tally(int fd, const void *key, struct tally *ret);
/* All of a hash table, for which nothing is attached that writes it: arrays to be freed. */
int part_read_table(int fd, void **ret_keys, void **ret_values, unsigned *ret_n);
unsigned part_cpus(void);

/* Captures what libbpf says instead of printing it; once per process. */
void part_quiet(void);

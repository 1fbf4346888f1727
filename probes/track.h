/* SPDX-License-Identifier: MIT */
/*
 * The C side of the tracker: the maps that all probes share, and who is put into them. See
 * track.bpf.h for what they are.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "harness/probe_window.h"
#include "harness/util/err.h"
#include "probes/abi.h"
#include "probes/part.h"

struct track;

/* `plain`: without BTF. */
int track_open(bool plain, struct track **ret, struct err *err);
void track_close(struct track *t);

/* Empties all shared maps and attaches. Then `track_seed` or `track_process`. */
int track_attach(struct track *t, struct err *err);
void track_detach(struct track *t);
/* Whatever this thread forks from here on is watched, until track_seed(t, NULL). */
void track_seed(struct track *t, const char *role);
/* All threads of a process that exists, and what they start. -ESRCH, -EOPNOTSUPP with err. */
int track_process(struct track *t, pid_t pid, const char *role, struct err *err);

struct part *track_part(struct track *t);
struct probe_window *track_window(const struct track *t);
const struct control *track_control(const struct track *t);
/* Watched threads: 1 .. track_count, in the order in which they were found. */
unsigned track_count(const struct track *t);
const struct thread *track_thread(const struct track *t, unsigned i);

extern const char *const probe_role_names[PROBE_ROLE_COUNT + 2]; /* last: "outside", NULL */
extern const char *const time_class_names[CLASS_COUNT + 1];

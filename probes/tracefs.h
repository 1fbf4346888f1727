/* SPDX-License-Identifier: MIT */
/*
 * Where the kernel says how its plain trace events are laid out: events/GROUP/NAME/format in
 * tracefs. Programs on plain tracepoints read events by fixed offsets, so these are compared before
 * such a program is loaded.
 */
#pragma once

#include "harness/util/err.h"

/* Mounts tracefs at its usual place, /sys/kernel/tracing, unless it is mounted somewhere. It stays
 * there, as after the boot of most distributions: another user may have begun to rely on it. */
int tracefs_mount(void);

struct tracefs_field {
	const char *name;
	unsigned offset, size;
};

/* Are these fields (ended by a NULL name) where `event` ("sched/sched_switch") has them? 0, or
 * -errno with the reason: -ENOENT without tracefs or the event, -EPROTO for another layout. */
int tracefs_check(const char *event, const struct tracefs_field *fields, struct err *err);
/* The same for the text of a `format` file. */
int tracefs_check_text(const char *event, const char *text, const struct tracefs_field *fields,
		       struct err *err);
/* Its number, for perf_event_open(2); or -errno with the reason. */
int tracefs_id(const char *event, struct err *err);
/* Where a field is. */
int tracefs_find(const char *event, const char *name, struct tracefs_field *ret, struct err *err);

/* SPDX-License-Identifier: MIT */
/*
 * What a session makes outside its process, so that the next start can undo it after a SIGKILL. A
 * work folder is written down in a journal before it is made; a cgroup carries the session's pid in
 * its name. (Namespaces, sockets and devices of the runs are held by their processes only.) The
 * journal is one small file for each session, in /run/uhbench for root, and for others in
 * $XDG_RUNTIME_DIR/uhbench or, where that cannot be used, /tmp/uhbench-UID; its owner holds a lock
 * on it, which tells the living from the dead.
 */
#pragma once

#include "harness/util/err.h"

struct leftover;

/*
 * Undoes what dead sessions left; *ret_count says how many things. An error is about something that
 * cannot be removed: no reason not to go on.
 */
int leftover_sweep(unsigned *ret_count, struct err *err);
/* Makes a work folder of this session's own below `dir`, which must exist, and its journal. */
int leftover_begin(const char *dir, struct leftover **ret, struct err *err);
/* Absolute; valid until leftover_end. */
const char *leftover_workdir(const struct leftover *l);
/* Removes the work folder and the journal; the journal stays if the folder cannot be removed, so
 * that the next start tries again. Accepts NULL. */
void leftover_end(struct leftover *l);

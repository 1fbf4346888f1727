/* SPDX-License-Identifier: MIT */
/*
 * What a session makes outside its process, written down before it is made, so that the next start
 * can undo it after a SIGKILL: work folders and cgroups. (Namespaces, sockets and devices of the
 * runs are held by their processes only.) The journal is one small file for each session, in
 * /run/uhbench for root and $XDG_RUNTIME_DIR/uhbench or /tmp/uhbench-UID for others; its owner
 * holds a lock on it, which tells the living from the dead.
 */
#pragma once

#include "harness/util/err.h"

struct leftover;

/* Undoes what dead sessions left; *ret_count (may be NULL) says how many things. */
int leftover_sweep(unsigned *ret_count, struct err *err);
/* Starts this session's journal with the work folder that it is going to make. */
int leftover_begin(const char *workdir, struct leftover **ret, struct err *err);
/* Removes the work folder and the journal. Accepts NULL. */
void leftover_end(struct leftover *l);

/* SPDX-License-Identifier: MIT */
/*
 * The history of a folder of results: what its sessions and gates measured, in one file beside
 * them, made of nothing but their records. `results/first` goes into `results/history.sqlite`.
 */
#pragma once

#include <stddef.h>

#include "harness/util/err.h"

/*
 * Puts a session or gate into the history beside its folder; what is there of it gives way. -EPERM:
 * the folder lies in / or in one that belongs to everybody (/tmp), where no history is kept. Others
 * as of db_open(). Never harms what is there.
 */
int history_add(const char *folder, struct err *err);

struct history_rebuilt {
	size_t sessions, gates, left_out;
};

/*
 * Makes the history of `dir` anew from the folders in it, in the order of their names; whoever
 * reads meanwhile has the old one. `left_out(arg, text)` is told of each folder whose records
 * cannot be read: it is not in the history.
 */
int history_rebuild(const char *dir, void (*left_out)(void *arg, const char *text), void *arg,
		    struct history_rebuilt *ret, struct err *err);

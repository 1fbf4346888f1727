/* SPDX-License-Identifier: MIT */
/*
 * The results folder: manifest.json and runs.jsonl (results/README.md has both schemas). Appending
 * is durable (fsync per line) and never harms earlier lines: what could not be written whole is
 * cut off again. Reading streams: nothing but the line in hand is in memory.
 */
#pragma once

#include <cjson/cJSON.h>

#include "harness/util/err.h"

#define RECORD_SCHEMA 1

struct store;

/* Makes the folder and looks that it holds no session yet: -EEXIST. */
int store_prepare(const char *dir, struct err *err);
/* Nobody's files are written over, whether a session made them or not: -EEXIST. */
int store_refuse_existing(const char *dir, struct err *err);
/*
 * Opens for appending and locks against other sessions (-EBUSY). A new session gives its manifest,
 * which is written first; -EEXIST when there is one. NULL: a session that goes on; a torn last line
 * is cut off.
 */
int store_open(const char *dir, const cJSON *manifest, struct store **ret, struct err *err);
int store_append(struct store *s, const cJSON *record, struct err *err);
void store_close(struct store *s);

/* Reads manifest.json. */
int store_manifest(const char *dir, cJSON **ret, struct err *err);

/* Calls fn for every record in file order; stops at the first non-zero return and returns it. A
 * line that is not a record of a known schema is -EBADMSG with its line number; a torn last line
 * (no newline) is skipped and counted in *torn (may be NULL). */
typedef int (*store_fn)(void *arg, cJSON *record);
int store_each(const char *dir, store_fn fn, void *arg, unsigned *torn, struct err *err);

/* SPDX-License-Identifier: MIT */
/*
 * Files of JSON objects that say their `schema`: one to a file, or one to a line. What cannot be
 * taken for what it should be is named with its place ("DIR/pairs.jsonl:12: ...",
 * "DIR/gate.json:3:17: ...") and is -EBADMSG; so is a schema that this build does not read.
 */
#pragma once

#include <cjson/cJSON.h>
#include <stddef.h>

#include "harness/util/err.h"

#define JSONL_DOCUMENT_MAX ((size_t)64 << 20)

/* Appends one line, and waits until it is on the disk. *ret_len (may be NULL) is its length.
 * -errno: a part of it may have been written. */
int jsonl_append(int fd, const cJSON *object, size_t *ret_len);

/* A whole file as one object. A file that cannot be read is -errno (-ENOENT: there is none). */
int jsonl_document(const char *path, int schema, cJSON **ret, struct err *err);

/* `place` stands in front of what is wrong with the object: "PATH:LINE". */
typedef int (*jsonl_fn)(void *arg, cJSON *object, const char *place, struct err *err);

/* Calls fn for every line in order, with nothing but that line in memory; stops at the first
 * non-zero return and returns it. A last line without newline was cut short: it is skipped, and
 * *torn (may be NULL) is 1. */
int jsonl_each(const char *path, int schema, jsonl_fn fn, void *arg, unsigned *torn,
	       struct err *err);

/* SPDX-License-Identifier: MIT */
/*
 * What cJSON does not say about a JSON text: whether it follows RFC 8259 to the letter, where its
 * mistakes are, which keys come twice, which numbers a double would change. Check the text first,
 * then let cJSON build the tree; paths lead back from a value to its line and column.
 */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

#include "harness/util/err.h"

#define JSON_DEPTH_MAX 32
#define JSON_BYTES_MAX ((size_t)8 << 20)
#define JSON_KEY_MAX   64 /* bytes of a key that show in a path, cut at a character */
#define JSON_PATH_MAX  (JSON_DEPTH_MAX * (JSON_KEY_MAX + 8))
#define JSON_SHOW_MAX  64

/* Line and column, both from 1; columns count characters. line 0: no place. */
struct json_place {
	unsigned line, column;
};

/* Where a value is: "cells[2].with.dir"; "" is the whole text. Undo a step by restoring `len`. */
struct json_path {
	size_t len;
	char text[JSON_PATH_MAX];
};

void json_path_key(struct json_path *path, const char *key);
void json_path_index(struct json_path *path, size_t index);
void json_path_cut(struct json_path *path, size_t len);

/* A mistake in the text: at which byte, in which value, what. */
typedef void (*json_fault_fn)(void *arg, size_t offset, const char *path, const char *text);

/*
 * Checks a whole text, in one pass; text[len] must be NUL. Tells every duplicate key and every
 * number that a double cannot hold exactly (integers beyond 2^53, more than 15 digits, 1e400), and
 * the first error of syntax, at which it stops. 0, -EBADMSG when there was any fault, -EILSEQ when
 * the syntax is broken (no tree can be built), -ENOMEM.
 */
int json_check(const char *text, size_t len, json_fault_fn fault, void *arg);

/* Finds the value at `path` (or its key) in a text of sound syntax. false when there is none. */
bool json_locate(const char *text, size_t len, const char *path, bool key, size_t *ret_offset);

struct json_place json_place_of(const char *text, size_t len, size_t offset);

/* Reads a file, "-" being stdin. -EFBIG above JSON_BYTES_MAX. The text is ended by a NUL. */
int json_read(const char *path, char **ret, size_t *ret_len, struct err *err);

/* A value as messages quote it: short, printable, "a list" and "an object" for those. */
const char *json_show(const cJSON *value, char buf[static JSON_SHOW_MAX]);
/* Text in quotes, escaped and cut to fit. */
const char *json_quote(const char *text, char buf[static JSON_SHOW_MAX]);

/* SPDX-License-Identifier: MIT */
/*
 * Everything that is wrong with an input, collected so that it can be said in one go, in the order
 * of the text. Errors refuse the input, notes do not. The first DIAG_KEPT of each are kept, all are
 * counted.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "harness/util/err.h"
#include "harness/util/json.h"

#define DIAG_KEPT 50

struct diag_item {
	struct json_place place;
	bool scanner; /* about the text, not about what it means: nothing more is said of the value
		       */
	char text[ERR_MAX]; /* with the path in front, without file and place */
};

struct diag_list {
	size_t kept, count;
	size_t told; /* every call, also for what was said before: has anything been wrong? */
	struct diag_item items[DIAG_KEPT]; /* ordered by place; those without one come first */
};

struct diag {
	char file[128];	  /* as messages name it */
	const char *text; /* the source, while there is one to look up places in */
	size_t len;
	struct diag_list errors, notes;
};

/* About the value at `path`; NULL: about the whole input. The same text for the same path is said
 * once. */
void diag_error(struct diag *d, const char *path, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void diag_note(struct diag *d, const char *path, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* About the key of the member at `path`. */
void diag_error_key(struct diag *d, const char *path, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* About a byte of the text: what json_check found. */
void diag_error_at(struct diag *d, size_t offset, const char *path, const char *text);

/* "FILE:LINE:COLUMN: TEXT" per line, and "FILE: N more" when there were more. */
/* [{line, column, text}]; line and column are null where there is no place. NULL: no memory. */
cJSON *diag_json(const struct diag_list *list);
void diag_write_errors(const struct diag *d, FILE *out);
void diag_write_notes(const struct diag *d, FILE *out);

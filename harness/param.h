/* SPDX-License-Identifier: MIT */
/*
 * Knobs as data. One row describes one knob of a workload or target; the matrix parser, its error
 * messages, `uhbench list`, the JSON Schema and the man page all read the same rows.
 *
 * A plugin declares a config struct and an array of rows ended by PARAM_END; values land at
 * `offset` in a zeroed struct of `config_size` bytes:
 *
 *   type          C type at offset       matrix value (units: harness/util/units.h)
 *   PARAM_INT     uint64_t               128
 *   PARAM_SIZE    uint64_t, bytes        4096, "4k", "64M", "1MiB"
 *   PARAM_RATE    uint64_t, 1/s          5000, "10k", "1.5M"
 *   PARAM_TIME    uint64_t, nanoseconds  "500ms", "20us", "1.5s", 0; other bare numbers are refused
 *   PARAM_BOOL    bool                   true
 *   PARAM_ENUM    int, index in choices  "fdatasync"
 *   PARAM_STRING  char[PARAM_STRING_MAX] "text"
 */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/util/err.h"

#define PARAM_STRING_MAX 1024

enum param_type {
	PARAM_INT,
	PARAM_SIZE,
	PARAM_RATE,
	PARAM_TIME,
	PARAM_BOOL,
	PARAM_ENUM,
	PARAM_STRING
};

struct param {
	const char *name;
	enum param_type type;
	size_t offset;
	const char *def;	    /* default as it would stand in a matrix, without quotes */
	uint64_t min, max;	    /* numbers; max 0 = 2^53 */
	const char *const *choices; /* ENUM, ended by NULL */
	const char *unit; /* for people: "bytes", "records"; NULL where the type says it */
	const char *help; /* one line, no full stop */
	bool fault;	  /* makes the target sick on purpose; shown as such by `list` */
};

#define PARAM_END            \
	{                    \
		.name = NULL \
	}

/* Finds a row by name; NULL when there is none (or `rows` is NULL). */
const struct param *param_find(const struct param *rows, const char *name);

/* Writes every row's default into `config` (zeroed, config_size bytes). -EINVAL for a bad row,
 * which a unit test over the registries rules out. */
int param_defaults(const struct param *rows, void *config);

/* Writes a value given as JSON, or as text as it would stand in a matrix without quotes, into
 * `config`. -EINVAL with err saying what was found and what is expected: "0 is below 1". */
int param_set_json(const struct param *row, const cJSON *value, void *config, struct err *err);
int param_set_text(const struct param *row, const char *text, void *config, struct err *err);

/* As param_set_json, but keeps nothing: is it a value that the row takes? */
int param_check_json(const struct param *row, const cJSON *value, struct err *err);
int param_check_text(const struct param *row, const char *text, struct err *err);
/* Is the value in `config` the one that the JSON states ("4k" being 4096)? */
bool param_is_json(const struct param *row, const void *config, const cJSON *value);

/* The value as plain JSON: sizes in bytes, times in nanoseconds, enums by name. NULL: no memory. */
cJSON *param_get_json(const struct param *row, const void *config);
/* The default as plain JSON; null where there is none. */
cJSON *param_default_json(const struct param *row);

/* The value as text: plain (bytes, nanoseconds) or for people (64k, 500ms). Returns buf. */
const char *param_text(const struct param *row, const void *config, bool plain,
		       char buf[static PARAM_STRING_MAX]);

bool param_same(const struct param *row, const void *config, const void *other);
/* Does the value equal the row's default? That of a STRING without one is "". */
bool param_is_default(const struct param *row, const void *config);

/* Is it one of INT, SIZE, RATE and TIME, which have bounds? */
bool param_is_number(const struct param *row);
/* Largest legal value of a number. */
uint64_t param_max(const struct param *row);

extern const char *const param_type_names[]; /* "int", "size", ...; indexed by enum param_type */

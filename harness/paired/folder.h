/* SPDX-License-Identifier: MIT */
/* The folder of a gate while it is measured. Every line is on disk before the next pair begins. */
#pragma once

#include <cjson/cJSON.h>

#include "harness/util/err.h"

struct folder;

/* Makes `dir`; -EEXIST where it holds a session or a gate. */
int folder_prepare(const char *dir, struct err *err);
/* Writes gate.json; belongs to nobody else until folder_close. */
int folder_open(const char *dir, cJSON *gate, struct folder **ret, struct err *err);
/* *ret: the line as it will be read again, with its place. */
int folder_append(struct folder *f, const cJSON *pair, cJSON **ret, char place[static 64],
		  struct err *err);
/* Notes in gate.json how it ended, and how many lines there are. */
int folder_end(struct folder *f, const char *ended, struct err *err);
void folder_close(struct folder *f); /* accepts NULL */

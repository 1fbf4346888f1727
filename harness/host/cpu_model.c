// SPDX-License-Identifier: MIT
/*
 * Lines of /proc/cpuinfo are "key<tabs>: value", a paragraph for each CPU. The keys that identify a
 * CPU without a name are those of arch/{arm,arm64,riscv,powerpc}/kernel (c_show in setup.c or
 * cpuinfo.c). Clock rates and the like, which change from boot to boot, are none of them.
 */
#include "harness/host/cpu_model.h"

#include <stdio.h>
#include <string.h>

#include "harness/util/cleanup.h"
#include "harness/util/fs.h"

#define PIECE_MAX 256

static const char *const names[] = {"model name", "Model Name"};
static const char *const marks[] = {
	"CPU implementer", "CPU variant", "CPU part", "CPU revision", "uarch",	"mvendorid",
	"marchid",	   "mimpid",	  "isa",      "cpu",	      "machine"};

/* The value of a line if its key is one of these; `line` then ends behind its key. */
static const char *value_of(char *line, const char *const *keys, size_t n)
{
	char *colon = strchr(line, ':'), *end = colon;

	if (!colon)
		return NULL;
	while (end > line && strchr(" \t", end[-1]))
		end--;
	*end = '\0';
	colon[1 + strcspn(colon + 1, "\n")] = '\0';
	for (size_t i = 0; i < n; i++)
		if (!strcmp(line, keys[i]))
			return colon + 1 + strspn(colon + 1, " \t");
	return NULL;
}

/* Appends a piece, unless it is there already. */
static void add_piece(char *ret, size_t size, const char *piece)
{
	size_t length = strlen(ret), n = strlen(piece);

	for (const char *at = strstr(ret, piece); at; at = strstr(at + 1, piece))
		if ((at == ret || at[-1] == ' ') && (!at[n] || at[n] == ','))
			return;
	snprintf(ret + length, size - length, "%s%s", length ? ", " : "", piece);
}

static void add_marks(FILE *f, char *ret, size_t size)
{
	_cleanup_free_ char *line = NULL;
	char piece[PIECE_MAX];
	size_t room = 0;

	while (getline(&line, &room, f) > 0) {
		const char *value = value_of(line, marks, array_size(marks));

		if (!value)
			continue;
		snprintf(piece, sizeof(piece), "%s %s", line, value);
		add_piece(ret, size, piece);
	}
}

static bool find_name(FILE *f, char *ret, size_t size)
{
	_cleanup_free_ char *line = NULL;
	size_t room = 0;

	while (getline(&line, &room, f) > 0) {
		const char *value = value_of(line, names, array_size(names));

		if (value && *value) {
			snprintf(ret, size, "%s", value);
			return true;
		}
	}
	return false;
}

bool cpu_model_read(const char *cpuinfo, const char *board, char *ret, size_t size)
{
	_cleanup_fclose_ FILE *f = fopen(cpuinfo, "re");
	char text[PIECE_MAX];

	*ret = '\0';
	if (f && find_name(f, ret, size))
		return true;
	if (f) {
		rewind(f);
		add_marks(f, ret, size);
	}
	if (fs_read(board, text, sizeof(text)) > 0 && *text) {
		text[strcspn(text, "\n")] = '\0';
		add_piece(ret, size, text);
	}
	return *ret;
}

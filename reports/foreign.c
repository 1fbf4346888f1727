// SPDX-License-Identifier: MIT
/*
 * The list has a row for each hook of a program, so programs are told apart by their id. Each is
 * put where the surest of its rows belongs: there all the time, come or gone, on an unknown hook.
 */
#include "reports/foreign.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "reports/fmt.h"
#include "reports/get.h"

#define NAMES_MAX 200

enum place { STAYED, CAME_OR_WENT, UNKNOWN, PLACES };

static enum place place_of_row(const cJSON *row)
{
	const char *seen = get_text(row, "seen");

	if (!*get_text(row, "hook"))
		return UNKNOWN;
	return strcmp(seen, "before") != 0 && strcmp(seen, "after") != 0 ? STAYED : CAME_OR_WENT;
}

static bool same_program(const cJSON *a, const cJSON *b)
{
	return get_number(a, "id") == get_number(b, "id");
}

static enum place place_of(const cJSON *list, const cJSON *program)
{
	enum place surest = UNKNOWN;
	const cJSON *row;

	cJSON_ArrayForEach (row, list)
		if (same_program(row, program) && place_of_row(row) < surest)
			surest = place_of_row(row);
	return surest;
}

static bool is_first(const cJSON *list, const cJSON *program)
{
	const cJSON *row = list->child;

	while (row != program && !same_program(row, program))
		row = row->next;
	return row == program;
}

struct names {
	char text[NAMES_MAX];
	size_t used;
	unsigned n; /* programs: of one name there may be several */
};

static bool is_named(const struct names *names, const char *name)
{
	const char *at = names->text;
	size_t length = strlen(name);

	for (; (at = strstr(at, name)); at++)
		if ((at == names->text || at[-1] == ' ') && (at[length] == ',' || !at[length]))
			return true;
	return false;
}

static void add_name(struct names *names, const cJSON *program)
{
	char name[64];

	names->n++;
	fmt_safe(name, sizeof(name), get_text(program, "program"));
	if (!*name)
		strcpy(name, "no name");
	if (is_named(names, name) || names->used >= NAMES_MAX)
		return;
	names->used += (size_t)snprintf(names->text + names->used, NAMES_MAX - names->used, "%s%s",
					names->used ? ", " : "", name);
}

int foreign_text(const cJSON *list, char *buf, size_t size)
{
	static const char *const words[PLACES] = {
		" on hooks that the probes use",
		" on such hooks, but seen only before or only after",
		" on tracepoints that cannot be told",
	};
	struct names names[PLACES] = {0};
	const cJSON *program;
	size_t used = 0;

	buf[0] = '\0';
	cJSON_ArrayForEach (program, list)
		if (is_first(list, program))
			add_name(&names[place_of(list, program)], program);
	for (int i = 0; i < PLACES && used < size; i++)
		if (names[i].n)
			used += (size_t)snprintf(
				buf + used, size - used, "%s%u%s (%s%s)",
				used ? "; " : "BPF programs of others: ", names[i].n, words[i],
				names[i].text, names[i].used >= NAMES_MAX ? "..." : "");
	return (int)(used < size ? used : size - 1);
}

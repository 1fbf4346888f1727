// SPDX-License-Identifier: MIT
/*
 * Parser for option rows. getopt_long is not used, since it prints by itself, takes abbreviations
 * that break when an option is added, and knows neither types nor the nearest right word.
 */
#include "harness/cli/options.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "harness/util/cleanup.h"
#include "harness/util/nearest.h"
#include "harness/util/units.h"

#define HELP_COLUMN 26

static const struct option_row no_options[] = {OPTION_END};

static const struct option_row *find_long(const struct option_row *rows, const char *name,
					  size_t len)
{
	for (; rows->name; rows++)
		if (strlen(rows->name) == len && !memcmp(rows->name, name, len))
			return rows;
	return NULL;
}

static const struct option_row *find_letter(const struct option_row *rows, char letter)
{
	for (; rows->name; rows++)
		if (rows->letter == letter)
			return rows;
	return NULL;
}

static int unknown_option(const struct option_row *rows, const char *word, struct err *err)
{
	const char *name = word + strspn(word, "-");
	_cleanup_free_ char *bare = strndup(name, strcspn(name, "="));
	struct nearest n = nearest_to(bare ? bare : name);

	for (; rows->name; rows++)
		nearest_offer(&n, rows->name);
	nearest_offer(&n, "help");
	return err_set(err, -EINVAL, "unknown option \"%s\"%s%s", word,
		       n.best ? "; the nearest is --" : "; --help shows them all",
		       n.best ? n.best : "");
}

static int out_of_range(const struct option_row *row, const char *text, const char *where,
			uint64_t limit, struct err *err)
{
	char time[UNITS_TEXT_MAX];

	if (row->kind == OPTION_TIME)
		return err_set(err, -EINVAL, "--%s: %s is %s %s", row->name, text, where,
			       units_format_time(limit, time));
	return err_set(err, -EINVAL, "--%s: %s is %s %" PRIu64, row->name, text, where, limit);
}

static int set_number(const struct option_row *row, const char *text, void *at, struct err *err)
{
	bool time = row->kind == OPTION_TIME;
	uint64_t value;
	int rc = time ? units_parse_time(text, &value) : units_parse_uint(text, &value);

	if (rc < 0)
		return err_set(err, -EINVAL, "--%s: \"%s\" is not %s", row->name, text,
			       time ? "a time with a unit (500ms, 2s; ns, us, ms, s, min, h)"
				    : "a whole number");
	if (value < row->min)
		return out_of_range(row, text, "below", row->min, err);
	if (row->max && value > row->max)
		return out_of_range(row, text, "above", row->max, err);
	*(uint64_t *)at = value;
	return 0;
}

static int set_choice(const struct option_row *row, const char *text, void *at, struct err *err)
{
	struct nearest n = nearest_to(text);
	char hint[NEAREST_HINT_MAX], all[128] = "";

	for (const char *const *choice = row->choices; *choice; choice++) {
		nearest_offer(&n, *choice);
		snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s%s", *all ? ", " : "",
			 *choice);
		if (strcmp(*choice, text))
			continue;
		*(const char **)at = *choice;
		return 0;
	}
	nearest_hint(&n, hint);
	if (*hint)
		return err_set(err, -EINVAL, "--%s: unknown %s \"%s\"%s", row->name, row->name,
			       text, hint);
	return err_set(err, -EINVAL, "--%s: unknown %s \"%s\": it is one of %s", row->name,
		       row->name, text, all);
}

static int add_word(const struct option_row *row, const char *text, struct option_words *at,
		    struct err *err)
{
	if (at->n == OPTION_WORDS_MAX)
		return err_set(err, -EINVAL, "--%s: more than %u of them", row->name,
			       OPTION_WORDS_MAX);
	at->words[at->n++] = text;
	return 0;
}

static int set_value(const struct option_row *row, const char *text, void *into, struct err *err)
{
	void *at = (char *)into + row->offset;

	switch (row->kind) {
	case OPTION_FLAG:
		*(bool *)at = true;
		return 0;
	case OPTION_STRING:
		*(const char **)at = text;
		return 0;
	case OPTION_UINT:
	case OPTION_TIME:
		return set_number(row, text, at, err);
	case OPTION_CHOICE:
		return set_choice(row, text, at, err);
	case OPTION_WORDS:
		return add_word(row, text, at, err);
	}
	return -EINVAL;
}

/* One option word at argv[*i]; moves *i on when the value is a word of its own. */
static int parse_option(const struct option_row *rows, int argc, char **argv, int *i, void *into,
			struct err *err)
{
	const char *word = argv[*i], *value = NULL, *equals;
	const struct option_row *row;

	if (word[1] == '-') {
		equals = strchr(word, '=');
		row = find_long(rows, word + 2,
				equals ? (size_t)(equals - word - 2) : strlen(word + 2));
		value = equals ? equals + 1 : NULL;
	} else {
		row = find_letter(rows, word[1]);
		value = word[2] ? word + 2 : NULL;
	}
	if (!row)
		return unknown_option(rows, word, err);
	if (row->kind == OPTION_FLAG && value)
		return err_set(err, -EINVAL, "\"%s\": --%s takes no value", word, row->name);
	if (row->kind != OPTION_FLAG && !value) {
		if (++*i >= argc)
			return err_set(err, -EINVAL, "--%s needs a value: %s", row->name, row->arg);
		value = argv[*i];
	}
	return set_value(row, value, into, err);
}

int options_parse(const struct option_row *rows, int argc, char **argv, void *into,
		  const char **operands, unsigned max_operands, struct options_outcome *ret,
		  struct err *err)
{
	struct options_outcome outcome = {0};
	bool options_over = false;
	int rc;

	rows = rows ? rows : no_options;
	for (int i = 1; i < argc; i++) {
		const char *word = argv[i];

		if (!options_over && !strcmp(word, "--")) {
			options_over = true;
		} else if (!options_over && (!strcmp(word, "--help") || !strcmp(word, "-h"))) {
			outcome.help = true;
			break;
		} else if (!options_over && word[0] == '-' && word[1]) {
			rc = parse_option(rows, argc, argv, &i, into, err);
			if (rc < 0)
				return rc;
		} else if (outcome.n_operands == max_operands) {
			return err_set(err, -EINVAL, "\"%s\" is one word too many", word);
		} else {
			operands[outcome.n_operands++] = word;
		}
	}
	*ret = outcome;
	return 0;
}

static void help_line(FILE *out, char letter, const char *name, const char *arg, const char *help)
{
	int used = fprintf(out, "  %c%c%s--%s%s%s", letter ? '-' : ' ', letter ? letter : ' ',
			   letter ? ", " : "  ", name, arg ? " " : "", arg ? arg : "");

	if (used >= HELP_COLUMN)
		fprintf(out, "\n%*s", HELP_COLUMN, "");
	else
		fprintf(out, "%*s", HELP_COLUMN - used, "");
	fputs(help, out);
}

void options_help(FILE *out, const struct option_row *rows)
{
	for (rows = rows ? rows : no_options; rows->name; rows++) {
		help_line(out, rows->letter, rows->name, rows->arg, rows->help);
		for (size_t i = 0; rows->choices && rows->choices[i]; i++)
			fprintf(out, "%s%s", i ? ", " : ": ", rows->choices[i]);
		fputc('\n', out);
	}
	help_line(out, 'h', "help", NULL, "show this help");
	fputc('\n', out);
}

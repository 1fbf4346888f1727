// SPDX-License-Identifier: MIT
/* What all verbs share: finding one, reading its command line, and the help made from the rows. */
#include "harness/cli/verb.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "harness/util/cleanup.h"
#include "harness/util/nearest.h"

const struct verb *verb_find(const char *name)
{
	for (size_t i = 0; verb_table[i]; i++)
		if (!strcmp(verb_table[i]->name, name))
			return verb_table[i];
	return NULL;
}

int verb_fail(enum exitcode code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("uhbench: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	return code;
}

int verb_unknown(const char *name)
{
	struct nearest n = nearest_to(name);
	char hint[NEAREST_HINT_MAX];

	for (size_t i = 0; verb_table[i]; i++)
		if (!verb_table[i]->hidden)
			nearest_offer(&n, verb_table[i]->name);
	return verb_fail(EXITCODE_USAGE, "unknown verb \"%s\"%s; uhbench help lists them", name,
			 nearest_hint(&n, hint));
}

int verb_parse(const struct verb *verb, int argc, char **argv, void *into, const char **operands)
{
	struct options_outcome outcome;
	struct err err;

	for (unsigned i = 0; i < verb->operands_max; i++)
		operands[i] = NULL;
	if (options_parse(verb->options, argc, argv, into, operands, verb->operands_max, &outcome,
			  &err) < 0)
		return verb_fail(EXITCODE_USAGE, "%s: %s", verb->name, err.text);
	if (outcome.help) {
		verb_help(stdout, verb);
		return EXITCODE_OK;
	}
	if (outcome.n_operands < verb->operands_min)
		return verb_fail(EXITCODE_USAGE, "%s: missing %s; see uhbench %s --help",
				 verb->name, verb->operands, verb->name);
	return VERB_GO_ON;
}

void verb_help(FILE *out, const struct verb *verb)
{
	const char *operands = verb->operands ? verb->operands : "";

	fprintf(out, "uhbench %s: %s\n\nusage: uhbench %s%s%s%s\n\n", verb->name, verb->help,
		verb->name, *operands ? " " : "", operands,
		strstr(operands, "[options]") ? "" : " [options]");
	options_help(out, verb->options);
}

void verbs_help(FILE *out)
{
	int width = 0;

	fputs("uhbench: measures I/O and network subsystems over a matrix of cells\n\n"
	      "usage: uhbench VERB [options]\n\n",
	      out);
	for (size_t i = 0; verb_table[i]; i++)
		if (!verb_table[i]->hidden)
			width = max_of(width, (int)strlen(verb_table[i]->name));
	for (size_t i = 0; verb_table[i]; i++)
		if (!verb_table[i]->hidden)
			fprintf(out, "  %-*s  %s\n", width, verb_table[i]->name,
				verb_table[i]->help);
	fputs("\nuhbench VERB --help shows the options of a verb; uhbench --version the version.\n",
	      out);
}

static int dispatch(const struct registry *reg, int argc, char **argv)
{
	const struct verb *verb;

	if (argc < 2) {
		verbs_help(stderr);
		return EXITCODE_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
		verbs_help(stdout);
		return EXITCODE_OK;
	}
	if (!strcmp(argv[1], "--version")) {
		puts("uhbench " UHBENCH_VERSION);
		return EXITCODE_OK;
	}
	verb = verb_find(argv[1]);
	if (!verb)
		return verb_unknown(argv[1]);
	return verb->run(reg, argc - 1, argv + 1);
}

int verb_main(const struct registry *reg, int argc, char **argv)
{
	int code = dispatch(reg, argc, argv);

	/* A table that did not reach its reader is no success. */
	if ((fflush(stdout) || ferror(stdout)) && code == EXITCODE_OK)
		return verb_fail(EXITCODE_FAILURE, "cannot write to stdout: %s", strerror(errno));
	return code;
}

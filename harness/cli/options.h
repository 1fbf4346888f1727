/* SPDX-License-Identifier: MIT */
/*
 * Options as data. A verb describes its options in rows; the parser, its error messages, --help
 * and the man page all read the same rows. Values land at `offset` in a struct that the verb has
 * filled with the values of options that are not given:
 *
 *   kind           C type at offset    command line
 *   OPTION_FLAG    bool                --json
 *   OPTION_STRING  const char *        --only GLOB, --only=GLOB, -o DIR, -oDIR
 *   OPTION_UINT    uint64_t            --seed 7
 *   OPTION_TIME    uint64_t, ns        --every 500ms
 *   OPTION_SHARE   double              --effect 5%, --alpha 0.01
 *   OPTION_CHOICE  const char *        --format json     (one of `choices`)
 *   OPTION_WORDS   struct option_words --knob a=1 --knob b=2
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "harness/util/err.h"

enum option_kind {
	OPTION_FLAG,
	OPTION_STRING,
	OPTION_UINT,
	OPTION_TIME,
	OPTION_SHARE,
	OPTION_CHOICE,
	OPTION_WORDS
};

/* An option that may be given more than once. */
#define OPTION_WORDS_MAX 64
struct option_words {
	const char *words[OPTION_WORDS_MAX];
	unsigned n;
};

struct option_row {
	const char *name; /* without the dashes */
	char letter;	  /* 0: none */
	const char *arg;  /* what the help calls the value; NULL for a flag */
	enum option_kind kind;
	size_t offset;
	uint64_t min, max;	    /* UINT and TIME; max 0 = no limit. A SHARE is 0 to 1 */
	const char *const *choices; /* CHOICE, ended by NULL */
	const char *help;	    /* one line, no full stop */
};

#define OPTION_END           \
	{                    \
		.name = NULL \
	}

struct options_outcome {
	bool help; /* --help or -h was there: nothing else counts */
	unsigned n_operands;
};

/*
 * Parses argv[1..]. Options and operands may be mixed; "--" ends the options. Operands beyond
 * `max_operands` are an error. 0, or -EINVAL with err naming the wrong word and the nearest right
 * one.
 */
int options_parse(const struct option_row *rows, int argc, char **argv, void *into,
		  const char **operands, unsigned max_operands, struct options_outcome *ret,
		  struct err *err);

/* One aligned line per row, --help included. */
void options_help(FILE *out, const struct option_row *rows);

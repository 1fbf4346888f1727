/* SPDX-License-Identifier: MIT */
/* What a command of `uhbench vm` takes into the guest and brings back, read off its words. */
#pragma once

#include <stdbool.h>

#include "harness/cli/options.h"
#include "harness/util/err.h"

#define VM_OPERANDS_MAX 16 /* of a command that lacks its "--", to say just that */
#define VM_WORDS_MAX	256

struct vm_command {
	char *words[VM_WORDS_MAX + 2]; /* for the guest; ended by NULL */
	const char *add[VM_WORDS_MAX + OPTION_WORDS_MAX];
	unsigned n_add;
	const char *back[OPTION_WORDS_MAX + 2]; /* ended by NULL */
	unsigned n_back;
	bool probes;	    /* it may use some */
	char program[4096]; /* where it was found */
};

/*
 * `words` is a verb of uhbench with its own words, or a program's command line. Files that it names
 * go in, and folders with results; what `add` has, too. What -o names comes back, and a session
 * without one leaves "results". The words stay the caller's. -EINVAL, or -ENOPKG, with err.
 */
int vm_command_make(char **words, const struct option_words *add, const struct option_words *back,
		    struct vm_command *ret, struct err *err);

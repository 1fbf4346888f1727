/* SPDX-License-Identifier: MIT */
/* --fail-on, as all gates have it: the verdicts that have an exit code of their own. */
#pragma once

#include <stdbool.h>

#include "harness/cli/options.h"

#define FAIL_ON_HELP                                                                                \
	"regressed or inconclusive: only these have an exit code of their own (default both); may " \
	"be given again"

/* Without any word both. VERB_GO_ON, or EXITCODE_USAGE for a word that is neither. */
int fail_on_read(const struct option_words *words, bool *ret_regressed, bool *ret_inconclusive);

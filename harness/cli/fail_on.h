/* SPDX-License-Identifier: MIT */
/* --fail-on, as all gates have it: the verdicts that have an exit code of their own. */
#pragma once

#include <stdbool.h>

#include "harness/cli/options.h"

#define FAIL_ON_HELP                                                                               \
	"regressed, inconclusive or none: only these have an exit code of their own (default the " \
	"first two); may be given again"

/* Without any word both. VERB_GO_ON, or EXITCODE_USAGE for a word that is none of them, and for
 * `none` beside another. */
int fail_on_read(const struct option_words *words, bool *ret_regressed, bool *ret_inconclusive);

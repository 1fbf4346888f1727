// SPDX-License-Identifier: MIT
#include "harness/cli/fail_on.h"

#include <string.h>

#include "harness/cli/verb.h"

int fail_on_read(const struct option_words *words, bool *ret_regressed, bool *ret_inconclusive)
{
	*ret_regressed = *ret_inconclusive = !words->n;
	for (unsigned i = 0; i < words->n; i++) {
		if (!strcmp(words->words[i], "regressed"))
			*ret_regressed = true;
		else if (!strcmp(words->words[i], "inconclusive"))
			*ret_inconclusive = true;
		else if (strcmp(words->words[i], "none"))
			return verb_fail(EXITCODE_USAGE,
					 "--fail-on: \"%s\" is neither regressed nor "
					 "inconclusive nor none",
					 words->words[i]);
		else if (words->n > 1)
			return verb_fail(EXITCODE_USAGE,
					 "--fail-on: none leaves no room for another");
	}
	return VERB_GO_ON;
}

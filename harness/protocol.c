// SPDX-License-Identifier: MIT
/* The words of the protocol. */
#include "harness/protocol.h"

#include <stddef.h>

const char *const status_names[STATUS_COUNT + 1] = {
	[STATUS_OK] = "ok",	      [STATUS_FAILED] = "failed",
	[STATUS_STALLED] = "stalled", [STATUS_UNSUPPORTED] = "unsupported",
	[STATUS_SKIPPED] = "skipped", [STATUS_COUNT] = NULL,
};

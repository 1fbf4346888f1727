/* SPDX-License-Identifier: MIT */
/* What a machine offers to a target beyond io_uring and the filesystem, for `uhbench doctor`. */
#pragma once

#include <stdbool.h>

struct offer {
	const char *name; /* "ublk driver" */
	bool there;
	const char *text;   /* what was found, or what is missing */
	const char *cost;   /* what cannot be done without it; only when it is missing */
	const char *remedy; /* how to get it; NULL: nothing can be done */
};

/* Called for each; what it is given is valid only meanwhile. */
typedef void (*offer_fn)(void *arg, const struct offer *offer);

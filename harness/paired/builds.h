/* SPDX-License-Identifier: MIT */
/*
 * The programs of a comparison: copies at paths of one length, in one folder, so that neither what
 * the kernel puts on their stacks nor where they lie tells them apart, and a build that is made
 * anew meanwhile changes nothing.
 */
#pragma once

#include <signal.h>

#include "harness/paired/judge.h"
#include "harness/paired/paired.h"
#include "harness/util/sha256.h"

struct build {
	const char *path;   /* as it was given */
	char copy[4096];    /* that is run */
	char control[4096]; /* another copy; of a base only */
	char sha256[SHA256_HEX];
	bool asked; /* it is a uhbench, and these are known: */
	unsigned protocol;
	char uhbench[32], revision[64]; /* "": it does not tell */
};

struct builds {
	struct build side[SIDES][PAIRED_BUILDS_MAX];
	unsigned n[SIDES];
	bool one; /* both sides are one build: one file, too */
};

/* Copies what the options name into `dir`, which must exist. Without builds: this program, for both
 * sides. -EINVAL with err for what cannot be read. */
int builds_copy(struct builds *b, const struct paired_options *opt, const char *dir,
		struct err *err);
/* Asks each for its protocol. -EINVAL: one is no uhbench, too old or newer than this one. */
int builds_ask(struct builds *b, const volatile sig_atomic_t *interrupted, struct err *err);
/* {name, paths, sha256, uhbench, protocol, revision, set} of a side. */
cJSON *builds_describe(const struct builds *b, int side, const struct paired_side_options *opt);

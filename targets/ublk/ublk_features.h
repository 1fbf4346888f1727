/* SPDX-License-Identifier: MIT */
/* The ublk driver's features by name, as of Linux 6.18. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct ublk_feature {
	uint64_t bit;
	const char *name;  /* as UBLK_F_..., in small letters */
	const char *since; /* the release where it works */
};

extern const struct ublk_feature ublk_features[]; /* ended by a NULL name */

/* Writes the names of the bits, joined by blanks; bits that this build has no name for as "bit-15".
 * With `since`, each is followed by its release: "quiesce (6.16)". Cuts what does not fit. */
void ublk_features_text(uint64_t bits, int since, char *text, size_t size);

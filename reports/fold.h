/* SPDX-License-Identifier: MIT */
/*
 * Which columns of a table are worth their room. A knob that most cells have at one value, or lack,
 * takes width from every row for the sake of a few: folded, it stands behind the name of those few
 * ("group flush=dsync") and its usual value is said once, above the table.
 */
#pragma once

#include "reports/group.h"

struct fold {
	bool folded[GROUP_COLUMNS_MAX];
	const struct field *usual[GROUP_COLUMNS_MAX]; /* the value most cells have */
};

/* Folds as few columns as it takes for all of them to fit into `room` characters, two blanks behind
 * each; fewer cannot be promised. */
void fold_choose(const struct group *g, size_t room, struct fold *ret);

/* Texts, cut to the size of buf: " flush=dsync" for one cell; "flush=fdatasync" for the folded
 * columns; "payload=64k" for what all cells share and is not its default. "" when there is none. */
void fold_label(const struct group *g, const struct fold *f, size_t cell, char *buf, size_t size);
void fold_usual(const struct group *g, const struct fold *f, char *buf, size_t size);
void fold_shared(const struct group *g, char *buf, size_t size);

/* SPDX-License-Identifier: MIT */
/*
 * Baselines: folders of text that git can hold, ROOT/NAME with baseline.json and a sheet for each
 * session, SESSION.jsonl. Sessions that somebody has put there are pinned; what came by promotion
 * is not, and only the newest BASELINE_RECENT sessions of all are kept beside the pinned ones. All
 * sessions of one baseline are of one class of machines and of one recipe.
 */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

#include "harness/stored/sheet.h"
#include "harness/util/err.h"

#define BASELINE_ROOT	"results/baselines"
#define BASELINE_RECENT 20
#define BASELINE_NAME	64

struct baseline {
	char name[BASELINE_NAME + 1];
	char *dir;
	cJSON *info;	      /* baseline.json */
	struct sheet *sheets; /* [n], the oldest first */
	size_t n;
};

/* Letters, digits, '.', '_' and '-', of which '.' and '-' not first. -EINVAL. */
int baseline_check_name(const char *name, struct err *err);

/* -ENOENT: there is none; -EBADMSG: FILE:LINE: what is wrong with it. */
int baseline_load(const char *root, const char *name, struct baseline **ret, struct err *err);
void baseline_free(struct baseline *b);
/* Of all folders below root that hold one, sorted, as JSON texts; [] where root is not there. */
cJSON *baseline_names(const char *root);

/* A new one, of a first session, which is pinned. -EEXIST. */
int baseline_create(const char *root, const char *name, const struct sheet *first, struct err *err);
/* One session more. -EEXIST: it is there already; what baseline_alike says. Of what is not pinned
 * the oldest go, beyond BASELINE_RECENT. */
int baseline_add(const struct baseline *b, const struct sheet *s, bool pinned, struct err *err);
/* Pinned sessions count like promoted ones from now on: one of them, named as below, or NULL: all.
 */
int baseline_unpin(const struct baseline *b, const char *session, struct err *err);
/* A session, by its identity or the first digits of it, that no other has: -ENOENT. */
int baseline_remove_session(const struct baseline *b, const char *session, struct err *err);
/* All of it. Files that are not ours stay, and the folder with them: -ENOTEMPTY. */
int baseline_remove(const struct baseline *b, struct err *err);

bool baseline_pinned(const struct sheet *s);

/* Can figures of the two be compared? Both are {machine, recipe, ...}: baseline.json, the first
 * line of a sheet, or what a run is going to be. -EXDEV: err says in which way not. */
int baseline_alike(const cJSON *base, const cJSON *other, struct err *err);

static inline void cleanup_baseline(struct baseline **b)
{
	baseline_free(*b);
}

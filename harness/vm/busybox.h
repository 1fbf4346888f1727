/* SPDX-License-Identifier: MIT */
/* The guest's shell and small programs: one static program with many names. */
#pragma once

#include "harness/util/err.h"
#include "harness/vm/tree.h"

/* -ENOPKG: there is none here. */
int busybox_add(struct tree *tree, struct err *err);
/* 1 or 0, or as above. */
int busybox_has(const char *name, struct err *err);

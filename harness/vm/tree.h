/* SPDX-License-Identifier: MIT */
/*
 * What goes into the guest's root, by path. Folders above an entry come by themselves; what is
 * there already stays as it is. All return 0 or -errno with err.
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "harness/util/err.h"

struct tree;

int tree_new(struct tree **ret, struct err *err);
void tree_free(struct tree *tree); /* accepts NULL */

/* Paths inside are absolute. */
int tree_folder(struct tree *tree, const char *path, struct err *err);
int tree_link(struct tree *tree, const char *path, const char *target, struct err *err);
int tree_text(struct tree *tree, const char *path, const char *text, struct err *err);
/* Takes over malloc'd data. */
int tree_data(struct tree *tree, const char *path, char *data, size_t len, struct err *err);
/* A file from outside, read when the archive is written. With its libraries when it is a program
 * that has any. */
int tree_file(struct tree *tree, const char *path, const char *from, struct err *err);
/* A file, or a folder with all that is in it; links are followed. */
int tree_add(struct tree *tree, const char *path, const char *from, struct err *err);

/* Writes the archive; returns a memory file in *ret_fd. */
int tree_pack(struct tree *tree, int *ret_fd, struct err *err);

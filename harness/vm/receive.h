/* SPDX-License-Identifier: MIT */
/* Files that come back from the guest, written below the paths that were asked for and nowhere
 * else: what runs in there may be anything. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "harness/util/err.h"

struct receive {
	const char *const *back; /* what was asked for, ended by NULL */
	int fd;			 /* the file that is being written; -1: none */
	char path[4096];
	unsigned files;
};

int receive_folder(struct receive *r, const char *path, struct err *err);
int receive_file(struct receive *r, const char *path, uint32_t mode, struct err *err);
int receive_data(struct receive *r, const void *data, size_t len, struct err *err);
int receive_end(struct receive *r, struct err *err);

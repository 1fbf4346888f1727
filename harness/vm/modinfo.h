/* SPDX-License-Identifier: MIT */
/* What a kernel module says of itself: NUL-ended "key=value" in its section .modinfo. */
#pragma once

#include <stddef.h>

/* Calls fn for each; stops at the first non-zero return, which it returns. -ENOEXEC when `image` is
 * no 64-bit ELF file or has no such section. */
int modinfo_each(const char *image, size_t len, int (*fn)(void *arg, const char *entry), void *arg);

/* The value of an entry when its key is `key`, else NULL. */
const char *modinfo_value(const char *entry, const char *key);

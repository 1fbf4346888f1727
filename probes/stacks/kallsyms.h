/* SPDX-License-Identifier: MIT */
/*
 * Names of kernel addresses, from /proc/kallsyms (kernel/kallsyms.c). Without CAP_SYSLOG, or with
 * kernel.kptr_restrict = 2, every address there reads 0: that is an error here, not a name.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "harness/util/err.h"

struct kallsyms;

/* Reads all functions. -EPERM when the addresses are hidden, -EINVAL when it is no symbol table. */
int kallsyms_open(const char *path, struct kallsyms **ret, struct err *err);
int kallsyms_read(FILE *f, struct kallsyms **ret, struct err *err);
/* "name" or "name [module]" into `buf`; -ENOENT when no function is known below the address. */
int kallsyms_name(const struct kallsyms *k, uint64_t address, char *buf, size_t size);
void kallsyms_close(struct kallsyms *k);

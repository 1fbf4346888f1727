// SPDX-License-Identifier: MIT
/* The rows are generated from <sys/syscall.h> (gen_syscalls.sh), so they fit the architecture. */
#include "harness/util/syscall_name.h"

#include <stddef.h>

static const struct {
	long number;
	const char *name;
} rows[] = {
#include "syscall_rows.inc"
};

const char *syscall_name(long number)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].number == number)
			return rows[i].name;
	return NULL;
}

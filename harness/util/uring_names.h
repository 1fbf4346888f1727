/* SPDX-License-Identifier: MIT */
/*
 * io_uring's opcodes, set-up flags and features by name, as of Linux 6.19
 * (include/uapi/linux/io_uring.h), so that an old header still names what a new kernel has.
 */
#pragma once

#include <stdint.h>

extern const char *const uring_opcode_names[]; /* indexed by opcode */
extern const unsigned uring_opcode_count;

struct uring_flag {
	const char *name;
	uint32_t bit;
	uint32_t with;	   /* other set-up flags that the kernel demands beside it */
	const char *since; /* the kernel release that brought it */
};

extern const struct uring_flag uring_setup_flags[]; /* ended by a NULL name */
extern const struct uring_flag uring_features[];    /* ended by a NULL name; `with` is not used */

/* SPDX-License-Identifier: MIT */
/*
 * User stacks from a copy of registers and stack, by the call frame information of the mapped
 * files (elfutils' libdwfl). The process itself is not needed any more. Nothing is fetched from
 * elsewhere: separate debug information is found by build id below /usr/lib/debug only.
 */
#pragma once

#include <cjson/cJSON.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/util/err.h"

#define UNWIND_FRAMES 64

struct unwind_sample {
	const uint64_t *regs; /* the kernel's struct pt_regs */
	const void *stack;    /* copy of the memory from stack_base on */
	uint64_t stack_base;
	size_t stack_bytes;
};

enum unwind_end {
	UNWIND_COMPLETE,  /* to where the thread was started */
	UNWIND_COPY_ENDS, /* beyond what was copied */
	UNWIND_TOO_DEEP,  /* more than UNWIND_FRAMES */
	UNWIND_NO_CFI,	  /* code without call frame information: JIT, vDSO, stripped assembler */
	UNWIND_LOST,	  /* a return address that is in no code */
	UNWIND_ENDS
};

/* Words for each, as they stand in records: "complete", "stack copy too short", ... */
extern const char *const unwind_end_text[UNWIND_ENDS];

struct unwinder;

/* `maps`: text of /proc/PID/maps, to live as long as this. -ENOTSUP on an architecture without a
 * table of registers; -ENOEXEC when none of the mapped files can be read. */
int unwinder_open(const char *maps, struct unwinder **ret, struct err *err);
/*
 * Frames, innermost first: `name (file.c:12)`, `name [module]`, `[module+0x12ab]` (the address in
 * the file, as addr2line takes it). Functions that were inlined are frames of their own. An array
 * of what was found, also when it ends early; NULL without memory.
 */
cJSON *unwinder_frames(struct unwinder *u, const struct unwind_sample *sample,
		       enum unwind_end *ret_end);
void unwinder_close(struct unwinder *u);

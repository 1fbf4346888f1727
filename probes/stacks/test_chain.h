/* SPDX-License-Identifier: MIT */
/* A chain of calls that is known exactly, for tests of unwinding. */
#pragma once

#include "probes/stacks/unwind.h"

#define CHAIN_REGS  34
#define CHAIN_STACK 16384

struct chain {
	uint64_t regs[CHAIN_REGS]; /* as the kernel's struct pt_regs */
	uint64_t stack_base;
	size_t stack_bytes;
	uint8_t stack[CHAIN_STACK];
	int lines[4]; /* in test_chain.c: where inner, middle, its inlined one and outer stood */
	char maps[1 << 16];
};

/* Calls outer -> middle -> (inlined) -> inner, which copies its registers and stack. */
void chain_outer(struct chain *c);
struct unwind_sample chain_sample(const struct chain *c);

// SPDX-License-Identifier: MIT
/*
 * Compiled optimised and without frame pointers, as libraries are. The registers are those of
 * getcontext(3), as if it were a system call of `inner`. The empty assembler after each call
 * keeps it from becoming a jump.
 */
#include "probes/stacks/test_chain.h"

#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <ucontext.h>
#include <unistd.h>

#include "probes/stacks/procmaps.h"

#define KEEP()		 __asm__ volatile("" ::: "memory")
#define AT(line, action) ((line) = __LINE__, (action))
#define SP		 19

/* Where struct pt_regs has what (asm/ptrace.h). */
static const struct {
	uint8_t word, greg;
} registers[] = {
	{0, REG_R15},  {1, REG_R14},  {2, REG_R13},  {3, REG_R12},  {4, REG_RBP},  {5, REG_RBX},
	{6, REG_R11},  {7, REG_R10},  {8, REG_R9},   {9, REG_R8},   {10, REG_RAX}, {11, REG_RCX},
	{12, REG_RDX}, {13, REG_RSI}, {14, REG_RDI}, {16, REG_RIP}, {SP, REG_RSP},
};

/* Through the kernel, since sanitizers guard the stack against plain reading. */
static void read_own(uint64_t address, void *to, size_t bytes)
{
	struct iovec local = {.iov_base = to, .iov_len = bytes};
	struct iovec remote = {.iov_base = (void *)address, .iov_len = bytes};

	if (process_vm_readv(getpid(), &local, 1, &remote, 1, 0) != (ssize_t)bytes)
		abort();
}

static void copy(struct chain *c, const ucontext_t *context)
{
	const struct procmap *m;
	struct procmap *maps;
	char *text;
	size_t n;

	for (size_t i = 0; i < sizeof(registers) / sizeof(registers[0]); i++)
		c->regs[registers[i].word] =
			(uint64_t)context->uc_mcontext.gregs[registers[i].greg];
	if (procmaps_snapshot(getpid(), &text) || procmaps_parse(text, &maps, &n))
		abort();
	m = procmaps_find(maps, n, c->regs[SP]);
	if (!m || strlen(text) >= sizeof(c->maps))
		abort();
	strcpy(c->maps, text);
	c->stack_base = c->regs[SP] & ~1023ull;
	c->stack_bytes = m->end - c->stack_base;
	if (c->stack_bytes > CHAIN_STACK)
		c->stack_bytes = CHAIN_STACK;
	read_own(c->stack_base, c->stack, c->stack_bytes);
	free(maps);
	free(text);
}

static __attribute__((noinline)) void inner(struct chain *c)
{
	ucontext_t context;

	AT(c->lines[0], getcontext(&context));
	copy(c, &context);
	KEEP();
}

static inline __attribute__((always_inline)) void inlined(struct chain *c)
{
	AT(c->lines[1], inner(c));
	KEEP();
}

static __attribute__((noinline)) void middle(struct chain *c)
{
	AT(c->lines[2], inlined(c));
	KEEP();
}

__attribute__((noinline)) void chain_outer(struct chain *c)
{
	AT(c->lines[3], middle(c));
	KEEP();
}

struct unwind_sample chain_sample(const struct chain *c)
{
	return (struct unwind_sample){
		.regs = c->regs,
		.stack = c->stack,
		.stack_base = c->stack_base,
		.stack_bytes = c->stack_bytes,
	};
}

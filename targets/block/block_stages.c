// SPDX-License-Identifier: MIT
/*
 * The table's memory. A lane that lost its CPU for some ms finds what the server wrote before: by
 * then hundreds of other requests have been written, so the slots are many more than there are
 * requests in flight. With 16 for each, a seventh of the time was missed in an emulated machine,
 * that of the slowest operations; with 256 a thirtieth.
 */
#include "targets/block/block_stages.h"

#include <stddef.h>
#include <sys/mman.h>

#define SLOTS_PER_REQUEST 256
#define BITS_MIN	  10
#define BITS_MAX	  20

static size_t size_of(unsigned bits)
{
	return sizeof(struct block_stages) + (sizeof(struct block_stage_slot) << bits);
}

struct block_stages *block_stages_new(unsigned in_flight)
{
	struct block_stages *s;
	unsigned bits = BITS_MIN;

	while (bits < BITS_MAX && 1u << bits < in_flight * SLOTS_PER_REQUEST)
		bits++;
	s = mmap(NULL, size_of(bits), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (s == MAP_FAILED)
		return NULL;
	s->bits = bits;
	return s;
}

void block_stages_free(struct block_stages *s)
{
	if (s)
		munmap(s, size_of(s->bits));
}

// SPDX-License-Identifier: MIT
/*
 * The content of blocks changes when an operation begins, and nothing reads a block until it has
 * ended, so that the entry is always what the next read must find. A discarded block may read as
 * zeroes or as before, sector by sector: the protocol promises neither.
 */
#include "workloads/block_ledger.h"

#include <errno.h>
#include <stdlib.h>

#define BUSY_WRITER UINT16_MAX

int block_ledger_init(struct block_ledger *l, uint64_t nonce, uint64_t first, uint64_t n,
		      uint32_t block_bytes)
{
	*l = (struct block_ledger){nonce, first, n, block_bytes, calloc(n, sizeof(*l->entry))};
	return l->entry ? 0 : -ENOMEM;
}

void block_ledger_free(struct block_ledger *l)
{
	free(l->entry);
	l->entry = NULL;
}

static struct block_stamp stamp_of(const struct block_ledger *l, uint64_t block)
{
	return (struct block_stamp){
		.nonce = l->nonce,
		.addr = (l->first + block) * l->block_bytes,
		.generation = l->entry[block].generation,
	};
}

uint64_t block_ledger_find(const struct block_ledger *l, uint64_t block, enum block_kind kind)
{
	uint16_t most = kind == BLOCK_READ ? BUSY_WRITER - 2 : 0;

	while (l->entry[block].busy > most)
		block = block + 1 < l->n ? block + 1 : 0;
	return block;
}

static void write_stamp(struct block_ledger *l, uint64_t block, void *data)
{
	struct block_entry *e = &l->entry[block];
	struct block_stamp stamp;

	e->generation++;
	e->may_be = BLOCK_MAY_BE_STAMPED;
	stamp = stamp_of(l, block);
	block_stamp_fill(data, l->block_bytes, &stamp);
}

void block_ledger_fill(struct block_ledger *l, uint64_t block, void *data)
{
	write_stamp(l, block, data);
}

void block_ledger_begin(struct block_ledger *l, uint64_t block, enum block_kind kind, void *data)
{
	struct block_entry *e = &l->entry[block];

	if (kind == BLOCK_READ) {
		e->busy++;
		block_stamp_spoil(data, l->block_bytes);
		return;
	}
	e->busy = BUSY_WRITER;
	if (kind == BLOCK_WRITE)
		write_stamp(l, block, data);
	else if (kind == BLOCK_WRITE_ZEROES)
		e->may_be = BLOCK_MAY_BE_ZERO;
	else
		e->may_be |= BLOCK_MAY_BE_ZERO;
}

void block_ledger_end(struct block_ledger *l, uint64_t block, enum block_kind kind,
		      const void *data, struct block_faults *faults)
{
	if (kind == BLOCK_READ) {
		block_ledger_check(l, block, data, faults);
		l->entry[block].busy--;
	} else {
		l->entry[block].busy = 0;
	}
}

void block_ledger_check(const struct block_ledger *l, uint64_t block, const void *data,
			struct block_faults *faults)
{
	static const char *const what[] = {
		[BLOCK_BLANK] = "reads as zeroes",
		[BLOCK_STALE] = "has an older content: a write was lost",
		[BLOCK_MISPLACED] = "holds what was written elsewhere",
		[BLOCK_FOREIGN] = "holds what this run did not write",
		[BLOCK_CORRUPT] = "is corrupt",
	};
	struct block_stamp stamp = stamp_of(l, block);
	uint32_t at = 0;
	enum block_fault fault =
		block_stamp_check(data, l->block_bytes, &stamp, l->entry[block].may_be, &at);

	faults->compared++;
	if (fault == BLOCK_GOOD)
		return;
	faults->count[fault]++;
	if (!faults->first.text[0])
		err_set(&faults->first, -EBADMSG,
			"the sector at byte %llu of the device %s (block of %u at %llu, "
			"generation %llu)",
			(unsigned long long)(stamp.addr + at), what[fault], l->block_bytes,
			(unsigned long long)stamp.addr, (unsigned long long)stamp.generation);
}

void block_faults_add(struct block_faults *to, const struct block_faults *from)
{
	to->compared += from->compared;
	for (unsigned i = 0; i < BLOCK_FAULTS; i++)
		to->count[i] += from->count[i];
	if (!to->first.text[0])
		to->first = from->first;
}

uint64_t block_faults_total(const struct block_faults *f)
{
	uint64_t total = 0;

	for (unsigned i = 0; i < BLOCK_FAULTS; i++)
		total += f->count[i];
	return total;
}

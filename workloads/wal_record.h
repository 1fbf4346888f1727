/* SPDX-License-Identifier: MIT */
/*
 * The record of the wal workload: a header, then a body to the record's length. The sum covers all
 * that follows it. The body is the same pseudo-random text in all records of a run, with a stamp of
 * lane and sequence in every 512 bytes, so that no sector of one record can pass for another's.
 * Host byte order: a log is read back on the machine that wrote it.
 */
#pragma once

#include <stdint.h>

#define WAL_MAGIC 0x314c4157u /* "WAL1" */

struct wal_header {
	uint32_t magic;
	uint32_t crc;	 /* CRC32C of the record from `length` on */
	uint32_t length; /* header included */
	uint32_t partition;
	uint64_t nonce; /* of the run: tells its records from an earlier run's in a reused file */
	uint64_t seq;	/* per lane and partition, from 0, without gaps */
	uint32_t lane;
	uint32_t zero;
};
_Static_assert(sizeof(struct wal_header) == 40, "no padding inside the sum");

enum wal_kind {
	WAL_FOREIGN, /* blank, or of another run */
	WAL_OURS,    /* whole, and where it belongs */
	WAL_DAMAGED, /* of this run by its header, but not what was written */
};

/* Writes the text that all records of a run share; once for each buffer. */
void wal_record_fill(void *buf, uint32_t length, uint64_t nonce);
/* Makes a filled buffer the record of `h`: stamps, header, sum. Sets magic and crc itself. */
void wal_record_seal(void *buf, const struct wal_header *h);
/* What lies at buf, read as a record of `length` bytes in a log of `partition`; copies the header,
 * which means something unless the answer is WAL_FOREIGN. */
enum wal_kind wal_record_read(const void *buf, uint32_t length, uint64_t nonce, uint32_t partition,
			      struct wal_header *ret);

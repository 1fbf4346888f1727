// SPDX-License-Identifier: MIT
/*
 * The ring against a kernel that is played here: these definitions of liburing's calls win over the
 * library's. A row says how many entries each io_uring_enter takes and how each operation ends; the
 * player cancels what is linked behind a short or failed one, and breaks the chain where it stops
 * taking. A flush is sound when every write that completed did so before the flush began.
 */
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "harness/target.h"
#include "harness/util/cleanup.h"
#include "targets/wal/wal_ring.h"

#define ENTRIES 16u
#define LOG_FD	7
#define RECORD	64u
#define RECORDS 4u
#define WHOLE	INT_MAX /* as many bytes as were asked for; 0 for a flush */
#define REFUSED (-1)	/* as an entry of `takes`: io_uring_enter fails for good */

struct row {
	const char *name;
	bool dsync;
	enum wal_fault fault; /* then nothing is durable when the group has ended */
	int takes[6];	      /* per call; 0 = all */
	int ends[8];	      /* per operation in order of submission; 0 = WHOLE */
	int error;	      /* what the group must end with */
	int flushes;	      /* that were carried out */
	int writes;	      /* that were carried out, whole or in part */
};

static struct kernel {
	const struct row *row;
	struct io_uring_sqe sqes[ENTRIES];
	struct io_uring_cqe cqes[2 * ENTRIES];
	int files[2];
	unsigned khead, ktail, kflags, kdropped, array[ENTRIES], chead, ctail;
	unsigned taken, calls, operations;
	unsigned left; /* of what the last call was offered */
	int flushes, writes;
	uint64_t written; /* bytes */
	uint64_t durable; /* of them, by a sound flush */
} k;

int io_uring_queue_init(unsigned entries, struct io_uring *ring, unsigned flags)
{
	(void)entries;
	*ring = (struct io_uring){.flags = flags};
	ring->sq.sqes = k.sqes;
	ring->sq.khead = &k.khead;
	ring->sq.ktail = &k.ktail;
	ring->sq.kflags = &k.kflags;
	ring->sq.kdropped = &k.kdropped;
	ring->sq.array = k.array;
	ring->sq.ring_mask = ENTRIES - 1;
	ring->sq.ring_entries = ENTRIES;
	ring->cq.khead = &k.chead;
	ring->cq.ktail = &k.ctail;
	ring->cq.cqes = k.cqes;
	ring->cq.ring_mask = 2 * ENTRIES - 1;
	ring->cq.ring_entries = 2 * ENTRIES;
	return 0;
}

void io_uring_queue_exit(struct io_uring *ring)
{
	(void)ring;
}

int io_uring_register_files(struct io_uring *ring, const int *files, unsigned n)
{
	(void)ring;
	assert_int_equal(n, array_size(k.files));
	memcpy(k.files, files, sizeof(k.files));
	return 0;
}

/* All has been played by the time that anybody waits. */
int io_uring_wait_cqes(struct io_uring *ring, struct io_uring_cqe **ret, unsigned n,
		       struct __kernel_timespec *ts, sigset_t *mask)
{
	(void)ring;
	(void)ts;
	(void)mask;
	assert_true(k.ctail - k.chead >= n);
	*ret = &k.cqes[k.chead % (2 * ENTRIES)];
	return 0;
}

static void post(const struct io_uring_sqe *sqe, int res)
{
	k.cqes[k.ctail++ % (2 * ENTRIES)] =
		(struct io_uring_cqe){.user_data = sqe->user_data, .res = res};
}

/* `late`: the chain before was cut short, and its writes may still be on their way. */
static bool play(const struct io_uring_sqe *sqe, bool late)
{
	int end = k.row->ends[k.operations++];
	int want = 0;

	if (sqe->opcode == IORING_OP_WRITEV) {
		const struct iovec *iov = (const struct iovec *)(uintptr_t)sqe->addr;

		for (unsigned i = 0; i < sqe->len; i++)
			want += (int)iov[i].iov_len;
	}
	if (end == 0 || end == WHOLE)
		end = want;
	post(sqe, end);
	if (end < 0)
		return false;
	if (sqe->opcode == IORING_OP_WRITEV) {
		k.writes++;
		k.written += (uint64_t)end;
		if (sqe->rw_flags & RWF_DSYNC)
			k.durable += (uint64_t)end;
	} else {
		k.flushes++;
		if (!late && k.files[sqe->fd] == LOG_FD)
			k.durable = k.written;
	}
	return end == want;
}

/* The chain ends with what was taken. The worst order: of two chains in flight the later one runs
 * first, so its flush covers nothing of the earlier. */
int io_uring_submit(struct io_uring *ring)
{
	unsigned queued = ring->sq.sqe_tail - k.taken, n = queued;
	int takes = k.row->takes[k.calls++];
	bool linked = true, late = k.left;

	if (takes == REFUSED)
		return -EBADR;
	if (takes < 0)
		return takes;
	if (takes)
		n = min_of(n, (unsigned)takes);
	for (unsigned i = 0; i < n; i++) {
		const struct io_uring_sqe *sqe = &k.sqes[k.taken++ % ENTRIES];

		if (linked)
			linked = play(sqe, late);
		else
			post(sqe, -ECANCELED);
		if (!(sqe->flags & IOSQE_IO_LINK))
			linked = true;
	}
	k.khead = k.taken;
	k.left = queued - n;
	return (int)n;
}

/* Appends RECORDS over the end of a ring: two extents, so two writes. */
static void run_row(const struct row *row)
{
	static char memory[RECORDS * RECORD];
	struct wal_log log = {
		.ring_bytes = 8 * RECORD, .lsn = 6 * RECORD, .fd = LOG_FD, .label = "test"};
	struct wal_steps steps = wal_steps(row->dsync, row->fault);
	struct err err = {0};
	struct wal_ring r;

	k = (struct kernel){.row = row};
	log.flush_fd = steps.other_file ? LOG_FD + 1 : LOG_FD;
	assert_int_equal(wal_ring_init(&r, &log, RECORDS, &steps, &err), 0);
	for (unsigned i = 0; i < RECORDS; i++)
		wal_group_add(&r.group, &log, memory + i * RECORD, RECORD);
	assert_int_equal(r.group.n_extents, 2);
	wal_ring_start(&r);
	if (!wal_ring_wait(&r, REAP_FOREVER))
		fail_msg("%s: not finished", row->name);
	if (r.error != row->error || k.flushes != row->flushes || k.writes != row->writes)
		fail_msg("%s: error %d, %d flushes, %d writes", row->name, r.error, k.flushes,
			 k.writes);
	if (r.error == 0 && k.durable != (row->fault ? 0 : RECORDS * RECORD))
		fail_msg("%s: acknowledged with %llu of %u bytes durable", row->name,
			 (unsigned long long)k.durable, RECORDS * RECORD);
	wal_ring_exit(&r);
}

static void test_groups(void **state)
{
	static const struct row rows[] = {
		{"all well", .flushes = 1, .writes = 2},
		{"dsync", .dsync = true, .writes = 2},
		{"short write", .ends = {RECORD, 0}, .flushes = 1, .writes = 3},
		{"short by a byte", .ends = {WHOLE, 2 * RECORD - 1}, .flushes = 1, .writes = 3},
		{"short dsync", .dsync = true, .ends = {1, WHOLE}, .writes = 3},
		{"interrupted write", .ends = {-EINTR}, .flushes = 1, .writes = 2},
		{"flush to be tried again", .ends = {0, 0, -EAGAIN}, .flushes = 1, .writes = 2},
		{"failed write", .ends = {-ENOSPC}, .error = -ENOSPC},
		{"failed second write", .ends = {0, -EIO}, .error = -EIO, .writes = 1},
		{"failed dsync", .dsync = true, .ends = {0, -EIO}, .error = -EIO, .writes = 1},
		{"failed flush", .ends = {0, 0, -EIO}, .error = -EIO, .writes = 2},
		{"taken in parts", .takes = {1}, .flushes = 2, .writes = 2},
		{"all but the flush", .takes = {2}, .flushes = 2, .writes = 2},
		{"one by one", .takes = {1, 1, 1}, .flushes = 2, .writes = 2},
		{"busy once", .takes = {-EAGAIN}, .flushes = 1, .writes = 2},
		{"in parts, failed write", .takes = {1}, .ends = {-EIO}, .error = -EIO,
		 .flushes = 1, .writes = 1},
		{"in parts, short write", .takes = {1}, .ends = {RECORD}, .flushes = 2,
		 .writes = 3},
		{"dsync in parts", .dsync = true, .takes = {1}, .writes = 2},
		{"early", .fault = WAL_FAULT_ACK_EARLY, .flushes = 1, .writes = 2},
		{"early, short", .fault = WAL_FAULT_ACK_EARLY, .ends = {0, RECORD}, .flushes = 1,
		 .writes = 3},
		{"no flush", .fault = WAL_FAULT_NO_FLUSH, .writes = 2},
		{"no dsync", .dsync = true, .fault = WAL_FAULT_NO_FLUSH, .writes = 2},
		{"wrong file", .fault = WAL_FAULT_WRONG_FILE, .flushes = 1, .writes = 2},
		{"refused", .takes = {REFUSED}, .error = -EBADR},
		{"refused halfway", .takes = {1, REFUSED}, .error = -EBADR, .writes = 1},
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++)
		run_row(&rows[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_groups),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

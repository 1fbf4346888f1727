// SPDX-License-Identifier: MIT
/*
 * The oracle against logs that are known to be good or bad. A model writer appends records of a few
 * lanes round robin to a small ring, each test then does its damage, and the replay must name it.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <errno.h>

#include <cmocka.h>

#include "harness/util/cleanup.h"
#include "workloads/wal_record.h"
#include "workloads/wal_replay.h"

#define LANES 3
#define SLOTS 64u
#define NONCE 0x1122334455667788ull

struct model {
	char path[64];
	int fd;
	uint32_t bytes;
	struct wal_replay_lane lanes[LANES];
	struct wal_replay_counts counts;
	struct err err;
};

static void put(struct model *m, uint64_t slot, uint32_t lane, uint64_t seq, uint64_t nonce)
{
	_cleanup_free_ char *buf = malloc(m->bytes);
	struct wal_header h = {.length = m->bytes, .nonce = nonce, .seq = seq, .lane = lane};

	assert_non_null(buf);
	wal_record_fill(buf, m->bytes, nonce);
	wal_record_seal(buf, &h);
	assert_int_equal(pwrite(m->fd, buf, m->bytes, (off_t)(slot % SLOTS * m->bytes)), m->bytes);
}

/* Records 0 .. n - 1, lane by lane in turn; record i has LSN i. */
static void append(struct model *m, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++) {
		put(m, i, i % LANES, i / LANES, NONCE);
		m->lanes[i % LANES].acked = m->lanes[i % LANES].issued = i / LANES + 1;
	}
}

static void get(const struct model *m, uint64_t slot, void *buf)
{
	assert_int_equal(pread(m->fd, buf, m->bytes, (off_t)(slot * m->bytes)), m->bytes);
}

static void copy_slot(struct model *m, uint64_t to, uint64_t from)
{
	_cleanup_free_ char *buf = malloc(m->bytes);

	get(m, from, buf);
	assert_int_equal(pwrite(m->fd, buf, m->bytes, (off_t)(to * m->bytes)), m->bytes);
}

static void swap_slots(struct model *m, uint64_t x, uint64_t y)
{
	_cleanup_free_ char *buf = malloc(m->bytes);

	get(m, x, buf);
	copy_slot(m, x, y);
	assert_int_equal(pwrite(m->fd, buf, m->bytes, (off_t)(y * m->bytes)), m->bytes);
}

static void blank(struct model *m, uint64_t slot)
{
	_cleanup_free_ char *buf = calloc(1, m->bytes);

	assert_int_equal(pwrite(m->fd, buf, m->bytes, (off_t)(slot * m->bytes)), m->bytes);
}

static void flip(struct model *m, uint64_t slot, uint32_t at)
{
	off_t off = (off_t)(slot * m->bytes + at);
	char c;

	assert_int_equal(pread(m->fd, &c, 1, off), 1);
	c ^= 0x10;
	assert_int_equal(pwrite(m->fd, &c, 1, off), 1);
}

/* The damage, each on 40 records (ring not full) or on 150 (it has wrapped twice). */
static void none(struct model *m)
{
	(void)m;
}

static void corrupt_body(struct model *m)
{
	flip(m, 11, m->bytes - 1);
}

static void corrupt_header(struct model *m)
{
	flip(m, 11, offsetof(struct wal_header, crc));
}

static void hole(struct model *m)
{
	blank(m, 12);
}

static void lost_tail(struct model *m)
{
	blank(m, 39);
}

static void lost_head(struct model *m)
{
	blank(m, 0);
}

static void older_run(struct model *m)
{
	put(m, 12, 0, 4, NONCE + 1);
}

static void twice(struct model *m)
{
	copy_slot(m, 15, 12);
}

/* Two records of lane 0. */
static void swapped(struct model *m)
{
	swap_slots(m, 12, 15);
}

/* Records of two lanes: each lane still ascends, any order between lanes is legal. */
static void other_order(struct model *m)
{
	swap_slots(m, 12, 13);
}

/* The sick writer: every batch of 3 at offset 0. */
static void offset_reset(struct model *m)
{
	for (uint64_t i = 0; i < 40; i++)
		blank(m, i);
	for (uint64_t i = 37; i < 40; i++)
		put(m, i - 37, i % LANES, i / LANES, NONCE);
}

/* The same after two laps: it starts the last lap again in the middle of the log. */
static void offset_reset_late(struct model *m)
{
	for (uint64_t i = 140; i < 150; i++)
		put(m, i - 140, i % LANES, i / LANES, NONCE);
}

static void torn_tail(struct model *m)
{
	m->lanes[0].acked--; /* record 39 */
	flip(m, 39, m->bytes - 1);
}

static void absent_tail(struct model *m)
{
	m->lanes[0].acked--;
	blank(m, 39);
}

static void never_issued(struct model *m)
{
	put(m, 39, 0, 1000, NONCE);
}

static void wrong_partition(struct model *m)
{
	_cleanup_free_ char *buf = malloc(m->bytes);
	struct wal_header h = {.length = m->bytes, .nonce = NONCE, .seq = 4, .partition = 1};

	wal_record_fill(buf, m->bytes, NONCE);
	wal_record_seal(buf, &h);
	assert_int_equal(pwrite(m->fd, buf, m->bytes, (off_t)(12 * m->bytes)), m->bytes);
}

/* Lane 0 as if the ring wrapped at another place than for the others. */
static void two_wrap_points(struct model *m)
{
	const uint64_t n = 192;
	uint64_t slots[SLOTS], k = 0;

	for (uint64_t i = n - SLOTS; i < n; i++)
		if (i % LANES == 0)
			slots[k++] = i % SLOTS;
	for (uint64_t i = 0; i < k; i++)
		put(m, slots[(i + 10) % k], 0, (n - SLOTS + 2) / LANES + i, NONCE);
}

/* After a crash only what was acknowledged is known. */
static void crash(struct model *m)
{
	for (uint32_t i = 0; i < LANES; i++)
		m->lanes[i].issued = 0;
}

/* Acknowledged: all but the last three. Of them one is there, one is torn, one is not there. */
static void crash_torn_tail(struct model *m)
{
	for (uint32_t i = 0; i < LANES; i++)
		m->lanes[i].acked--;
	flip(m, 38, m->bytes - 1);
	blank(m, 37);
	crash(m);
}

/* Whose lane and sequence are not to be believed: the sector with them is half another's. */
static void crash_torn_header(struct model *m)
{
	m->lanes[0].acked--;
	flip(m, 39, offsetof(struct wal_header, lane));
	flip(m, 39, offsetof(struct wal_header, seq) + 1);
	crash(m);
}

static void crash_lost_tail(struct model *m)
{
	lost_tail(m);
	crash(m);
}

static void crash_damaged(struct model *m)
{
	corrupt_body(m);
	crash(m);
}

static void crash_lost_all(struct model *m)
{
	for (uint64_t i = 0; i < 40; i++)
		blank(m, i);
	crash(m);
}

static const struct row {
	const char *name;
	uint64_t records;
	void (*damage)(struct model *m);
	uint64_t corrupt, missing, duplicate, reordered, torn;
	const char *says; /* NULL: the log is good */
	bool crashed;
	int code; /* where something is said: 0 is -EBADMSG */
} rows[] = {
	{"good", 40, none, 0, 0, 0, 0, 0, NULL},
	{"good, empty", 0, none, 0, 0, 0, 0, 0, NULL},
	{"good, exactly full", SLOTS, none, 0, 0, 0, 0, 0, NULL},
	{"good, full and one", SLOTS + 1, none, 0, 0, 0, 0, 0, NULL},
	{"good, wrapped", 150, none, 0, 0, 0, 0, 0, NULL},
	{"order between lanes", 40, other_order, 0, 0, 0, 0, 0, NULL},
	{"corrupt body", 40, corrupt_body, 1, 0, 0, 0, 0, "lane 2 sequence 3 is corrupt"},
	{"corrupt header", 40, corrupt_header, 1, 0, 0, 0, 0, "lane 2 sequence 3 is corrupt"},
	{"corrupt, wrapped", 150, corrupt_body, 1, 0, 0, 0, 0, "is corrupt"},
	{"hole", 40, hole, 0, 1, 0, 0, 0, "lane 0 sequence 4 was acknowledged and is missing"},
	{"hole, wrapped", 150, hole, 0, 1, 0, 0, 0, "is missing"},
	{"lost tail", 40, lost_tail, 0, 1, 0, 0, 0, "lane 0 sequence 13 was acknowledged"},
	{"lost head", 40, lost_head, 0, 1, 0, 0, 0, "lane 0 sequence 0 was acknowledged"},
	{"older run's record", 40, older_run, 0, 1, 0, 0, 0, "lane 0 sequence 4 was"},
	{"twice", 40, twice, 0, 1, 1, 0, 0, "lane 0 sequence 4 is there twice"},
	{"swapped", 40, swapped, 0, 0, 0, 1, 0, "lies before"},
	{"swapped, wrapped", 150, swapped, 0, 0, 0, 1, 0, "lies before"},
	{"offset reset", 40, offset_reset, 0, 37, 0, 0, 0,
	 "sequence 0 was acknowledged and is missing (13 in a row"},
	{"offset reset, wrapped", 150, offset_reset_late, 0, 10, 10, 9, 0,
	 "lane 0 sequence 43 was acknowledged and is missing"},
	{"torn tail", 40, torn_tail, 0, 0, 0, 0, 1, NULL},
	{"absent tail", 40, absent_tail, 0, 0, 0, 0, 0, NULL},
	{"never issued", 40, never_issued, 1, 1, 0, 0, 0, "never issued"},
	{"wrong partition", 40, wrong_partition, 1, 0, 0, 0, 0, "is corrupt"},
	{"crash", 40, crash, 0, 0, 0, 0, 0, NULL, .crashed = true},
	{"crash, torn tail", 40, crash_torn_tail, 0, 0, 0, 0, 1, NULL, .crashed = true},
	{"crash, torn header", 40, crash_torn_header, 0, 0, 0, 0, 1, NULL, .crashed = true},
	{"crash, lost tail", 40, crash_lost_tail, 0, 1, 0, 0, 0,
	 "lane 0 sequence 13 was acknowledged and is missing", .crashed = true},
	{"crash, damaged", 40, crash_damaged, 0, 1, 0, 0, 1,
	 "lane 2 sequence 3 was acknowledged and is missing", .crashed = true},
	{"crash, lost all", 40, crash_lost_all, 0, 40, 0, 0, 0, "(14 in a row", .crashed = true},
	{"crash of a full ring", SLOTS, crash, 0, 0, 0, 0, 0, "cannot be told", .crashed = true,
	 .code = -EOVERFLOW},
	{"two wrap points", 192, two_wrap_points, 0, 0, 0, 1, 0, "no order of appending"},
};

static struct wal_replay model_log(const struct model *m)
{
	return (struct wal_replay){.path = m->path,
				   .label = "test.log",
				   .nonce = NONCE,
				   .ring_bytes = (uint64_t)SLOTS * m->bytes,
				   .record_bytes = m->bytes,
				   .lanes = m->lanes,
				   .n_lanes = LANES};
}

static void model_open(struct model *m, uint32_t bytes)
{
	*m = (struct model){.path = "wal_replay_test.XXXXXX", .bytes = bytes};
	m->fd = mkstemp(m->path);
	assert_true(m->fd >= 0);
}

static void model_close(struct model *m)
{
	close(m->fd);
	unlink(m->path);
}

static void run_row(const struct row *row, uint32_t bytes)
{
	struct wal_replay log;
	struct model m;
	int r, code = !row->says ? 0 : row->code ? row->code : -EBADMSG;

	model_open(&m, bytes);
	append(&m, row->records);
	row->damage(&m);
	log = model_log(&m);
	log.crashed = row->crashed;
	r = wal_replay(&log, &m.counts, &m.err);
	model_close(&m);
	if (r != code || (row->says && !strstr(m.err.text, row->says)))
		fail_msg("%s (%u bytes): %d, %s", row->name, bytes, r, m.err.text);
	if (row->says && !strstr(m.err.text, "test.log: "))
		fail_msg("%s: no file named in: %s", row->name, m.err.text);
	if (m.counts.corrupt != row->corrupt || m.counts.duplicate != row->duplicate ||
	    m.counts.missing != row->missing || m.counts.reordered != row->reordered ||
	    m.counts.torn != row->torn ||
	    m.counts.acknowledged + (row->crashed ? 0 : row->torn) > row->records)
		fail_msg("%s: corrupt %lu, missing %lu, duplicate %lu, reordered %lu, torn %lu: %s",
			 row->name, m.counts.corrupt, m.counts.missing, m.counts.duplicate,
			 m.counts.reordered, m.counts.torn, m.err.text);
}

/* The sizes: smallest, odd, one block, and a chunk that ends inside a block. */
static void test_rows(void **state)
{
	static const uint32_t sizes[] = {48, 333, 4096, 70001};

	(void)state;
	for (size_t s = 0; s < array_size(sizes); s++)
		for (size_t i = 0; i < array_size(rows); i++)
			run_row(&rows[i], sizes[s]);
}

static void test_counts_add_up(void **state)
{
	struct wal_replay log;
	struct model m;

	(void)state;
	model_open(&m, 512);
	append(&m, 150);
	log = model_log(&m);
	assert_int_equal(wal_replay(&log, &m.counts, &m.err), 0);
	assert_int_equal(wal_replay(&log, &m.counts, &m.err), 0);
	model_close(&m);
	assert_int_equal(m.counts.acknowledged, 300);
	assert_int_equal(m.counts.checked, 2 * SLOTS);
	assert_int_equal(m.counts.replayed, 2 * SLOTS);
}

static void test_no_file(void **state)
{
	struct model m = {.bytes = 512, .path = "wal_replay_test.none"};
	struct wal_replay log = model_log(&m);

	(void)state;
	assert_int_equal(wal_replay(&log, &m.counts, &m.err), -ENOENT);
	assert_non_null(strstr(m.err.text, "test.log"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_counts_add_up),
		cmocka_unit_test(test_no_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

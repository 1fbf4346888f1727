// SPDX-License-Identifier: MIT
/*
 * The generator of block operations and its oracle, on a device that is a piece of memory: what is
 * asked for, where, and that a device which answers wrongly is found out, in the run and after it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness/result.h"
#include "harness/target.h"
#include "harness/util/cleanup.h"
#include "harness/world/block.h"
#include "workloads/workloads.h"

#define DEPTH 8
#define BLOCK 1024u
#define SIZE  (256 * BLOCK)

/* A lane on a file that stands for the device, so that the workload's own I/O works, too. */
struct rig {
	struct target_ops target;
	struct cell cell;
	struct run run;
	struct lane lanes[2];
	struct op ops[2][DEPTH];
	void *config;
	char *device;
	char path[64];
	int fd;
};

static void set(struct rig *rig, const char *name, const char *value)
{
	assert_int_equal(
		param_set_text(param_find(workload_block.params, name), value, rig->config, NULL),
		0);
}

/* Knobs as "name=value name=value". */
static void set_all(struct rig *rig, const char *knobs)
{
	_cleanup_free_ char *copy = strdup(knobs);
	char *save = NULL;

	for (char *word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		char *value = strchr(word, '=');

		*value++ = '\0';
		set(rig, word, value);
	}
}

static void lane_make(struct rig *rig, unsigned index)
{
	struct lane *lane = &rig->lanes[index];

	*lane = (struct lane){.index = index,
			      .depth = DEPTH,
			      .batch = 1,
			      .run = &rig->run,
			      .ops = rig->ops[index],
			      .buf_stride = 4096};
	lane->bufs = aligned_alloc(4096, DEPTH * 4096);
	for (unsigned i = 0; i < DEPTH; i++)
		lane->ops[i] = (struct op){.slot = (uint16_t)i,
					   .cap = BLOCK,
					   .len = BLOCK,
					   .data = (char *)lane->bufs + i * 4096};
}

/* A cell of the workload, not yet set up. */
static struct rig *rig_prepare(unsigned threads, uint64_t payload, const char *knobs)
{
	struct rig *rig = calloc(1, sizeof(*rig));

	rig->config = calloc(1, workload_block.config_size);
	assert_int_equal(param_defaults(workload_block.params, rig->config), 0);
	set_all(rig, knobs);
	rig->cell = (struct cell){
		.workload = &workload_block,
		.target = &rig->target,
		.workload_config = rig->config,
		.axes = {.threads = threads, .depth = DEPTH, .batch = 1, .payload = payload}};
	rig->run = (struct run){.cell = &rig->cell,
				.axes = &rig->cell.axes,
				.seed = 42,
				.workload_config = rig->config,
				.lanes = rig->lanes};
	return rig;
}

static struct rig *rig_new(unsigned threads, const char *knobs)
{
	struct rig *rig = rig_prepare(threads, BLOCK, knobs);
	char name[] = "test_block-XXXXXX"; /* not in /tmp: a tmpfs may lack O_DIRECT */
	struct block_world *w;

	assert_int_equal(workload_block.setup(&rig->run), 0);
	w = rig->run.world;
	rig->fd = mkostemp(name, O_CLOEXEC);
	assert_true(rig->fd >= 0);
	unlink(name);
	assert_int_equal(ftruncate(rig->fd, SIZE), 0);
	rig->device = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, rig->fd, 0);
	snprintf(w->path, sizeof(w->path), "/proc/self/fd/%d", rig->fd);
	w->capacity_bytes = SIZE;
	w->logical_block_bytes = 512;
	for (unsigned i = 0; i < threads; i++) {
		lane_make(rig, i);
		assert_int_equal(workload_block.lane_open(&rig->lanes[i]), 0);
	}
	return rig;
}

static void rig_free(struct rig *rig)
{
	for (unsigned i = 0; rig->device && i < rig->cell.axes.threads; i++) {
		workload_block.lane_close(&rig->lanes[i]);
		free(rig->lanes[i].bufs);
	}
	workload_block.teardown(&rig->run);
	if (rig->device) {
		munmap(rig->device, SIZE);
		close(rig->fd);
	}
	free(rig->config);
	free(rig);
}

static struct op *next(struct rig *rig, unsigned lane, unsigned slot)
{
	struct op *op = &rig->ops[lane][slot];

	workload_block.next(&rig->lanes[lane], &op, 1);
	return op;
}

/* An honest device. */
static void serve(struct rig *rig, struct op *op)
{
	op->result = 0;
	if (op->kind == BLOCK_READ) {
		memcpy(op->data, rig->device + op->addr, op->len);
		op->result = (int32_t)op->len;
	} else if (op->kind == BLOCK_WRITE) {
		memcpy(rig->device + op->addr, op->data, op->len);
		op->result = (int32_t)op->len;
	} else if (op->kind != BLOCK_FLUSH) {
		memset(rig->device + op->addr, 0, op->len);
	}
}

static int check(struct rig *rig, unsigned lane, struct op *op)
{
	return workload_block.check(&rig->lanes[lane], &op, 1);
}

static void kinds_come_as_asked_for(void **state)
{
	struct rig *rig = rig_new(1, "read_percent=50 discard_percent=10 write_zeroes_percent=5 "
				     "flush_every=7");
	unsigned count[BLOCK_KINDS] = {0}, since_flush = 0;

	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		struct op *op = next(rig, 0, 0);

		count[op->kind]++;
		if (op->kind == BLOCK_FLUSH) {
			assert_int_equal(since_flush, 7);
			assert_int_equal(op->len, 0);
			since_flush = 0;
		} else {
			assert_int_equal(op->len, BLOCK);
			assert_int_equal(op->addr % BLOCK, 0);
			assert_true(op->addr < SIZE);
			since_flush += op->kind == BLOCK_WRITE;
		}
	}
	assert_in_range(count[BLOCK_READ], 9000, 10100);
	assert_in_range(count[BLOCK_WRITE], 6300, 7200);
	assert_in_range(count[BLOCK_DISCARD], 1700, 2200);
	assert_in_range(count[BLOCK_WRITE_ZEROES], 800, 1200);
	assert_in_range(count[BLOCK_FLUSH], 850, 1050);
	rig_free(rig);
}

static void random_ones_reach_every_block_of_the_working_set(void **state)
{
	struct rig *rig = rig_new(1, "bytes=64k");
	bool seen[SIZE / BLOCK] = {false};

	(void)state;
	for (unsigned i = 0; i < 2000; i++)
		seen[next(rig, 0, 0)->addr / BLOCK] = true;
	for (unsigned i = 0; i < SIZE / BLOCK; i++)
		assert_int_equal(seen[i], i < 64);
	rig_free(rig);
}

static void sequential_lanes_go_round_parts_of_their_own(void **state)
{
	struct rig *rig = rig_new(2, "pattern=sequential bytes=13k");

	(void)state;
	for (uint64_t i = 0; i < 20; i++)
		assert_int_equal(next(rig, 0, 0)->addr, i % 6 * BLOCK);
	for (uint64_t i = 0; i < 20; i++)
		assert_int_equal(next(rig, 1, 0)->addr, (6 + i % 7) * BLOCK);
	rig_free(rig);
}

static void the_same_seed_asks_for_the_same(void **state)
{
	struct rig *a = rig_new(2, "read_percent=30"), *b = rig_new(2, "read_percent=30");
	unsigned same = 0;

	(void)state;
	for (unsigned i = 0; i < 500; i++) {
		struct op *of_a = next(a, 0, 0), *of_b = next(b, 0, 0), *other = next(b, 1, 0);

		assert_int_equal(of_a->addr, of_b->addr);
		assert_int_equal(of_a->kind, of_b->kind);
		same += of_a->addr == other->addr;
	}
	assert_true(same < 50);
	rig_free(a);
	rig_free(b);
}

static void whatever_fails_or_is_short_ends_the_run(void **state)
{
	struct rig *rig = rig_new(1, "read_percent=50 flush_every=1");
	bool seen[BLOCK_KINDS] = {false};

	(void)state;
	while (!seen[BLOCK_READ] || !seen[BLOCK_WRITE] || !seen[BLOCK_FLUSH]) {
		struct op *op = next(rig, 0, 0);

		seen[op->kind] = true;
		op->result = -EIO;
		assert_int_equal(check(rig, 0, op), -EIO);
		assert_non_null(strstr(rig->lanes[0].err.text, block_kind_names[op->kind]));
		op->result = op->kind == BLOCK_FLUSH ? 1 : (int32_t)BLOCK - 512;
		assert_int_equal(check(rig, 0, op), -EIO);
	}
	rig_free(rig);
}

/* What a doctored device does to an operation that was served; true: it did something. */
typedef bool (*doctor_fn)(struct rig *rig, struct op *op);

static uint64_t verified(struct rig *rig, const char *name, int *ret)
{
	struct result result;
	const cJSON *item;
	uint64_t value;

	result_init(&result, &rig->run);
	*ret = workload_block.verify(&rig->run, &result);
	item = cJSON_GetObjectItemCaseSensitive(result.verify, name);
	value = item ? (uint64_t)item->valuedouble : UINT64_MAX;
	result_free(&result);
	return value;
}

/* A verified run of `n` operations with all slots in flight; the doctor acts once, after a while.
 */
static void drive(struct rig *rig, unsigned n, doctor_fn doctor)
{
	bool done = !doctor;

	for (unsigned i = 0; i < n; i++) {
		struct op *all[DEPTH];

		for (unsigned s = 0; s < DEPTH; s++)
			all[s] = next(rig, 0, s);
		for (unsigned s = 0; s < DEPTH; s++) {
			serve(rig, all[s]);
			done = done || (i > n / 2 && doctor(rig, all[s]));
		}
		for (unsigned s = 0; s < DEPTH; s++)
			assert_int_equal(check(rig, 0, all[s]), 0);
	}
	assert_true(done);
}

#define VERIFIED \
	"verify=true read_percent=40 discard_percent=5 write_zeroes_percent=5 flush_every=5"

static void an_honest_device_passes(void **state)
{
	struct rig *rig = rig_new(1, VERIFIED);
	uint64_t swept;
	int r;

	(void)state;
	drive(rig, 2000, NULL);
	swept = verified(rig, "blocks_read_back", &r);
	assert_int_equal(r, 0);
	assert_int_equal(swept, SIZE / BLOCK);
	assert_true(verified(rig, "reads_compared", &r) > 2000);
	rig_free(rig);
}

/* Two operations on one block are in flight only if both read. */
static void no_two_meet_when_one_changes_the_block(void **state)
{
	struct rig *rig = rig_new(1, VERIFIED " bytes=16k"); /* twice the depth: it is crowded */
	unsigned shared = 0;

	(void)state;
	for (unsigned i = 0; i < 3000; i++) {
		struct op *all[DEPTH];

		for (unsigned s = 0; s < DEPTH; s++) {
			all[s] = next(rig, 0, s);
			for (unsigned o = 0; o < s; o++) {
				if (all[o]->kind == BLOCK_FLUSH || all[s]->kind == BLOCK_FLUSH ||
				    all[o]->addr != all[s]->addr)
					continue;
				assert_int_equal(all[o]->kind | all[s]->kind, BLOCK_READ);
				shared++;
			}
		}
		for (unsigned s = 0; s < DEPTH; s++) {
			serve(rig, all[s]);
			assert_int_equal(check(rig, 0, all[s]), 0);
		}
	}
	assert_true(shared > 100);
	rig_free(rig);
}

static bool flips_a_bit(struct rig *rig, struct op *op)
{
	if (op->kind == BLOCK_WRITE)
		rig->device[op->addr + 700] ^= 4;
	return op->kind == BLOCK_WRITE;
}

static bool forgets_a_write(struct rig *rig, struct op *op)
{
	if (op->kind == BLOCK_WRITE)
		memset(rig->device + op->addr, 0, 512);
	return op->kind == BLOCK_WRITE;
}

static bool writes_elsewhere(struct rig *rig, struct op *op)
{
	uint64_t elsewhere = (op->addr + SIZE / 2) % SIZE;

	if (op->kind == BLOCK_WRITE)
		memcpy(rig->device + elsewhere, rig->device + op->addr, BLOCK);
	return op->kind == BLOCK_WRITE;
}

static bool reads_nothing(struct rig *rig, struct op *op)
{
	(void)rig;
	if (op->kind == BLOCK_READ)
		((char *)op->data)[600] ^= 1;
	return op->kind == BLOCK_READ;
}

static bool leaves_old_content_where_zeroes_belong(struct rig *rig, struct op *op)
{
	if (op->kind == BLOCK_WRITE_ZEROES)
		rig->device[op->addr + 511] = 1;
	return op->kind == BLOCK_WRITE_ZEROES;
}

static void a_doctored_device_is_found_out(void **state)
{
	const struct {
		doctor_fn doctor;
		const char *fault;
	} rows[] = {
		{flips_a_bit, "corrupt"},
		{forgets_a_write, "blank"},
		{writes_elsewhere, "misplaced"},
		{reads_nothing, "corrupt"},
		{leaves_old_content_where_zeroes_belong, "corrupt"},
	};

	(void)state;
	for (unsigned i = 0; i < array_size(rows); i++) {
		/* Few blocks change after the doctor's visit, so that the sweep still finds it. */
		struct rig *rig = rig_new(1, VERIFIED " read_percent=60");
		int r;

		drive(rig, 10, rows[i].doctor);
		assert_true(verified(rig, rows[i].fault, &r) >= 1);
		assert_int_equal(r, -EBADMSG);
		assert_non_null(strstr(rig->run.err.text, "the sector at byte"));
		rig_free(rig);
	}
}

static void a_lost_write_is_stale(void **state)
{
	struct rig *rig = rig_new(1, "verify=true read_percent=0");
	struct op *op;
	int r;

	(void)state;
	drive(rig, 3, NULL);
	op = next(rig, 0, 0);
	op->result = BLOCK; /* acknowledged, and not served */
	assert_int_equal(check(rig, 0, op), 0);
	assert_int_equal(verified(rig, "stale", &r), 1);
	assert_int_equal(r, -EBADMSG);
	rig_free(rig);
}

static void cells_that_make_no_sense(void **state)
{
	const struct {
		const char *knobs;
		unsigned threads, payload;
		const char *word; /* NULL: it does make sense */
	} rows[] = {
		{"read_percent=90 discard_percent=11", 1, 4096, "101"},
		{"flush_every=3", 1, 4096, "flush_every"},
		{"bytes=3k", 1, 4096, "bytes"},
		{"bytes=4k", 1, 4096, NULL},
		{"bytes=60k pattern=sequential", 16, 4096, "16 part(s)"},
		{"bytes=63k verify=true", 1, 4096, "twice the depth"},
		{"bytes=64k verify=true", 1, 4096, NULL},
		{"", 1, 513, "sector"},
		{"", 1, 512, NULL},
	};

	(void)state;
	for (unsigned i = 0; i < array_size(rows); i++) {
		struct rig *rig = rig_prepare(rows[i].threads, rows[i].payload, rows[i].knobs);
		struct err err = {""};

		assert_int_equal(workload_block.check_cell(&rig->cell, &err),
				 rows[i].word ? -EINVAL : 0);
		if (rows[i].word)
			assert_non_null(strstr(err.text, rows[i].word));
		rig_free(rig);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kinds_come_as_asked_for),
		cmocka_unit_test(random_ones_reach_every_block_of_the_working_set),
		cmocka_unit_test(sequential_lanes_go_round_parts_of_their_own),
		cmocka_unit_test(the_same_seed_asks_for_the_same),
		cmocka_unit_test(whatever_fails_or_is_short_ends_the_run),
		cmocka_unit_test(an_honest_device_passes),
		cmocka_unit_test(no_two_meet_when_one_changes_the_block),
		cmocka_unit_test(a_doctored_device_is_found_out),
		cmocka_unit_test(a_lost_write_is_stale),
		cmocka_unit_test(cells_that_make_no_sense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

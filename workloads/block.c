// SPDX-License-Identifier: MIT
/*
 * block: reads, writes, flushes, discards on a block device, over a working set that starts at its
 * beginning. Random operations fall anywhere in it; sequential and verified ones keep to the lane's
 * own part, so that lanes do not meet. What the device is, is the target's business.
 *
 * With `verify` every block of the working set is written before the run, each read of a lane is
 * compared with what the lane knows of the block (block_ledger.c), and at the end the whole working
 * set is read back. What was wrong is counted, and the run goes on: the oracle fails it at its end.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>

#include "harness/result.h"
#include "harness/util/cleanup.h"
#include "harness/util/nsec.h"
#include "harness/util/rng.h"
#include "harness/world/block.h"
#include "workloads/block_ledger.h"
#include "workloads/block_sweep.h"
#include "workloads/workloads.h"

#define FILL_RATE 50e6 /* bytes per second of a slow device, for the deadline */
#define READ_RATE 100e6
/* Verified without `bytes`: no more than this, so that filling and reading back has an end. */
#define VERIFY_BYTES (1ull << 30)

enum pattern { PATTERN_RANDOM, PATTERN_SEQUENTIAL };

struct block_config {
	uint64_t bytes;
	int pattern;
	uint64_t read_percent, discard_percent, write_zeroes_percent;
	uint64_t flush_every;
	bool verify;
};

static const char *const pattern_choices[] = {"random", "sequential", NULL};

static const struct param block_params[] = {
	{"bytes", PARAM_SIZE, offsetof(struct block_config, bytes), "0", .unit = "bytes",
	 .help = "working set, from the device's start; 0: all of it (verified: its first 1 GiB)"},
	{"pattern", PARAM_ENUM, offsetof(struct block_config, pattern), "random",
	 .choices = pattern_choices, .help = "sequential: each lane goes round a part of its own"},
	{"read_percent", PARAM_INT, offsetof(struct block_config, read_percent), "100", .max = 100,
	 .unit = "%", .help = "share of reads; what is left of 100 are writes"},
	{"discard_percent", PARAM_INT, offsetof(struct block_config, discard_percent), "0",
	 .max = 100, .unit = "%", .help = "share of discards"},
	{"write_zeroes_percent", PARAM_INT, offsetof(struct block_config, write_zeroes_percent),
	 "0", .max = 100, .unit = "%", .help = "share of commands that write zeroes"},
	{"flush_every", PARAM_INT, offsetof(struct block_config, flush_every), "0",
	 .unit = "writes", .help = "a flush after so many writes of a lane; 0: none"},
	{"verify", PARAM_BOOL, offsetof(struct block_config, verify), "false",
	 .help = "write the working set with stamped blocks, compare what is read, read all of it "
		 "back at the end"},
	PARAM_END,
};

#define KIND_METRICS(kind)                                                                        \
	{kind "_p50", "ns", BETTER_LOWER, "median service time of a " kind},                      \
	{                                                                                         \
		kind "_p99", "ns", BETTER_LOWER, "99th percentile of the service time of a " kind \
	}

static const struct metric block_metrics[] = {
	{"bytes_per_s", "bytes/s", BETTER_HIGHER,
	 "bytes read and written per second of the window"},
	KIND_METRICS("read"),
	KIND_METRICS("write"),
	KIND_METRICS("flush"),
	KIND_METRICS("discard"),
	KIND_METRICS("write_zeroes"),
	METRIC_END,
};

struct block {
	struct block_world world;
	uint64_t nonce;
};

struct lane_state {
	struct rng rng;
	uint64_t first, n;	     /* its blocks: the part, or all of them */
	uint64_t cursor;	     /* next of them, sequentially */
	uint64_t until_flush;	     /* writes */
	unsigned below[BLOCK_KINDS]; /* a number 0 .. 99 below this means the kind */
	uint64_t ops, moving;	     /* completed well; of these, reads and writes */
	struct block_ledger ledger;  /* verified */
	struct block_faults faults;
};

static int check_mix(const struct block_config *c, struct err *err)
{
	uint64_t sum = c->read_percent + c->discard_percent + c->write_zeroes_percent;

	if (sum > 100)
		return err_set(err, -EINVAL,
			       "read_percent, discard_percent and write_zeroes_percent add up to "
			       "%llu: lower read_percent (%llu)",
			       (unsigned long long)sum, (unsigned long long)c->read_percent);
	if (c->flush_every && sum == 100)
		return err_set(err, -EINVAL,
			       "flush_every counts writes, and there are none (read_percent %llu)",
			       (unsigned long long)c->read_percent);
	return 0;
}

/* Are `blocks` enough for every lane? Verified lanes never wait for a block: there are others. */
static int check_parts(const struct cell *cell, uint64_t blocks, struct err *err)
{
	const struct block_config *c = cell->workload_config;
	uint64_t need = c->verify ? 2 * cell->axes.depth : 1;
	uint64_t parts = c->verify || c->pattern == PATTERN_SEQUENTIAL ? cell->axes.threads : 1;

	if (blocks / parts >= need)
		return 0;
	return err_set(
		err, -EINVAL,
		"bytes: the working set has %llu blocks of %llu bytes, and %llu part(s) need "
		"%llu or more each%s",
		(unsigned long long)blocks, (unsigned long long)cell->axes.payload,
		(unsigned long long)parts, (unsigned long long)need,
		c->verify ? ", twice the depth" : "");
}

static int block_check_cell(const struct cell *cell, struct err *err)
{
	const struct block_config *c = cell->workload_config;
	int r = check_mix(c, err);

	if (r < 0)
		return r;
	if (cell->axes.payload % BLOCK_SECTOR)
		return err_set(err, -EINVAL, "payload: %llu is no multiple of a sector (%u bytes)",
			       (unsigned long long)cell->axes.payload, BLOCK_SECTOR);
	return c->bytes ? check_parts(cell, c->bytes / cell->axes.payload, err) : 0;
}

static uint64_t block_extra_ns(const struct cell *cell)
{
	const struct block_config *c = cell->workload_config;
	double bytes = (double)(c->bytes ? c->bytes : VERIFY_BYTES);

	if (!c->verify)
		return 0;
	return (uint64_t)((bytes / FILL_RATE + bytes / READ_RATE) * (double)NSEC_PER_SEC);
}

static unsigned kinds_of(const struct block_config *c)
{
	unsigned writes =
		(unsigned)(100 - c->read_percent - c->discard_percent - c->write_zeroes_percent);

	return (c->read_percent ? 1u << BLOCK_READ : 0) | (writes ? 1u << BLOCK_WRITE : 0) |
	       (c->flush_every ? 1u << BLOCK_FLUSH : 0) |
	       (c->discard_percent ? 1u << BLOCK_DISCARD : 0) |
	       (c->write_zeroes_percent ? 1u << BLOCK_WRITE_ZEROES : 0);
}

static int block_setup(struct run *run)
{
	const struct block_config *c = run->workload_config;
	struct block *b = run->workload = calloc(1, sizeof(*b));

	if (!b)
		return err_sys(&run->err, -ENOMEM, "block");
	if (getrandom(&b->nonce, sizeof(b->nonce), 0) != sizeof(b->nonce))
		return err_sys(&run->err, -errno, "getrandom");
	b->world.window = mmap(NULL, sizeof(*b->world.window), PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (b->world.window == MAP_FAILED) {
		b->world.window = NULL;
		return err_sys(&run->err, -errno, "a page for the window");
	}
	b->world.wanted_bytes = c->bytes;
	b->world.block_bytes = (uint32_t)run->axes->payload;
	b->world.kinds = kinds_of(c);
	b->world.verify = c->verify;
	run->world = &b->world;
	return 0;
}

/* The device is known now. Every lane comes to the same result. */
static uint64_t working_set(const struct lane *lane)
{
	const struct block_world *w = lane->run->world;
	uint64_t bytes = w->wanted_bytes ? w->wanted_bytes : w->capacity_bytes;

	if (!w->wanted_bytes && w->verify)
		bytes = min_of(bytes, VERIFY_BYTES);
	return bytes / w->block_bytes;
}

static void take_part(const struct lane *lane, struct lane_state *s, uint64_t blocks)
{
	const struct block_config *c = lane->run->workload_config;
	uint64_t lanes = lane->run->axes->threads;

	s->n = blocks;
	if (!c->verify && c->pattern == PATTERN_RANDOM)
		return;
	s->first = blocks * lane->index / lanes;
	s->n = blocks * (lane->index + 1) / lanes - s->first;
}

static void take_mix(const struct block_config *c, struct lane_state *s)
{
	unsigned below = 0;

	s->below[BLOCK_READ] = below += (unsigned)c->read_percent;
	s->below[BLOCK_DISCARD] = below += (unsigned)c->discard_percent;
	s->below[BLOCK_WRITE_ZEROES] = below + (unsigned)c->write_zeroes_percent;
	s->until_flush = c->flush_every;
}

/* Unverified writes: bytes that no device can fold, made once. */
static void fill_buffers(struct lane *lane, struct rng *rng)
{
	uint64_t *word = lane->bufs;

	for (size_t i = 0; i < lane->depth * lane->buf_stride / sizeof(*word); i++)
		word[i] = rng_next(rng);
}

static int open_verified(struct lane *lane, struct lane_state *s)
{
	const struct block *b = lane->run->workload;
	int r = block_ledger_init(&s->ledger, b->nonce, s->first, s->n, b->world.block_bytes);

	return r < 0 ? err_sys(&lane->err, r, "ledger of %llu blocks", (unsigned long long)s->n)
		     : block_sweep_fill(b->world.path, &s->ledger, &lane->err);
}

static int block_lane_open(struct lane *lane)
{
	const struct block_world *w = lane->run->world;
	struct lane_state *s = aligned_alloc(64, (sizeof(*s) + 63) / 64 * 64);
	uint64_t blocks = working_set(lane);
	int r;

	if (!s)
		return err_sys(&lane->err, -ENOMEM, "block lane");
	*s = (struct lane_state){.first = 0};
	lane->workload = s;
	r = check_parts(lane->run->cell, blocks, &lane->err);
	if (r < 0)
		return r;
	rng_seed(&s->rng, lane->run->seed + 0x9e3779b97f4a7c15ull * (lane->index + 1));
	take_part(lane, s, blocks);
	take_mix(lane->run->workload_config, s);
	if (w->verify)
		return open_verified(lane, s);
	if (w->kinds & 1u << BLOCK_WRITE)
		fill_buffers(lane, &s->rng);
	return 0;
}

static enum block_kind pick_kind(const struct block_config *c, struct lane_state *s)
{
	uint64_t draw;

	if (c->read_percent == 100)
		return BLOCK_READ;
	if (c->flush_every && !s->until_flush) {
		s->until_flush = c->flush_every;
		return BLOCK_FLUSH;
	}
	draw = rng_below(&s->rng, 100);
	if (draw < s->below[BLOCK_READ])
		return BLOCK_READ;
	if (draw < s->below[BLOCK_DISCARD])
		return BLOCK_DISCARD;
	if (draw < s->below[BLOCK_WRITE_ZEROES])
		return BLOCK_WRITE_ZEROES;
	s->until_flush--;
	return BLOCK_WRITE;
}

static uint64_t pick_block(const struct block_config *c, struct lane_state *s)
{
	uint64_t block = s->cursor;

	if (c->pattern == PATTERN_RANDOM)
		return rng_below(&s->rng, s->n);
	s->cursor = block + 1 < s->n ? block + 1 : 0;
	return block;
}

static void next_one(const struct block_config *c, struct lane_state *s, struct op *op)
{
	enum block_kind kind = pick_kind(c, s);
	uint64_t block;

	op->kind = (uint8_t)kind;
	if (kind == BLOCK_FLUSH) {
		op->addr = 0;
		op->len = 0;
		return;
	}
	block = pick_block(c, s);
	if (c->verify) {
		block = block_ledger_find(&s->ledger, block, kind);
		block_ledger_begin(&s->ledger, block, kind, op->data);
	}
	op->len = op->cap;
	op->addr = (s->first + block) * op->cap;
}

static void block_next(struct lane *lane, struct op **ops, unsigned n)
{
	const struct block_config *c = lane->run->workload_config;

	for (unsigned i = 0; i < n; i++)
		next_one(c, lane->workload, ops[i]);
}

static int refuse(struct lane *lane, const struct op *op)
{
	const struct block_world *w = lane->run->world;

	if (op->result >= 0)
		return err_set(&lane->err, -EIO,
			       "%s of %u bytes at byte %llu of %s: %d bytes moved",
			       block_kind_names[op->kind], op->len, (unsigned long long)op->addr,
			       w->path, op->result);
	return err_sys(&lane->err, op->result, "%s of %u bytes at byte %llu of %s",
		       block_kind_names[op->kind], op->len, (unsigned long long)op->addr, w->path);
}

/* No operation may fail or be short. */
static int block_check(struct lane *lane, struct op **ops, unsigned n)
{
	const struct block_world *w = lane->run->world;
	struct lane_state *s = lane->workload;
	unsigned moving = 0;

	for (unsigned i = 0; i < n; i++) {
		const struct op *op = ops[i];
		uint32_t moved = op->kind <= BLOCK_WRITE ? op->len : 0;

		if (op->result != (int32_t)moved)
			return refuse(lane, op);
		moving += op->kind <= BLOCK_WRITE;
		if (w->verify && op->kind != BLOCK_FLUSH)
			block_ledger_end(&s->ledger, op->addr / op->cap - s->first,
					 (enum block_kind)op->kind, op->data, &s->faults);
	}
	s->ops += n;
	s->moving += moving;
	return 0;
}

/* The end last: until then the window is empty. */
static void block_window(struct run *run, uint64_t begin_ns, uint64_t end_ns)
{
	const struct block_world *w = run->world;

	atomic_store(&w->window->begin_ns, begin_ns);
	atomic_store(&w->window->end_ns, end_ns);
}

static int block_verify(struct run *run, struct result *result)
{
	const struct block_world *w = run->world;
	struct block_faults lanes = {0}, sweep = {0};
	uint64_t compared;
	int r = 0;

	if (!w->verify)
		return 0;
	for (uint64_t i = 0; i < run->axes->threads; i++) {
		const struct lane_state *s = run->lanes[i].workload;

		block_faults_add(&lanes, &s->faults);
		if (r == 0)
			r = block_sweep_check(w->path, &s->ledger, &sweep, &run->err);
	}
	compared = lanes.compared;
	result_verify(result, "reads_compared", compared);
	result_verify(result, "blocks_read_back", sweep.compared);
	block_faults_add(&lanes, &sweep);
	for (unsigned i = BLOCK_GOOD + 1; i < BLOCK_FAULTS; i++)
		result_verify(result, block_fault_names[i], lanes.count[i]);
	if (r == 0 && block_faults_total(&lanes))
		r = err_set(&run->err, -EBADMSG, "%s", lanes.first.text);
	return r;
}

/* The window's operations are counted by the drive, the share of those that move data by the lanes,
 * over the whole run: where there are no others it is exact. */
static void block_report(struct run *run, const struct window *window, struct result *result)
{
	double seconds = (double)(window->end_ns - window->begin_ns) / (double)NSEC_PER_SEC;
	double ops = 0, moving = 0;

	for (uint64_t i = 0; i < run->axes->threads; i++) {
		const struct lane_state *s = run->lanes[i].workload;

		ops += (double)s->ops;
		moving += (double)s->moving;
	}
	if (ops > 0)
		result_metric(result, "bytes_per_s",
			      (double)window->ops * (moving / ops) * (double)run->axes->payload /
				      seconds);
	else
		result_metric_none(result, "bytes_per_s", "no operation completed");
}

static void block_lane_close(struct lane *lane)
{
	struct lane_state *s = lane->workload;

	if (!s)
		return;
	block_ledger_free(&s->ledger);
	free(s);
	lane->workload = NULL;
}

static void block_teardown(struct run *run)
{
	struct block *b = run->workload;

	if (b && b->world.window)
		munmap(b->world.window, sizeof(*b->world.window));
	free(b);
	run->workload = NULL;
}

const struct workload_ops workload_block = {
	.name = "block",
	.help = "reads, writes and flushes of a block device, its content verified on demand",
	.op_name = "I/O",
	.yardstick = "wake",
	.params = block_params,
	.config_size = sizeof(struct block_config),
	.metrics = block_metrics,
	.payload_default = 4096,
	.payload_min = BLOCK_SECTOR,
	.payload_max = 1 << 20,
	.kinds = block_kind_names,
	.check_cell = block_check_cell,
	.extra_ns = block_extra_ns,
	.setup = block_setup,
	.lane_open = block_lane_open,
	.next = block_next,
	.check = block_check,
	.window = block_window,
	.verify = block_verify,
	.report = block_report,
	.lane_close = block_lane_close,
	.teardown = block_teardown,
};

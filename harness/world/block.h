/* SPDX-License-Identifier: MIT */
/*
 * What the block workload publishes for its targets (run->world), and what a target's set-up adds.
 *
 * Operation: op->kind is an enum block_kind, op->addr a byte offset on the device, op->len bytes
 * (of op->data for reads and writes). Offsets and lengths are multiples of the payload, which is
 * the block size of the cell. It completes with result = len (read, write) or 0 (all others). A
 * flush, which has neither address nor length, covers the writes that completed before it was
 * submitted.
 *
 * A target only provides a block device; the operations reach it through the port that all of them
 * share (targets/block/block_port.h). The device must be there, with the content that the
 * operations gave it, until teardown: the oracle reads it back after `stop`.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum block_kind {
	BLOCK_READ,
	BLOCK_WRITE,
	BLOCK_FLUSH,
	BLOCK_DISCARD,
	BLOCK_WRITE_ZEROES, /* afterwards the blocks read as zeroes */
	BLOCK_KINDS
};

/* As reports name them, and a NULL. */
extern const char *const block_kind_names[BLOCK_KINDS + 1];

#define BLOCK_PATH_MAX 256

struct block_port;

/* The measured window by CLOCK_MONOTONIC; empty until it is known, which is before the first
 * operation. */
struct block_window {
	_Atomic uint64_t begin_ns, end_ns;
};

static inline bool block_window_has(const struct block_window *w, uint64_t ns)
{
	return ns >= atomic_load_explicit(&w->begin_ns, memory_order_relaxed) &&
	       ns < atomic_load_explicit(&w->end_ns, memory_order_relaxed);
}

struct block_world {
	/* From the workload, before the target's setup. */
	uint64_t wanted_bytes; /* the working set, from offset 0; 0 = all that the device has */
	uint32_t block_bytes;  /* = axes->payload */
	unsigned kinds;	       /* set of 1 << enum block_kind: what will be asked for */
	bool verify;	       /* what is written will be read back and compared */
	/* In a shared mapping made before the target's setup, so that a server process that was
	 * forked there sees it, too. */
	struct block_window *window;

	/* From the target, by the end of its setup. block_port_attach fills all but keeps_data. */
	char path[BLOCK_PATH_MAX]; /* the block device: every lane opens it */
	dev_t device;		   /* what must be found there */
	uint64_t capacity_bytes;
	uint32_t logical_block_bytes;
	uint64_t max_discard_bytes, max_write_zeroes_bytes; /* of one request; 0: it can not */
	bool keeps_data; /* false: it forgets what is written, so there is nothing to verify */
	struct block_port *port; /* the shared port's own */
};

/* Does the workload change the device? */
static inline bool block_world_writes(const struct block_world *w)
{
	return w->verify ||
	       w->kinds & (1u << BLOCK_WRITE | 1u << BLOCK_DISCARD | 1u << BLOCK_WRITE_ZEROES);
}

// SPDX-License-Identifier: MIT
/*
 * The peer of nop/uring: the loop that somebody writes who wants nothing but NOPs through liburing.
 * It keeps `depth` in flight, submits `batch` at a time with a plain ring, takes whatever has
 * completed, and looks at the clock once in 64 batches: no histogram, no per-operation state.
 *
 *	nop_loop DEPTH BATCH WARMUP_MS DURATION_MS      prints operations per second
 */
#include <liburing.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define CLOCK_EVERY 64

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ull + (uint64_t)ts.tv_nsec;
}

static int submit_batch(struct io_uring *ring, unsigned batch)
{
	for (unsigned i = 0; i < batch; i++) {
		struct io_uring_sqe *sqe = io_uring_get_sqe(ring);

		if (!sqe)
			return -1;
		io_uring_prep_nop(sqe);
	}
	return io_uring_submit(ring) == (int)batch ? 0 : -1;
}

/* Waits for a batch and takes all that is there. */
static int reap(struct io_uring *ring, unsigned batch, unsigned *in_flight)
{
	struct io_uring_cqe *cqe;
	unsigned head, n = 0;

	if (io_uring_wait_cqe_nr(ring, &cqe, batch))
		return -1;
	io_uring_for_each_cqe (ring, head, cqe)
		n++;
	io_uring_cq_advance(ring, n);
	*in_flight -= n;
	return (int)n;
}

static int run_until(struct io_uring *ring, unsigned depth, unsigned batch, uint64_t end_ns,
		     unsigned *in_flight, uint64_t *ret_ops)
{
	uint64_t ops = 0;

	do {
		for (unsigned i = 0; i < CLOCK_EVERY; i++) {
			int n;

			while (*in_flight + batch <= depth) {
				if (submit_batch(ring, batch))
					return -1;
				*in_flight += batch;
			}
			n = reap(ring, batch, in_flight);
			if (n < 0)
				return -1;
			ops += (unsigned)n;
		}
	} while (now_ns() < end_ns);
	*ret_ops = ops;
	return 0;
}

int main(int argc, char **argv)
{
	unsigned depth, batch, in_flight = 0;
	uint64_t ops, begin;
	struct io_uring ring;

	if (argc != 5) {
		fprintf(stderr, "usage: nop_loop DEPTH BATCH WARMUP_MS DURATION_MS\n");
		return 2;
	}
	depth = (unsigned)atoi(argv[1]);
	batch = (unsigned)atoi(argv[2]);
	if (io_uring_queue_init(depth, &ring, 0) ||
	    run_until(&ring, depth, batch, now_ns() + strtoull(argv[3], NULL, 10) * 1000000,
		      &in_flight, &ops)) {
		perror("nop_loop");
		return 1;
	}
	begin = now_ns();
	if (run_until(&ring, depth, batch, begin + strtoull(argv[4], NULL, 10) * 1000000,
		      &in_flight, &ops)) {
		perror("nop_loop");
		return 1;
	}
	printf("%.0f\n", (double)ops * 1e9 / (double)(now_ns() - begin));
	io_uring_queue_exit(&ring);
	return 0;
}

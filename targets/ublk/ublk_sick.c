// SPDX-License-Identifier: MIT
/*
 * Servers that are sick on purpose. Those that cheat do so with the first request of their kind
 * and every UBLK_SICK_EVERY-th from then on; the one that is killed kills itself while it holds
 * requests that it has not answered.
 */
#include "targets/ublk/ublk_sick.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "harness/util/nsec.h"

#define UBLK_SICK_EVERY 64
#define KILLED_AT	4 /* requests into the window, for each thread */

static bool is_due(struct ublk_thread *t)
{
	return t->sick++ % UBLK_SICK_EVERY == 0;
}

/* The ring reads the time when the entry is handed in, so one for all will do. */
static void delay(struct ublk_thread *t, struct ublk_tag *tag)
{
	struct io_uring_sqe *sqe = ublk_sqe(t);

	if (!sqe)
		return;
	t->slow_time = (struct __kernel_timespec){
		.tv_sec = (long long)(t->setup->config->slow_ns / NSEC_PER_SEC),
		.tv_nsec = (long long)(t->setup->config->slow_ns % NSEC_PER_SEC)};
	io_uring_prep_timeout(sqe, &t->slow_time, 0, 0);
	ublk_sqe_data(sqe, tag, UBLK_CQE_DELAY);
}

/* Counted before it happens: the server may be dead afterwards. */
static void count(struct ublk_thread *t)
{
	t->counts[t->measured].faults++;
}

static void maybe_die(struct ublk_thread *t)
{
	if (!t->measured || ++t->sick < KILLED_AT || atomic_fetch_add(&t->setup->shared->kills, 1))
		return;
	count(t);
	kill(getpid(), SIGKILL);
}

bool ublk_sick_begin(struct ublk_thread *t, struct ublk_tag *tag)
{
	switch ((enum ublk_fault)t->setup->config->fault) {
	case UBLK_FAULT_SLOW_QUEUE:
		if (!tag->slice->slow)
			return false;
		count(t);
		delay(t, tag);
		return true;
	case UBLK_FAULT_KILL_SERVER:
		maybe_die(t);
		return false;
	case UBLK_FAULT_LOSE_WRITES:
		if (tag->request.op != UBLK_IO_OP_WRITE || !is_due(t))
			return false;
		count(t);
		ublk_done(t, tag, (int32_t)tag->request.bytes);
		return true;
	default:
		return false;
	}
}

int32_t ublk_sick_end(struct ublk_thread *t, struct ublk_tag *tag, int32_t result)
{
	switch ((enum ublk_fault)t->setup->config->fault) {
	case UBLK_FAULT_CORRUPT_READS:
		if (tag->request.op != UBLK_IO_OP_READ || result <= 0 || !is_due(t))
			return result;
		count(t);
		((char *)tag->buf)[result / 2] ^= 1;
		return result;
	case UBLK_FAULT_ERRORS:
		if (!is_due(t))
			return result;
		count(t);
		return -EIO;
	default:
		return result;
	}
}

// SPDX-License-Identifier: MIT
/* The device in large pieces; see the header. */
#include "workloads/block_sweep.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "harness/util/cleanup.h"

#define PIECE                                                                              \
	1048576u /* a multiple of every block size that is a power of two, and the largest \
		  */

struct sweep {
	int fd;
	char *buf;
	uint64_t blocks; /* that the buffer holds */
};

static void sweep_close(struct sweep *s)
{
	cleanup_close(&s->fd);
	free(s->buf);
}

static int sweep_open(struct sweep *s, const char *device, int flags, uint32_t block_bytes,
		      struct err *err)
{
	s->blocks = PIECE / block_bytes;
	s->buf = aligned_alloc(4096, PIECE);
	if (!s->buf)
		return err_sys(err, -ENOMEM, "buffer for %s", device);
	s->fd = open(device, flags | O_DIRECT | O_CLOEXEC);
	return s->fd < 0 ? err_sys(err, -errno, "%s", device) : 0;
}

/* What a transfer of `want` bytes came to. */
static int outcome(ssize_t got, uint64_t want)
{
	if (got < 0)
		return -errno;
	return (uint64_t)got == want ? 0 : -EIO;
}

int block_sweep_fill(const char *device, struct block_ledger *l, struct err *err)
{
	_cleanup_(sweep_close) struct sweep s = {.fd = -1};
	int r = sweep_open(&s, device, O_WRONLY, l->block_bytes, err);

	for (uint64_t at = 0, n; r == 0 && at < l->n; at += n) {
		uint64_t addr = (l->first + at) * l->block_bytes;

		n = min_of(s.blocks, l->n - at);
		for (uint64_t i = 0; i < n; i++)
			block_ledger_fill(l, at + i, s.buf + i * l->block_bytes);
		r = outcome(pwrite(s.fd, s.buf, n * l->block_bytes, (off_t)addr),
			    n * l->block_bytes);
		if (r < 0)
			err_sys(err, r, "filling %s at byte %llu", device,
				(unsigned long long)addr);
	}
	return r;
}

int block_sweep_check(const char *device, const struct block_ledger *l, struct block_faults *faults,
		      struct err *err)
{
	_cleanup_(sweep_close) struct sweep s = {.fd = -1};
	int r = sweep_open(&s, device, O_RDONLY, l->block_bytes, err);

	for (uint64_t at = 0, n; r == 0 && at < l->n; at += n) {
		uint64_t addr = (l->first + at) * l->block_bytes;

		n = min_of(s.blocks, l->n - at);
		r = outcome(pread(s.fd, s.buf, n * l->block_bytes, (off_t)addr),
			    n * l->block_bytes);
		if (r < 0)
			return err_sys(err, r, "reading %s back at byte %llu", device,
				       (unsigned long long)addr);
		for (uint64_t i = 0; i < n; i++)
			block_ledger_check(l, at + i, s.buf + i * l->block_bytes, faults);
	}
	return r;
}

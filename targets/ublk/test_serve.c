// SPDX-License-Identifier: MIT
/* The smallest ublk server: one thread, one queue, no data. Reads are whatever a buffer holds. */
#include "targets/ublk/test_serve.h"

#include <fcntl.h>
#include <liburing.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "targets/ublk/ublk_ctl.h"
#include "targets/ublk/ublk_io_abi.h"

#define SECTOR 512

static void post(struct io_uring *ring, const struct test_server *s, unsigned nr, unsigned tag,
		 int result, void *buf)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);
	struct ublksrv_io_cmd *cmd;

	if (!sqe)
		_exit(9); /* the ring is as deep as there are tags */
	memset(sqe, 0, 2 * sizeof(*sqe));
	cmd = (struct ublksrv_io_cmd *)sqe->cmd;
	sqe->opcode = IORING_OP_URING_CMD;
	sqe->fd = 0;
	sqe->flags = IOSQE_FIXED_FILE;
	sqe->cmd_op = s->legacy ? nr : UBLK_IO_U(nr);
	sqe->user_data = tag;
	*cmd = (struct ublksrv_io_cmd){
		.tag = (uint16_t)tag, .result = result, .addr = (uint64_t)(uintptr_t)buf};
}

static int answer(const struct ublksrv_io_desc *d)
{
	return ublk_desc_op(d) <= UBLK_IO_OP_WRITE ? (int)d->nr_sectors * SECTOR : 0;
}

/* One queue on one ring, until the device stops. */
int test_serve(const struct test_server *s)
{
	static char bufs[TEST_SERVE_DEPTH][TEST_SERVE_IO_BYTES];
	const struct ublksrv_io_desc *descs;
	struct io_uring_cqe *cqe;
	struct io_uring ring;
	char path[UBLK_PATH_MAX];
	int fd, live = TEST_SERVE_DEPTH;

	ublk_char_path(s->id, path);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0 || io_uring_queue_init(TEST_SERVE_DEPTH, &ring, IORING_SETUP_SQE128) ||
	    io_uring_register_files(&ring, &fd, 1))
		return 1;
	descs = mmap(NULL, ublk_desc_bytes(TEST_SERVE_DEPTH, 4096), PROT_READ, MAP_SHARED, fd, 0);
	if (descs == MAP_FAILED)
		return 2;
	for (unsigned i = 0; i < TEST_SERVE_DEPTH; i++)
		post(&ring, s, UBLK_IO_FETCH_REQ, i, 0, bufs[i]);
	while (live && io_uring_submit_and_wait(&ring, 1) >= 0) {
		unsigned tag;
		int res;

		if (io_uring_peek_cqe(&ring, &cqe))
			continue;
		tag = (unsigned)cqe->user_data;
		res = cqe->res;
		io_uring_cqe_seen(&ring, cqe);
		if (res != UBLK_IO_RES_OK)
			live--;
		else if (!*s->hold)
			post(&ring, s, UBLK_IO_COMMIT_AND_FETCH_REQ, tag, answer(&descs[tag]),
			     bufs[tag]);
	}
	return live ? 3 : 0;
}

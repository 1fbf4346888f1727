// SPDX-License-Identifier: MIT
/*
 * The backend that keeps the data in a file, or on another block device. Requests become operations
 * of the thread's own ring, handed in by the system call that commits others; with `file_io` call,
 * reads and writes are made on the spot, which is quicker where the ring would give them to a
 * worker (tmpfs, which cannot promise not to block); with map they are copies to and from the page
 * cache, which is quicker still: on tmpfs the ring comes to 0.64 of the kernel's loop device, calls
 * to 0.77.
 *
 * Zero copy registers the request's pages in the ring's table, reads or writes the file with them,
 * and lets go of them, as three linked entries; the driver may do the first and the last itself.
 * With user copy the bytes take a way through the tag's buffer.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "harness/pad.h"
#include "targets/ublk/ublk_serve.h"

static bool is_write(const struct ublk_tag *tag)
{
	return tag->request.op == UBLK_IO_OP_WRITE;
}

static int write_flags(const struct ublk_tag *tag)
{
	return is_write(tag) && tag->desc->op_flags & UBLK_IO_F_FUA ? RWF_DSYNC : 0;
}

/* User copy: the bytes of a write come into the buffer before, those of a read leave it after. */
static int collect(struct ublk_thread *t, const struct ublk_tag *tag)
{
	ssize_t n = pread(ublk_server_char_fd(t->server), tag->buf, tag->request.bytes,
			  ublk_copy_offset(tag->slice->queue, tag->tag, 0));

	return n < 0 ? -errno : n == (ssize_t)tag->request.bytes ? 0 : -EIO;
}

static int supply(struct ublk_thread *t, const struct ublk_tag *tag, int32_t bytes)
{
	ssize_t n = pwrite(ublk_server_char_fd(t->server), tag->buf, (size_t)bytes,
			   ublk_copy_offset(tag->slice->queue, tag->tag, 0));

	return n < 0 ? -errno : n == bytes ? 0 : -EIO;
}

/* The file has given `bytes` to a read, or taken them from a write. */
static int32_t moved(struct ublk_thread *t, const struct ublk_tag *tag, int32_t bytes)
{
	bool on_its_way = t->setup->config->copy == UBLK_COPY_USER && !is_write(tag);
	int r = on_its_way ? supply(t, tag, bytes) : 0;

	return r ? r : bytes;
}

static void set_file(struct io_uring_sqe *sqe, struct ublk_tag *tag)
{
	sqe->flags |= IOSQE_FIXED_FILE;
	ublk_sqe_data(sqe, tag, UBLK_CQE_BACKEND);
}

/* The pages of the request as buffer `tag->buffer` of the ring: from its first byte on, so the
 * address is an offset, 0. */
static void move_fixed(struct ublk_tag *tag, struct io_uring_sqe *sqe)
{
	io_uring_prep_rw(is_write(tag) ? IORING_OP_WRITE_FIXED : IORING_OP_READ_FIXED, sqe,
			 UBLK_FIXED_FILE, NULL, tag->request.bytes, tag->request.offset);
	sqe->buf_index = tag->buffer;
	sqe->rw_flags = write_flags(tag);
	set_file(sqe, tag);
}

static void buffer_command(struct ublk_tag *tag, struct io_uring_sqe *sqe, uint32_t op)
{
	struct ublksrv_io_cmd cmd = {
		.q_id = (uint16_t)tag->slice->queue, .tag = tag->tag, .addr = tag->buffer};

	memset(sqe, 0, sizeof(*sqe));
	sqe->opcode = IORING_OP_URING_CMD;
	sqe->fd = UBLK_FIXED_CHAR;
	sqe->cmd_op = UBLK_IO_U(op);
	sqe->flags = IOSQE_FIXED_FILE;
	memcpy(sqe->cmd, &cmd, sizeof(cmd));
	ublk_sqe_data(sqe, tag, UBLK_CQE_BUFFER);
}

/* Hard links: the buffer is let go of also when the operation failed. If registering fails, the
 * operation finds no buffer and fails with EFAULT, and so does letting go. */
static int32_t move_zero_copy(struct ublk_thread *t, struct ublk_tag *tag)
{
	struct io_uring_sqe *sqe[3];

	if (!ublk_sqe_room(t, 3))
		return -EIO;
	for (int i = 0; i < 3; i++)
		sqe[i] = ublk_sqe(t);
	buffer_command(tag, sqe[0], UBLK_IO_REGISTER_IO_BUF);
	move_fixed(tag, sqe[1]);
	buffer_command(tag, sqe[2], UBLK_IO_UNREGISTER_IO_BUF);
	sqe[0]->flags |= IOSQE_IO_HARDLINK;
	sqe[1]->flags |= IOSQE_IO_HARDLINK;
	tag->waits_for = 3;
	return UBLK_PENDING;
}

static ssize_t write_by_call(struct ublk_thread *t, struct ublk_tag *tag)
{
	struct iovec iov = {.iov_base = tag->buf, .iov_len = tag->request.bytes};
	int fd = t->setup->file_fd, flags = write_flags(tag);

	return flags ? pwritev2(fd, &iov, 1, (off_t)tag->request.offset, flags)
		     : pwrite(fd, tag->buf, tag->request.bytes, (off_t)tag->request.offset);
}

static int32_t move_by_call(struct ublk_thread *t, struct ublk_tag *tag)
{
	ssize_t n;

	do
		n = is_write(tag) ? write_by_call(t, tag)
				  : pread(t->setup->file_fd, tag->buf, tag->request.bytes,
					  (off_t)tag->request.offset);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : (int32_t)n;
}

static int32_t move_by_ring(struct ublk_thread *t, struct ublk_tag *tag)
{
	struct io_uring_sqe *sqe = ublk_sqe(t);

	if (!sqe)
		return -EIO;
	io_uring_prep_rw(is_write(tag) ? IORING_OP_WRITE : IORING_OP_READ, sqe, UBLK_FIXED_FILE,
			 tag->buf, tag->request.bytes, tag->request.offset);
	sqe->rw_flags = write_flags(tag);
	set_file(sqe, tag);
	return UBLK_PENDING;
}

/* What FUA asks of a write that is in the page cache: the ring waits for the disk. */
static int32_t move_by_map(struct ublk_thread *t, struct ublk_tag *tag)
{
	int32_t n = ublk_memory_move(t, tag);
	struct io_uring_sqe *sqe;

	if (n < 0 || !write_flags(tag))
		return n;
	sqe = ublk_sqe(t);
	if (!sqe)
		return -EIO;
	io_uring_prep_fsync(sqe, UBLK_FIXED_FILE, IORING_FSYNC_DATASYNC);
	sqe->off = tag->request.offset;
	sqe->len = tag->request.bytes;
	set_file(sqe, tag);
	tag->result = n;
	return UBLK_PENDING;
}

static int32_t move(struct ublk_thread *t, struct ublk_tag *tag)
{
	const struct ublk_config *c = t->setup->config;
	enum ublk_file_io how = ublk_file_io(c);
	struct io_uring_sqe *sqe;
	int32_t n;
	int r;

	if (c->copy == UBLK_COPY_ZERO)
		return move_zero_copy(t, tag);
	if (c->copy == UBLK_COPY_AUTO) {
		sqe = ublk_sqe(t);
		if (!sqe)
			return -EIO;
		move_fixed(tag, sqe);
		return UBLK_PENDING;
	}
	if (how == UBLK_FILE_MAP)
		return move_by_map(t, tag);
	r = c->copy == UBLK_COPY_USER && is_write(tag) ? collect(t, tag) : 0;
	if (r)
		return r;
	if (how == UBLK_FILE_RING)
		return move_by_ring(t, tag);
	n = move_by_call(t, tag);
	return n > 0 ? moved(t, tag, n) : n;
}

static int32_t change(struct ublk_thread *t, struct ublk_tag *tag)
{
	bool keep = tag->request.op == UBLK_IO_OP_WRITE_ZEROES &&
		    tag->desc->op_flags & UBLK_IO_F_NOUNMAP;
	struct io_uring_sqe *sqe = ublk_sqe(t);

	if (!sqe)
		return -EIO;
	if (tag->request.op == UBLK_IO_OP_FLUSH)
		io_uring_prep_fsync(sqe, UBLK_FIXED_FILE, IORING_FSYNC_DATASYNC);
	else
		io_uring_prep_fallocate(
			sqe, UBLK_FIXED_FILE,
			FALLOC_FL_KEEP_SIZE | (keep ? FALLOC_FL_ZERO_RANGE : FALLOC_FL_PUNCH_HOLE),
			(off_t)tag->request.offset, (off_t)tag->request.bytes);
	set_file(sqe, tag);
	return UBLK_PENDING;
}

static int32_t file_serve(struct ublk_thread *t, struct ublk_tag *tag)
{
	pad_spin(t->pad);
	tag->waits_for = 1;
	tag->result = 0;
	return tag->request.op <= UBLK_IO_OP_WRITE ? move(t, tag) : change(t, tag);
}

static int32_t file_completed(struct ublk_thread *t, struct ublk_tag *tag, int32_t res)
{
	/* Of three completions, two of which have no bytes, the first error counts. */
	if (res && tag->result >= 0)
		tag->result = res;
	if (--tag->waits_for)
		return UBLK_PENDING;
	return tag->result > 0 && ublk_file_io(t->setup->config) != UBLK_FILE_MAP
		       ? moved(t, tag, tag->result)
		       : tag->result;
}

const struct ublk_backend_ops ublk_backend_file = {
	.keeps_data = true, .serve = file_serve, .completed = file_completed};

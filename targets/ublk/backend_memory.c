// SPDX-License-Identifier: MIT
/*
 * The backend that keeps the data in memory. With kernel copy the driver has filled, or will empty,
 * the tag's buffer, so each byte is copied twice; with user copy we read and write the request
 * itself through /dev/ublkcN, inside the lock, and each byte is copied once.
 */
#include <errno.h>
#include <unistd.h>

#include "targets/ublk/ublk_serve.h"
#include "targets/ublk/ublk_store.h"

/* A request whose bytes are reached by pread and pwrite. */
struct remote {
	int fd;
	unsigned queue, tag;
};

static int copied(ssize_t n, uint32_t bytes)
{
	if (n < 0)
		return -errno;
	return n == (ssize_t)bytes ? 0 : -EIO;
}

static int supply(void *arg, char *data, uint32_t bytes, uint32_t done)
{
	const struct remote *r = arg;

	return copied(pwrite(r->fd, data, bytes, ublk_copy_offset(r->queue, r->tag, done)), bytes);
}

static int collect(void *arg, char *data, uint32_t bytes, uint32_t done)
{
	const struct remote *r = arg;

	return copied(pread(r->fd, data, bytes, ublk_copy_offset(r->queue, r->tag, done)), bytes);
}

static struct ublk_access access_of(struct ublk_thread *t, const struct ublk_tag *tag)
{
	return (struct ublk_access){.offset = tag->request.offset,
				    .bytes = tag->request.bytes,
				    .counts = &t->counts[t->measured].lock};
}

static int32_t move(struct ublk_thread *t, struct ublk_tag *tag, uint64_t pad)
{
	struct ublk_store store = {.memory = t->setup->memory,
				   .locks = ublk_server_locks(t->server)};
	struct ublk_access access = access_of(t, tag);
	struct remote remote = {
		.fd = ublk_server_char_fd(t->server), .queue = tag->slice->queue, .tag = tag->tag};
	bool reads = tag->request.op == UBLK_IO_OP_READ;
	int r;

	access.pad = pad;
	if (t->setup->config->copy == UBLK_COPY_USER)
		r = ublk_store_each(&store, &access, reads ? supply : collect, &remote);
	else
		r = ublk_store_each(&store, &access, reads ? ublk_store_read : ublk_store_write,
				    tag->buf);
	return r ? r : (int32_t)tag->request.bytes;
}

int32_t ublk_memory_move(struct ublk_thread *t, struct ublk_tag *tag)
{
	return move(t, tag, 0);
}

static int32_t clear(struct ublk_thread *t, struct ublk_tag *tag)
{
	struct ublk_store store = {.memory = t->setup->memory,
				   .locks = ublk_server_locks(t->server)};
	struct ublk_access access = access_of(t, tag);

	access.pad = t->pad;
	return ublk_store_each(&store, &access, ublk_store_clear, NULL);
}

static int32_t memory_serve(struct ublk_thread *t, struct ublk_tag *tag)
{
	switch (tag->request.op) {
	case UBLK_IO_OP_READ:
	case UBLK_IO_OP_WRITE:
		return move(t, tag, t->pad);
	case UBLK_IO_OP_DISCARD:
	case UBLK_IO_OP_WRITE_ZEROES:
		return clear(t, tag);
	default:
		return 0; /* a flush: what was written is as safe as it will ever be */
	}
}

const struct ublk_backend_ops ublk_backend_memory = {.keeps_data = true, .serve = memory_serve};

// SPDX-License-Identifier: MIT
/*
 * One client, one request at a time: the order in which requests arrive is the order in which they
 * take effect, and a flush covers all that was answered before. Numbers are big-endian. Errors of
 * the disk are answers; what breaks the protocol ends the connection, since nobody knows where the
 * next request would begin.
 */
#include "harness/vm/nbd.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness/util/cleanup.h"

/* doc/proto.md, "Values" */
#define MAGIC	       0x4e42444d41474943ull /* NBDMAGIC */
#define OPTION_MAGIC   0x49484156454f5054ull /* IHAVEOPT */
#define REPLY_MAGIC    0x0003e889045565a9ull
#define REQUEST_MAGIC  0x25609513u
#define RESPONSE_MAGIC 0x67446698u

#define FIXED_NEWSTYLE 1u /* both ways */
#define NO_ZEROES      2u

enum { OPT_EXPORT_NAME = 1, OPT_ABORT = 2, OPT_INFO = 6, OPT_GO = 7 };
enum { REP_ACK = 1, REP_INFO = 3 };
#define REP_ERR_UNSUP	(1u << 31 | 1)
#define REP_ERR_INVALID (1u << 31 | 3)
enum { INFO_EXPORT = 0, INFO_BLOCK_SIZE = 3 };
enum { CMD_READ = 0, CMD_WRITE = 1, CMD_DISC = 2, CMD_FLUSH = 3, CMD_WRITE_ZEROES = 6 };
#define CMD_FLAG_FUA	 1u
#define CMD_FLAG_NO_HOLE 2u

/* HAS_FLAGS, SEND_FLUSH, SEND_FUA, SEND_WRITE_ZEROES */
#define EXPORT_FLAGS (1u | 4u | 8u | 64u)
#define OPTION_MAX   4096u /* of an option's data: a name of 4096 bytes is as long as they come */

struct client {
	int fd;
	const struct nbd_export *export;
	struct err *err;
	bool no_zeroes;
	char *buf; /* NBD_BYTES_MAX */
};

struct request {
	uint32_t magic;
	uint16_t flags, type;
	uint64_t cookie, offset;
	uint32_t length;
} __attribute__((packed));

/* 1 when all is there, 0 when the client left, perhaps in the middle: what it had not said to the
 * end never happened. -errno. */
static int get(const struct client *c, void *data, size_t len)
{
	size_t have = 0;

	while (have < len) {
		ssize_t n = recv(c->fd, (char *)data + have, len - have, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == ECONNRESET ? 0 : err_sys(c->err, -errno, "nbd: recv");
		if (!n)
			return 0;
		have += (size_t)n;
	}
	return 1;
}

static int put(const struct client *c, const void *data, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = send(c->fd, (const char *)data + done, len - done, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EPIPE || errno == ECONNRESET
				       ? 0
				       : err_sys(c->err, -errno, "nbd: send");
		done += (size_t)n;
	}
	return 1;
}

static int put_option_reply(const struct client *c, uint32_t option, uint32_t type,
			    const void *data, uint32_t len)
{
	struct {
		uint64_t magic;
		uint32_t option, type, len;
	} __attribute__((packed))
	head = {htobe64(REPLY_MAGIC), htobe32(option), htobe32(type), htobe32(len)};
	int r = put(c, &head, sizeof(head));

	return r > 0 && len ? put(c, data, len) : r;
}

static int put_export(const struct client *c, uint32_t option)
{
	struct {
		uint16_t type;
		uint64_t bytes;
		uint16_t flags;
	} __attribute__((packed))
	what = {htobe16(INFO_EXPORT), htobe64(c->export->bytes), htobe16(EXPORT_FLAGS)};
	struct {
		uint16_t type;
		uint32_t min, preferred, max;
	} __attribute__((packed)) blocks = {htobe16(INFO_BLOCK_SIZE), htobe32(NBD_BLOCK),
					    htobe32(4096), htobe32(NBD_BYTES_MAX)};
	int r = put_option_reply(c, option, REP_INFO, &what, sizeof(what));

	if (r > 0)
		r = put_option_reply(c, option, REP_INFO, &blocks, sizeof(blocks));
	return r > 0 ? put_option_reply(c, option, REP_ACK, NULL, 0) : r;
}

/* The old way to begin: no answer but the export itself. */
static int put_export_name(const struct client *c)
{
	struct {
		uint64_t bytes;
		uint16_t flags;
		char zeroes[124];
	} __attribute__((packed)) what = {htobe64(c->export->bytes), htobe16(EXPORT_FLAGS), {0}};

	return put(c, &what, c->no_zeroes ? sizeof(what) - sizeof(what.zeroes) : sizeof(what));
}

/* Name, then which facts are asked for; ours come unasked. */
static bool is_go(const char *data, uint32_t len)
{
	uint32_t name;
	uint16_t n;

	if (len < 6)
		return false;
	memcpy(&name, data, 4);
	name = be32toh(name);
	if (name > len - 6)
		return false;
	memcpy(&n, data + 4 + name, 2);
	return len == 6 + name + 2u * be16toh(n);
}

enum step { LEFT, AGAIN, TRANSMIT };

/* One option. An enum step, or -errno. */
static int negotiate_one(struct client *c)
{
	struct {
		uint64_t magic;
		uint32_t option, len;
	} __attribute__((packed)) head;
	uint32_t option, len;
	int r = get(c, &head, sizeof(head));

	if (r <= 0)
		return r < 0 ? r : LEFT;
	option = be32toh(head.option);
	len = be32toh(head.len);
	if (head.magic != htobe64(OPTION_MAGIC) || len > OPTION_MAX)
		return err_set(c->err, -EPROTO, "nbd: an option that is none");
	r = len ? get(c, c->buf, len) : 1;
	if (r <= 0)
		return r < 0 ? r : LEFT;
	switch (option) {
	case OPT_EXPORT_NAME:
		r = put_export_name(c);
		return r > 0 ? TRANSMIT : r;
	case OPT_ABORT:
		r = put_option_reply(c, option, REP_ACK, NULL, 0);
		return r < 0 ? r : LEFT;
	case OPT_INFO:
	case OPT_GO:
		if (!is_go(c->buf, len)) {
			r = put_option_reply(c, option, REP_ERR_INVALID, NULL, 0);
			return r > 0 ? AGAIN : r;
		}
		r = put_export(c, option);
		return r <= 0 ? r : option == OPT_GO ? TRANSMIT : AGAIN;
	default:
		r = put_option_reply(c, option, REP_ERR_UNSUP, NULL, 0);
		return r > 0 ? AGAIN : r;
	}
}

static int negotiate(struct client *c)
{
	struct {
		uint64_t magic, option_magic;
		uint16_t flags;
	} __attribute__((packed))
	hello = {htobe64(MAGIC), htobe64(OPTION_MAGIC), htobe16(FIXED_NEWSTYLE | NO_ZEROES)};
	uint32_t flags;
	int r = put(c, &hello, sizeof(hello));

	if (r > 0)
		r = get(c, &flags, sizeof(flags));
	if (r <= 0)
		return r < 0 ? r : LEFT;
	flags = be32toh(flags);
	if (!(flags & FIXED_NEWSTYLE) || flags & ~(FIXED_NEWSTYLE | NO_ZEROES))
		return err_set(c->err, -EPROTO, "nbd: client flags %#x", flags);
	c->no_zeroes = flags & NO_ZEROES;
	do
		r = negotiate_one(c);
	while (r == AGAIN);
	return r;
}

static uint32_t error_number(int r)
{
	switch (r) {
	case 0:
	case -EPERM:
	case -ENOMEM:
	case -EINVAL:
	case -ENOSPC:
		return (uint32_t)-r; /* the protocol's are these of Linux */
	default:
		return EIO;
	}
}

static int respond(const struct client *c, const struct request *q, int result, size_t len)
{
	struct {
		uint32_t magic, error;
		uint64_t cookie;
	} __attribute__((packed))
	head = {htobe32(RESPONSE_MAGIC), htobe32(error_number(result)), q->cookie};
	int r = put(c, &head, sizeof(head));

	return r > 0 && !result && len ? put(c, c->buf, len) : r;
}

static bool is_inside(const struct client *c, uint64_t at, uint32_t len)
{
	return len && at <= c->export->bytes && len <= c->export->bytes - at && !(at % NBD_BLOCK) &&
	       !(len % NBD_BLOCK);
}

/* Carries out a request whose data, if it has any, is in c->buf. */
static int carry_out(const struct client *c, unsigned type, unsigned flags, uint64_t at,
		     uint32_t len)
{
	const struct nbd_export *e = c->export;
	bool fua = flags & CMD_FLAG_FUA;

	if (flags & ~(CMD_FLAG_FUA | (type == CMD_WRITE_ZEROES ? CMD_FLAG_NO_HOLE : 0)))
		return -EINVAL;
	if (type == CMD_FLUSH)
		return at || len ? -EINVAL : e->flush(e->arg);
	if (!is_inside(c, at, len))
		return -EINVAL;
	switch (type) {
	case CMD_READ:
		return len > NBD_BYTES_MAX ? -EINVAL : e->read(e->arg, c->buf, len, at);
	case CMD_WRITE:
		return e->write(e->arg, c->buf, len, at, fua);
	case CMD_WRITE_ZEROES:
		return e->zero(e->arg, len, at, fua);
	default:
		return -EINVAL;
	}
}

/* 1 for the next one, 0 when the client left, -errno. */
static int serve_one(const struct client *c)
{
	struct request q;
	unsigned type;
	uint32_t len;
	int r = get(c, &q, sizeof(q));

	if (r <= 0)
		return r;
	type = be16toh(q.type);
	len = be32toh(q.length);
	if (q.magic != htobe32(REQUEST_MAGIC))
		return err_set(c->err, -EPROTO, "nbd: a request with the wrong magic");
	if (type == CMD_DISC)
		return 0;
	if (type == CMD_WRITE && len > NBD_BYTES_MAX)
		return err_set(c->err, -EPROTO, "nbd: a write of %u bytes", len);
	r = type == CMD_WRITE && len ? get(c, c->buf, len) : 1;
	if (r <= 0)
		return r;
	r = carry_out(c, type, be16toh(q.flags), be64toh(q.offset), len);
	return respond(c, &q, r, type == CMD_READ ? len : 0);
}

int nbd_serve(int fd, const struct nbd_export *export, struct err *err)
{
	_cleanup_free_ char *buf = malloc(NBD_BYTES_MAX);
	struct client c = {.fd = fd, .export = export, .err = err, .buf = buf};
	int r;

	if (!buf)
		return err_set(err, -ENOMEM, "out of memory");
	r = negotiate(&c);
	if (r != TRANSMIT)
		return r;
	do
		r = serve_one(&c);
	while (r > 0);
	return r;
}

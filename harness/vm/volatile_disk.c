// SPDX-License-Identifier: MIT
/*
 * Two files in memory and a list. `now` is what reads see; `durable` is what has been flushed; the
 * list has the writes between the two, in order. A flush carries the list over to `durable`, a cut
 * carries over a random part of it, still in order: so a sector may end up with any of the versions
 * that it had since the last flush, as in a cache that writes back whenever it likes. A write with
 * FUA stays in the list and is kept by every cut: what was written before it must not come out
 * above it.
 */
#include "harness/vm/volatile_disk.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/util/cleanup.h"

#define BLOCK	   4096u /* of the copy: blocks of zeros become holes */
#define COPY_BYTES (1u << 20)

struct pending {
	struct pending *next;
	uint64_t at;
	size_t len;
	bool fua, zero; /* zero: `data` is not there */
	char data[];
};

struct volatile_disk {
	pthread_mutex_t lock;
	uint64_t bytes;
	int now, durable;
	struct pending *first, **last;
	uint64_t cached; /* bytes of data in the list */
	struct volatile_stats stats;
};

int volatile_file(uint64_t bytes, struct err *err)
{
	const char *dir = getenv("TMPDIR");
	int fd, r;

	dir = dir && *dir ? dir : "/tmp";
	fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_sys(err, -errno, "%s: a file without a name", dir);
	if (!ftruncate(fd, (off_t)bytes))
		return fd;
	r = err_sys(err, -errno, "%s: a file of %llu bytes", dir, (unsigned long long)bytes);
	close(fd);
	return r;
}

static int pwrite_all(int fd, const char *data, size_t len, uint64_t at)
{
	while (len) {
		ssize_t n = pwrite(fd, data, len, (off_t)at);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n <= 0)
			continue;
		data += n;
		len -= (size_t)n;
		at += (size_t)n;
	}
	return 0;
}

int volatile_file_zero(int fd, size_t len, uint64_t at)
{
	static const char zeros[BLOCK];
	int r = 0;

	if (!len ||
	    !fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)at, (off_t)len))
		return 0;
	if (errno != EOPNOTSUPP)
		return -errno;
	for (size_t n; !r && len; len -= n, at += n) {
		n = min_of(len, sizeof(zeros));
		r = pwrite_all(fd, zeros, n, at);
	}
	return r;
}

/* Part of a write: `len` bytes from `from` on. */
static int apply(const struct pending *p, size_t from, size_t len, int fd, uint64_t base)
{
	uint64_t at = base + p->at + from;

	return p->zero ? volatile_file_zero(fd, len, at) : pwrite_all(fd, p->data + from, len, at);
}

static bool is_zero(const char *data, size_t len)
{
	return !*data && !memcmp(data, data + 1, len - 1);
}

/* Copies into a hole; what is zero there already is left out. */
static int copy_range(int from, uint64_t begin, uint64_t end, int to, uint64_t base, char *buf)
{
	int r = 0;

	while (!r && begin < end) {
		ssize_t n =
			pread(from, buf, min_of(end - begin, (uint64_t)COPY_BYTES), (off_t)begin);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		for (size_t i = 0; !r && i < (size_t)n; i += BLOCK) {
			size_t len = min_of((size_t)n - i, (size_t)BLOCK);

			if (!is_zero(buf + i, len))
				r = pwrite_all(to, buf + i, len, base + begin + i);
		}
		begin += (uint64_t)n;
	}
	return r;
}

static int copy_sparse(int from, uint64_t bytes, int to, uint64_t base)
{
	_cleanup_free_ char *buf = malloc(COPY_BYTES);
	int r = buf ? 0 : -ENOMEM;

	for (off_t at = 0, end; !r && (uint64_t)at < bytes; at = end) {
		at = lseek(from, at, SEEK_DATA);
		if (at < 0)
			return errno == ENXIO ? 0 : -errno;
		end = lseek(from, at, SEEK_HOLE);
		if (end < 0)
			return -errno;
		r = copy_range(from, (uint64_t)at, (uint64_t)end, to, base, buf);
	}
	return r;
}

int volatile_disk_new(uint64_t bytes, struct volatile_disk **ret, struct err *err)
{
	struct volatile_disk *d = calloc(1, sizeof(*d));

	if (!d)
		return err_set(err, -ENOMEM, "out of memory");
	*d = (struct volatile_disk){.bytes = bytes, .now = -1, .durable = -1};
	pthread_mutex_init(&d->lock, NULL);
	d->last = &d->first;
	d->now = memfd_create("disk", MFD_CLOEXEC);
	d->durable = memfd_create("durable", MFD_CLOEXEC);
	if (d->now < 0 || d->durable < 0 || ftruncate(d->now, (off_t)bytes) ||
	    ftruncate(d->durable, (off_t)bytes)) {
		int r = err_sys(err, -errno, "a disk of %llu bytes in memory",
				(unsigned long long)bytes);

		volatile_disk_free(d);
		return r;
	}
	*ret = d;
	return 0;
}

static void forget_first(struct volatile_disk *d)
{
	struct pending *p = d->first;

	d->first = p->next;
	if (!d->first)
		d->last = &d->first;
	d->cached -= p->zero ? 0 : p->len;
	free(p);
}

void volatile_disk_free(struct volatile_disk *d)
{
	if (!d)
		return;
	while (d->first)
		forget_first(d);
	cleanup_close(&d->now);
	cleanup_close(&d->durable);
	pthread_mutex_destroy(&d->lock);
	free(d);
}

int volatile_disk_fd(const struct volatile_disk *d)
{
	return d->durable;
}

int volatile_disk_settle(struct volatile_disk *d, struct err *err)
{
	struct stat st;
	int r = fstat(d->durable, &st) < 0 ? -errno : 0;

	if (r == 0 && (uint64_t)st.st_size != d->bytes)
		return err_set(err, -EIO, "the disk's size was changed while it was formatted");
	if (r == 0)
		r = copy_sparse(d->durable, d->bytes, d->now, 0);
	return r < 0 ? err_sys(err, r, "copying the disk") : 0;
}

int volatile_disk_read(struct volatile_disk *d, void *buf, size_t len, uint64_t at)
{
	size_t got = 0;
	int r = 0;

	pthread_mutex_lock(&d->lock);
	d->stats.reads++;
	while (!r && got < len) {
		ssize_t n = pread(d->now, (char *)buf + got, len - got, (off_t)(at + got));

		if (n < 0 && errno != EINTR)
			r = -errno;
		else if (!n)
			r = -EIO;
		got += n > 0 ? (size_t)n : 0;
	}
	pthread_mutex_unlock(&d->lock);
	return r;
}

static int make_room(struct volatile_disk *d)
{
	int r = 0;

	while (!r && d->cached > VOLATILE_CACHE_BYTES) {
		r = apply(d->first, 0, d->first->len, d->durable, 0);
		if (!r)
			forget_first(d);
	}
	return r;
}

/* Takes over p. */
static int put(struct volatile_disk *d, struct pending *p)
{
	int r;

	pthread_mutex_lock(&d->lock);
	d->stats.writes++;
	d->stats.fua += p->fua;
	r = apply(p, 0, p->len, d->now, 0);
	p->next = NULL;
	*d->last = p;
	d->last = &p->next;
	d->cached += p->zero ? 0 : p->len;
	if (!r)
		r = make_room(d);
	pthread_mutex_unlock(&d->lock);
	return r;
}

int volatile_disk_write(struct volatile_disk *d, const void *buf, size_t len, uint64_t at, bool fua)
{
	struct pending *p = malloc(sizeof(*p) + len);

	if (!p)
		return -ENOMEM;
	*p = (struct pending){.at = at, .len = len, .fua = fua};
	memcpy(p->data, buf, len);
	return put(d, p);
}

int volatile_disk_zero(struct volatile_disk *d, size_t len, uint64_t at, bool fua)
{
	struct pending *p = malloc(sizeof(*p));

	if (!p)
		return -ENOMEM;
	*p = (struct pending){.at = at, .len = len, .fua = fua, .zero = true};
	return put(d, p);
}

int volatile_disk_flush(struct volatile_disk *d)
{
	int r = 0;

	pthread_mutex_lock(&d->lock);
	d->stats.flushes++;
	while (!r && d->first) {
		r = apply(d->first, 0, d->first->len, d->durable, 0);
		if (!r)
			forget_first(d);
	}
	pthread_mutex_unlock(&d->lock);
	return r;
}

struct volatile_stats volatile_disk_stats(struct volatile_disk *d)
{
	struct volatile_stats s;

	pthread_mutex_lock(&d->lock);
	s = d->stats;
	pthread_mutex_unlock(&d->lock);
	return s;
}

/* Each sector by a coin. */
static int tear(const struct pending *p, struct rng *rng, int fd, uint64_t base)
{
	int r = 0;

	for (size_t from = 0; !r && from < p->len; from += VOLATILE_SECTOR)
		if (rng_below(rng, 2))
			r = apply(p, from, VOLATILE_SECTOR, fd, base);
	return r;
}

static int survive(const struct pending *p, bool lose_all, struct rng *rng, int fd, uint64_t base,
		   struct volatile_cut *c)
{
	enum {
		KEPT,
		DROPPED,
		TORN
	} fate = p->fua	    ? KEPT
		 : lose_all ? DROPPED
			    : (unsigned)rng_below(rng, 3);

	c->writes++;
	c->bytes += p->len;
	c->kept += fate == KEPT;
	c->dropped += fate == DROPPED;
	c->torn += fate == TORN;
	if (fate == DROPPED)
		return 0;
	return fate == KEPT ? apply(p, 0, p->len, fd, base) : tear(p, rng, fd, base);
}

int volatile_disk_cut(struct volatile_disk *d, struct rng *rng, int fd, uint64_t at,
		      struct volatile_cut *ret)
{
	bool lose_all = rng_below(rng, 2);
	struct volatile_cut c = {.writes = 0};
	int r;

	pthread_mutex_lock(&d->lock);
	r = copy_sparse(d->durable, d->bytes, fd, at);
	for (const struct pending *p = d->first; !r && p; p = p->next)
		r = survive(p, lose_all, rng, fd, at, &c);
	pthread_mutex_unlock(&d->lock);
	if (!r)
		*ret = c;
	return r;
}

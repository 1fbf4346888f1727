// SPDX-License-Identifier: MIT
/* Open partitions and grouped writes; see the header. Not for more than one thread per group. */
#include "targets/wal/wal_log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "harness/util/cleanup.h"

#define READ_BYTES (1u << 20)

/* Full ones, one that the ring's end cuts (once: it holds twice what is in flight), and the last.
 */
#define EXTENTS(records) ((records) / IOV_MAX + 3)

static int read_into_cache(int fd)
{
	_cleanup_free_ char *buf = malloc(READ_BYTES);
	ssize_t n;

	if (!buf)
		return -ENOMEM;
	for (off_t at = 0; (n = pread(fd, buf, READ_BYTES, at)) > 0; at += n)
		;
	return n < 0 ? -errno : 0;
}

/* The kernel tells what O_DIRECT asks for since 6.1; before, the first write will (EINVAL). */
static int check_alignment(int fd, const struct wal_world *world, const char *label,
			   struct err *err)
{
	struct statx st;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_DIOALIGN, &st) < 0)
		return err_sys(err, -errno, "%s: statx", label);
	if (!(st.stx_mask & STATX_DIOALIGN))
		return 0;
	if (!st.stx_dio_offset_align)
		return err_set(err, -EOPNOTSUPP, "%s: the filesystem has no O_DIRECT", label);
	if (world->record_bytes % st.stx_dio_offset_align)
		return err_set(err, -EINVAL,
			       "%s: with `direct` the payload (%u) must be a multiple of %u here",
			       label, world->record_bytes, st.stx_dio_offset_align);
	return 0;
}

/* The fault `wrong-file`: a nameless file beside the log. */
static int open_other(const struct wal_partition *p, struct err *err)
{
	const char *slash = strrchr(p->label, '/');
	_cleanup_free_ char *dir = strndup(p->label, slash ? (size_t)(slash - p->label) : 0);
	int fd;

	if (!dir)
		return err_sys(err, -ENOMEM, "%s", p->label);
	fd = open(slash ? dir : ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	return fd < 0 ? err_sys(err, -errno, "%s: another file beside it", p->label) : fd;
}

static int log_open(struct run *run, const struct wal_partition *p, bool direct,
		    struct wal_log *log)
{
	int r;

	log->ring_bytes = p->ring_bytes;
	log->label = p->label;
	log->fd = open(p->path, O_RDWR | O_CLOEXEC | (direct ? O_DIRECT : 0));
	if (log->fd < 0)
		return err_sys(&run->err, errno == EINVAL ? -EOPNOTSUPP : -errno, "%s: open%s",
			       p->label, direct ? " with O_DIRECT" : "");
	if (!direct) {
		r = read_into_cache(log->fd);
		return r < 0 ? err_sys(&run->err, r, "%s: read", p->label) : 0;
	}
	r = -posix_fadvise(log->fd, 0, 0, POSIX_FADV_DONTNEED);
	if (r < 0)
		return err_sys(&run->err, r, "%s: posix_fadvise", p->label);
	return check_alignment(log->fd, run->world, p->label, &run->err);
}

static int log_open_flushed(struct run *run, const struct wal_partition *p, bool direct,
			    bool other_file, struct wal_log *log)
{
	int r = log_open(run, p, direct, log);

	log->flush_fd = r == 0 && other_file ? open_other(p, &run->err) : log->fd;
	return r < 0 ? r : min_of(log->flush_fd, 0);
}

int wal_logs_open(struct run *run, bool direct, const struct wal_steps *steps, struct wal_log **ret)
{
	const struct wal_world *world = run->world;
	struct wal_log *logs =
		aligned_alloc(_Alignof(struct wal_log), world->partitions * sizeof(*logs));

	if (!logs)
		return err_sys(&run->err, -ENOMEM, "logs");
	memset(logs, 0, world->partitions * sizeof(*logs));
	for (uint32_t p = 0; p < world->partitions; p++)
		logs[p].fd = logs[p].flush_fd = -1;
	for (uint32_t p = 0; p < world->partitions; p++) {
		int r = log_open_flushed(run, &world->partition[p], direct, steps->other_file,
					 &logs[p]);

		if (r < 0) {
			wal_logs_close(run, logs);
			return r;
		}
	}
	*ret = logs;
	return 0;
}

void wal_logs_close(struct run *run, struct wal_log *logs)
{
	const struct wal_world *world = run->world;

	for (uint32_t p = 0; logs && p < world->partitions; p++) {
		if (logs[p].flush_fd != logs[p].fd)
			cleanup_close(&logs[p].flush_fd);
		cleanup_close(&logs[p].fd);
	}
	free(logs);
}

int wal_group_init(struct wal_group *g, unsigned max_records)
{
	*g = (struct wal_group){.max_extents = EXTENTS(max_records)};
	g->iov = calloc(max_records, sizeof(*g->iov));
	g->extents = calloc(g->max_extents, sizeof(*g->extents));
	return g->iov && g->extents ? 0 : -ENOMEM;
}

void wal_group_free(struct wal_group *g)
{
	free(g->iov);
	free(g->extents);
	*g = (struct wal_group){0};
}

void wal_group_clear(struct wal_group *g)
{
	g->n_iov = g->n_extents = 0;
}

static struct wal_extent *extent_for(struct wal_group *g, uint64_t offset)
{
	struct wal_extent *e = g->n_extents ? &g->extents[g->n_extents - 1] : NULL;

	if (e && e->offset + e->bytes == offset && e->n_iov < IOV_MAX)
		return e;
	e = &g->extents[g->n_extents++];
	*e = (struct wal_extent){.offset = offset, .iov = &g->iov[g->n_iov]};
	return e;
}

void wal_group_add(struct wal_group *g, struct wal_log *log, void *data, uint32_t len)
{
	struct wal_extent *e = extent_for(g, wal_log_reserve(log, len));
	struct iovec *last = e->n_iov ? &e->iov[e->n_iov - 1] : NULL;

	e->bytes += len;
	if (last && (char *)last->iov_base + last->iov_len == data) {
		last->iov_len += len;
		return;
	}
	e->iov[e->n_iov++] = (struct iovec){.iov_base = data, .iov_len = len};
	g->n_iov++;
}

void wal_extent_advance(struct wal_extent *e, uint64_t bytes)
{
	e->offset += bytes;
	e->bytes -= bytes;
	while (e->n_iov && bytes >= e->iov->iov_len) {
		bytes -= e->iov->iov_len;
		e->iov++;
		e->n_iov--;
	}
	if (bytes) {
		e->iov->iov_base = (char *)e->iov->iov_base + bytes;
		e->iov->iov_len -= bytes;
	}
}

int wal_group_write(struct wal_group *g, const struct wal_log *log, int flags)
{
	for (unsigned i = 0; i < g->n_extents; i++) {
		struct wal_extent *e = &g->extents[i];

		while (e->bytes) {
			ssize_t n =
				pwritev2(log->fd, e->iov, (int)e->n_iov, (off_t)e->offset, flags);

			if (n < 0 && errno != EINTR)
				return -errno;
			if (n == 0)
				return -EIO;
			wal_extent_advance(e, n < 0 ? 0 : (uint64_t)n);
		}
	}
	return 0;
}

// SPDX-License-Identifier: MIT
/* What a server needs before it is forked or its threads start; see ublk_server.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/util/cleanup.h"
#include "targets/ublk/ublk_server.h"

static void *map_shared(size_t bytes, int flags)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | flags, -1,
		       0);

	return p == MAP_FAILED ? NULL : p;
}

/* One mapping: the head, the counters of the threads, those of the slices. */
static int map_counts(struct ublk_setup *s, struct err *err)
{
	size_t slices = (size_t)s->dev.queues * s->config->queue_tasks;
	size_t head = 64, threads = s->threads * sizeof(*s->thread_counts);
	char *p;

	_Static_assert(sizeof(struct ublk_shared) <= 64, "the head");
	s->shared_bytes = head + threads + slices * sizeof(*s->queue_counts);
	p = map_shared(s->shared_bytes, 0);
	if (!p)
		return err_sys(err, -errno, "counters of the server");
	s->shared = (struct ublk_shared *)p;
	s->thread_counts = (struct ublk_thread_counts(*)[2])(p + head);
	s->queue_counts = (struct ublk_queue_counts(*)[2])(p + head + threads);
	s->measuring = &s->shared->measuring;
	return 0;
}

/* A file grows to the size of the device, and stays as it is otherwise. */
static int open_file(struct ublk_setup *s, struct err *err)
{
	const struct ublk_config *c = s->config;
	struct stat st;

	s->file_fd = open(c->file, O_RDWR | O_CREAT | O_CLOEXEC | (c->direct ? O_DIRECT : 0), 0600);
	if (s->file_fd < 0 || fstat(s->file_fd, &st))
		return err_sys(err, -errno, "file: %s%s", c->file, c->direct ? " (direct)" : "");
	if (!S_ISREG(st.st_mode))
		return err_set(
			err, -EINVAL,
			"file: %s is no regular file; the target `device` is for block devices",
			c->file);
	if ((uint64_t)st.st_size < c->bytes && ftruncate(s->file_fd, (off_t)c->bytes))
		return err_sys(err, -errno, "file: growing %s to %llu bytes", c->file,
			       (unsigned long long)c->bytes);
	return 0;
}

static unsigned threads_wanted(const struct ublk_setup *s, unsigned cpus)
{
	unsigned slices = s->dev.queues * (unsigned)s->config->queue_tasks;
	unsigned wanted = s->config->server_threads ? (unsigned)s->config->server_threads : cpus;

	return min_of(wanted, slices);
}

int ublk_setup_init(struct ublk_setup *s, const struct ublk_config *config,
		    const struct ublk_dev *dev, enum ublk_encoding encoding, unsigned cpus,
		    struct err *err)
{
	int r;

	*s = (struct ublk_setup){.config = config,
				 .dev = *dev,
				 .encoding = encoding,
				 .file_fd = -1,
				 .stage_bytes = (uint32_t)config->block_bytes};
	s->threads = threads_wanted(s, cpus);
	r = map_counts(s, err);
	if (r)
		return r;
	if (config->backend == UBLK_BACKEND_FILE)
		return open_file(s, err);
	if (config->backend == UBLK_BACKEND_MEMORY) {
		s->memory = map_shared(config->bytes, MAP_NORESERVE);
		if (!s->memory)
			return err_sys(err, -errno, "memory backend of %llu bytes",
				       (unsigned long long)config->bytes);
	}
	return 0;
}

void ublk_setup_exit(struct ublk_setup *s)
{
	if (s->memory)
		munmap(s->memory, s->config->bytes);
	if (s->shared)
		munmap(s->shared, s->shared_bytes);
	if (s->config && s->config->backend == UBLK_BACKEND_FILE && s->file_fd >= 0)
		close(s->file_fd);
	*s = (struct ublk_setup){.file_fd = -1};
}

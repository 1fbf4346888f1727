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
#include "harness/util/fs.h"
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
	s->window = &s->shared->window;
	return 0;
}

/* Rather than to let the kernel choose whom to kill. 0: not known. */
static uint64_t available_bytes(void)
{
	char text[4096], *line;

	if (fs_read("/proc/meminfo", text, sizeof(text)) <= 0)
		return 0;
	line = strstr(text, "MemAvailable:");
	return line ? strtoull(line + strlen("MemAvailable:"), NULL, 10) << 10 : 0;
}

/* Filled: a page that is not there is made when it is read or written first, which costs several
 * times what the request does. */
static int map_memory(struct ublk_setup *s, struct err *err)
{
	const struct ublk_config *c = s->config;

	uint64_t available = available_bytes();

	if (c->backing.fill && available && c->bytes > available)
		return err_set(
			err, -ENOMEM, "memory backend of %llu MiB: there are %llu MiB available",
			(unsigned long long)c->bytes >> 20, (unsigned long long)available >> 20);
	s->memory = map_shared(c->bytes, MAP_NORESERVE);
	if (!s->memory || (c->backing.fill && madvise(s->memory, c->bytes, MADV_POPULATE_WRITE)))
		return err_sys(err, -errno, "memory backend of %llu bytes",
			       (unsigned long long)c->bytes);
	return 0;
}

static int map_file(struct ublk_setup *s, struct err *err)
{
	void *p = mmap(NULL, s->config->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, s->file_fd, 0);

	if (p == MAP_FAILED)
		return err_sys(err, -errno, "mapping the file");
	s->memory = p;
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
		    int file_fd, struct err *err)
{
	int r;

	*s = (struct ublk_setup){.config = config,
				 .dev = *dev,
				 .encoding = encoding,
				 .file_fd = file_fd,
				 .stage_bytes = (uint32_t)config->block_bytes};
	s->threads = threads_wanted(s, cpus);
	r = map_counts(s, err);
	if (!r && config->backend == UBLK_BACKEND_MEMORY)
		r = map_memory(s, err);
	if (!r && config->backend == UBLK_BACKEND_FILE && ublk_file_io(config) == UBLK_FILE_MAP)
		r = map_file(s, err);
	return r;
}

void ublk_setup_exit(struct ublk_setup *s)
{
	if (s->memory)
		munmap(s->memory, s->config->bytes);
	if (s->shared)
		munmap(s->shared, s->shared_bytes);
	*s = (struct ublk_setup){.file_fd = -1};
}

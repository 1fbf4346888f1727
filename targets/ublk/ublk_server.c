// SPDX-License-Identifier: MIT
/*
 * The process side of a ublk server: what its threads share, and who serves which tags. A slice is
 * a queue, or a part of its tags where several tasks serve one queue; slices are dealt out to the
 * threads in turn.
 */
#include "targets/ublk/ublk_server.h"

#include <errno.h>
#include <fcntl.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness/util/cleanup.h"
#include "targets/ublk/ublk_lock.h"
#include "targets/ublk/ublk_serve.h"

struct ublk_server {
	const struct ublk_setup *setup;
	int char_fd;
	struct ublk_locks *locks;
	char *bufs; /* all tags' buffers, or the one of the null backend */
	size_t bufs_bytes;
	const struct ublksrv_io_desc **descs; /* [queues] */
	struct ublk_slice *slices;	      /* [n_slices], by thread */
	struct ublk_tag *tags;		      /* [queues * depth], by slice */
	struct ublk_tag **commits;
	struct ublk_thread *threads;
	unsigned n_slices;
	sem_t ready; /* posted by each thread when it has fetched, or failed */
	sem_t ended;
	pthread_mutex_t lock;
	int error; /* the first thread's that failed */
	struct err err;
};

static const struct ublk_backend_ops *const backends[] = {
	[UBLK_BACKEND_NULL] = &ublk_backend_null,
	[UBLK_BACKEND_MEMORY] = &ublk_backend_memory,
	[UBLK_BACKEND_FILE] = &ublk_backend_file,
};

int ublk_server_char_fd(const struct ublk_server *server)
{
	return server->char_fd;
}

struct ublk_locks *ublk_server_locks(const struct ublk_server *server)
{
	return server->locks;
}

void ublk_server_ready(struct ublk_server *server)
{
	sem_post(&server->ready);
}

void ublk_server_ended(struct ublk_server *server)
{
	sem_post(&server->ended);
}

void ublk_server_failed(struct ublk_server *server, int error, const struct err *err)
{
	pthread_mutex_lock(&server->lock);
	if (!server->error) {
		server->error = error;
		server->err = *err;
	}
	pthread_mutex_unlock(&server->lock);
}

static int failed(struct ublk_server *server, struct err *err)
{
	int error;

	pthread_mutex_lock(&server->lock);
	error = server->error;
	if (error)
		*err = server->err;
	pthread_mutex_unlock(&server->lock);
	return error;
}

static unsigned locks_wanted(const struct ublk_config *c)
{
	if (c->backend != UBLK_BACKEND_MEMORY || c->lock == UBLK_LOCK_NONE)
		return 0;
	return c->lock == UBLK_LOCK_GLOBAL ? 1 : (unsigned)c->shards;
}

/* How many buffers the tags need, and how far apart. */
static size_t buffers_wanted(const struct ublk_setup *s)
{
	const struct ublk_config *c = s->config;

	switch ((enum ublk_copy)c->copy) {
	case UBLK_COPY_KERNEL:
		return c->backend == UBLK_BACKEND_NULL ? 1 : (size_t)s->dev.queues * s->dev.depth;
	case UBLK_COPY_USER:
		return c->backend == UBLK_BACKEND_FILE ? (size_t)s->dev.queues * s->dev.depth : 0;
	default:
		return 0;
	}
}

/* The first page of each is there from the start; the rest of it when a request is that large. Huge
 * pages would make all of it at once, and clear hundreds of MiB that nobody needs. */
static int map_buffers(struct ublk_server *server, struct err *err)
{
	size_t n = buffers_wanted(server->setup), stride = server->setup->dev.max_io_bytes;

	if (!n)
		return 0;
	server->bufs = mmap(NULL, n * stride, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (server->bufs == MAP_FAILED) {
		server->bufs = NULL;
		return err_sys(err, -errno, "%zu buffers of %zu bytes", n, stride);
	}
	server->bufs_bytes = n * stride;
	if (madvise(server->bufs, n * stride, MADV_NOHUGEPAGE) && errno != EINVAL)
		return err_sys(err, -errno, "MADV_NOHUGEPAGE"); /* EINVAL: a kernel without them */
	for (size_t i = 0; i < n; i++)
		((volatile char *)server->bufs)[i * stride] = 0;
	return 0;
}

/* The driver rounds the descriptors of a queue up to pages. */
static size_t page_bytes(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

static int map_descs(struct ublk_server *server, struct err *err)
{
	const struct ublk_dev *dev = &server->setup->dev;
	size_t page = page_bytes();

	server->descs = calloc(dev->queues, sizeof(*server->descs));
	if (!server->descs)
		return err_sys(err, -ENOMEM, "descriptors");
	for (unsigned q = 0; q < dev->queues; q++) {
		void *p =
			mmap(NULL, ublk_desc_bytes(dev->depth, page), PROT_READ,
			     MAP_SHARED | MAP_POPULATE, server->char_fd, ublk_desc_offset(q, page));

		if (p == MAP_FAILED)
			return err_sys(err, -errno, "mapping the descriptors of queue %u", q);
		server->descs[q] = p;
	}
	return 0;
}

/* Before the device is added nobody else can have it open; with recovery the old server may still
 * be on its way out, and ublk_ctl_start_recovery has waited for that. */
static int open_char(struct ublk_server *server, struct err *err)
{
	char path[UBLK_PATH_MAX];

	ublk_char_path(server->setup->dev.id, path);
	server->char_fd = open(path, O_RDWR | O_CLOEXEC);
	return server->char_fd < 0 ? err_sys(err, -errno, "%s", path) : 0;
}

static void fill_slice(struct ublk_server *server, struct ublk_slice *slice, unsigned number)
{
	const struct ublk_setup *s = server->setup;
	unsigned tasks = (unsigned)s->config->queue_tasks, part = number % tasks;

	slice->queue = number / tasks;
	slice->first = s->dev.depth * part / tasks;
	slice->n = s->dev.depth * (part + 1) / tasks - slice->first;
	slice->descs = server->descs[slice->queue];
	slice->counts = s->queue_counts[number];
	slice->slow = slice->queue == s->dev.queues - 1;
}

static void fill_tags(struct ublk_thread *t, struct ublk_slice *slice)
{
	const struct ublk_server *server = t->server;
	const struct ublk_setup *s = t->setup;
	size_t stride = s->dev.max_io_bytes;

	for (unsigned i = 0; i < slice->n; i++) {
		struct ublk_tag *tag = &t->tags[t->n_tags];
		size_t number = (size_t)(tag - server->tags);

		*tag = (struct ublk_tag){.slice = slice,
					 .tag = (uint16_t)(slice->first + i),
					 .buffer = (uint16_t)t->n_tags++};
		tag->desc = &slice->descs[tag->tag];
		if (server->bufs)
			tag->buf = server->bufs +
				   (s->config->backend == UBLK_BACKEND_NULL ? 0 : number * stride);
	}
}

/* Gives thread i the slices i, i + threads, ..., and their tags. */
static void fill_thread(struct ublk_server *server, unsigned index, unsigned *n_slices,
			unsigned *n_tags)
{
	const struct ublk_setup *s = server->setup;
	struct ublk_thread *t = &server->threads[index];

	*t = (struct ublk_thread){
		.server = server,
		.setup = s,
		.backend = backends[s->config->backend],
		.index = index,
		.slices = &server->slices[*n_slices],
		.tags = &server->tags[*n_tags],
		.commits = &server->commits[*n_tags],
		.counts = s->thread_counts[index],
		.pad = (uint64_t)((double)s->config->work_ns * s->pad_iters_per_ns)};
	for (unsigned i = index; i < server->n_slices; i += s->threads) {
		struct ublk_slice *slice = &t->slices[t->n_slices++];

		fill_slice(server, slice, i);
		fill_tags(t, slice);
	}
	*n_slices += t->n_slices;
	*n_tags += t->n_tags;
}

static int make(struct ublk_server *server, struct err *err)
{
	const struct ublk_setup *s = server->setup;
	size_t tags = (size_t)s->dev.queues * s->dev.depth;
	unsigned n_slices = 0, n_tags = 0;
	int r = open_char(server, err);

	server->n_slices = s->dev.queues * (unsigned)s->config->queue_tasks;
	if (!r)
		r = map_descs(server, err);
	if (!r)
		r = map_buffers(server, err);
	if (r)
		return r;
	server->locks = ublk_locks_new(locks_wanted(s->config));
	server->slices = calloc(server->n_slices, sizeof(*server->slices));
	server->tags = aligned_alloc(_Alignof(struct ublk_tag), tags * sizeof(*server->tags));
	server->commits = calloc(tags, sizeof(*server->commits));
	server->threads =
		aligned_alloc(_Alignof(struct ublk_thread), s->threads * sizeof(*server->threads));
	if (!server->locks || !server->slices || !server->tags || !server->commits ||
	    !server->threads)
		return err_sys(err, -ENOMEM, "%zu tags", tags);
	for (unsigned i = 0; i < s->threads; i++)
		fill_thread(server, i, &n_slices, &n_tags);
	return 0;
}

static int start_thread(struct ublk_server *server, struct ublk_thread *t, struct err *err)
{
	const struct ublk_setup *s = server->setup;
	int r = s->start ? s->start(s->start_arg, &t->thread, ublk_thread_main, t, err)
			 : -pthread_create(&t->thread, NULL, ublk_thread_main, t);

	if (r)
		return s->start ? r : err_sys(err, r, "starting a thread of the server");
	return 0;
}

static void server_free(struct ublk_server *server)
{
	const struct ublk_dev *dev = &server->setup->dev;

	for (unsigned q = 0; server->descs && q < dev->queues; q++)
		if (server->descs[q])
			munmap((void *)server->descs[q], ublk_desc_bytes(dev->depth, page_bytes()));
	if (server->bufs)
		munmap(server->bufs, server->bufs_bytes);
	if (server->char_fd >= 0)
		close(server->char_fd);
	ublk_locks_free(server->locks);
	free(server->descs);
	free(server->slices);
	free(server->tags);
	free(server->commits);
	free(server->threads);
	sem_destroy(&server->ready);
	sem_destroy(&server->ended);
	pthread_mutex_destroy(&server->lock);
	free(server);
}

int ublk_server_start(const struct ublk_setup *setup, struct ublk_server **ret, struct err *err)
{
	struct ublk_server *server = calloc(1, sizeof(*server));
	int r;

	if (!server)
		return err_sys(err, -ENOMEM, "ublk server");
	server->setup = setup;
	server->char_fd = -1;
	sem_init(&server->ready, 0, 0);
	sem_init(&server->ended, 0, 0);
	pthread_mutex_init(&server->lock, NULL);
	r = make(server, err);
	if (r) {
		server_free(server);
		return r;
	}
	for (unsigned i = 0; i < setup->threads && !r; i++)
		r = start_thread(server, &server->threads[i], err);
	for (unsigned i = 0; i < setup->threads && !r; i++) {
		while (sem_wait(&server->ready))
			;
		r = failed(server, err);
	}
	if (!r)
		*ret = server;
	return r;
}

int ublk_server_join(struct ublk_server *server, struct err *err)
{
	unsigned threads = server->setup->threads;
	int r = 0;

	for (unsigned i = 0; i < threads && !r; i++) {
		while (sem_wait(&server->ended))
			;
		r = failed(server, err);
	}
	if (r)
		return r;
	for (unsigned i = 0; i < threads; i++)
		pthread_join(server->threads[i].thread, NULL);
	server_free(server);
	return 0;
}

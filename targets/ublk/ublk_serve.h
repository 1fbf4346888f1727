/* SPDX-License-Identifier: MIT */
/*
 * Inside of a ublk server: one thread, its ring, and the tags that it serves. Everything here but
 * `server` belongs to the thread. A request goes
 *
 *   CQE of the driver -> backend->serve -> ublk_done -> COMMIT_AND_FETCH in the next system call
 *                               `-> UBLK_PENDING, a CQE of the backend's own -> ublk_done
 */
#pragma once

#include <liburing.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "targets/ublk/ublk_counts.h"
#include "targets/ublk/ublk_request.h"
#include "targets/ublk/ublk_server.h"

/* The ring's registered files. */
enum { UBLK_FIXED_CHAR, UBLK_FIXED_FILE, UBLK_FIXED_FILES };

/* Not a result: a completion of the ring will bring it. */
#define UBLK_PENDING INT32_MIN

/* The low bits of user_data: whose completion it is. The rest is the address of the tag. */
enum ublk_cqe {
	UBLK_CQE_DRIVER,  /* FETCH or COMMIT_AND_FETCH: a request has come */
	UBLK_CQE_BACKEND, /* the backend's own I/O */
	UBLK_CQE_DELAY,	  /* the time that the slow queue waits */
	UBLK_CQE_BUFFER,  /* a buffer was registered or unregistered */
};

#define UBLK_CQE_MASK 3ull

struct ublk_thread;

/* The tags of one queue that one thread serves. */
struct ublk_slice {
	unsigned queue, first, n;
	const struct ublksrv_io_desc *descs; /* of the queue, by tag */
	struct ublk_queue_counts *counts;    /* [2] */
	bool slow;
};

struct ublk_tag {
	_Alignas(64) const struct ublksrv_io_desc *desc;
	struct ublk_slice *slice;
	void *buf; /* of max_io_bytes, when the server has buffers */
	struct ublk_request request;
	uint16_t tag;
	uint16_t buffer; /* index in the ring's table of buffers */
	bool legal;
	uint8_t waits_for; /* completions until the request is done (zero copy) */
	int32_t result;
	uint64_t arrived_ns, started_ns, ended_ns;
};

struct ublk_backend_ops {
	bool keeps_data;
	/* Serves one request: bytes (reads, writes), 0 or -errno; or UBLK_PENDING. */
	int32_t (*serve)(struct ublk_thread *t, struct ublk_tag *tag);
	/* The result of a completion of its own; NULL where there are none. */
	int32_t (*completed)(struct ublk_thread *t, struct ublk_tag *tag, int32_t res);
};

extern const struct ublk_backend_ops ublk_backend_null, ublk_backend_memory, ublk_backend_file;

struct ublk_thread {
	_Alignas(128) struct ublk_server *server;
	const struct ublk_setup *setup;
	const struct ublk_backend_ops *backend;
	struct io_uring ring;
	unsigned index;
	unsigned n_slices, n_tags, live; /* live: tags that the driver has not ended */
	struct ublk_slice *slices;
	struct ublk_tag *tags;
	struct ublk_tag **commits; /* those of the next system call, in order, where stages count */
	unsigned n_commits;
	struct ublk_thread_counts *counts; /* [2] */
	unsigned measured;		   /* 1 inside the window: index of the counters */
	uint64_t now_ns;		   /* when the handler that runs began */
	uint64_t sick;			   /* requests that a fault has looked at */
	struct __kernel_timespec slow_time;
	uint32_t commit_op;
	uint64_t pad;
	pthread_t thread;
	bool ring_made;
	int error;
	struct err err;
};

void *ublk_thread_main(void *thread);
/* By each thread once, when it has fetched or failed. */
void ublk_server_ready(struct ublk_server *server);
void ublk_server_ended(struct ublk_server *server);
void ublk_server_failed(struct ublk_server *server, int error, const struct err *err);

/* An empty entry; the system call is made here if the queue is full. */
struct io_uring_sqe *ublk_sqe(struct ublk_thread *t);
/* Makes room for n entries that belong together; false after an error of the ring. */
bool ublk_sqe_room(struct ublk_thread *t, unsigned n);
/* The request of the tag has this result: it goes back to the driver. */
void ublk_done(struct ublk_thread *t, struct ublk_tag *tag, int32_t result);

/* Moves the data of a read or write between the request and setup->memory, which is the memory
 * backend's, or the file's mapping. Bytes or -errno. */
int32_t ublk_memory_move(struct ublk_thread *t, struct ublk_tag *tag);

static inline void ublk_sqe_data(struct io_uring_sqe *sqe, struct ublk_tag *tag, enum ublk_cqe what)
{
	sqe->user_data = (uint64_t)(uintptr_t)tag | what;
}

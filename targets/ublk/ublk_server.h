/* SPDX-License-Identifier: MIT */
/*
 * A ublk server in the calling process: opens /dev/ublkcN, and serves its queues from threads until
 * the device is stopped. It needs no run: what it shares with others (counters, the memory of the
 * memory backend) was made by ublk_setup_init, before any fork.
 *
 *   ublk_device_add -> ublk_server_start -> ublk_device_start -> ... -> ublk_device_stop
 *        -> ublk_server_join -> ublk_device_del            (ublk_device.h has the device)
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "harness/util/err.h"
#include "harness/world/block.h"
#include "targets/block/block_stages.h"
#include "targets/ublk/ublk_counts.h"
#include "targets/ublk/ublk_ctl.h"
#include "targets/ublk/ublk_knobs.h"

/* In memory that every process of the server and the run share. */
struct ublk_shared {
	struct block_window window; /* where nobody else says when it is: empty */
	_Atomic uint32_t
		stopping;	/* the run lets go of the device: a server that ends is no news */
	_Atomic uint32_t kills; /* servers that the fault has killed */
	_Atomic uint32_t recoveries;
};

/* How a thread is started: role_thread_start in a run. -errno with err filled. */
typedef int (*ublk_thread_start)(void *arg, pthread_t *thread, void *(*fn)(void *), void *fn_arg,
				 struct err *err);

struct ublk_setup {
	const struct ublk_config *config;
	struct ublk_dev dev; /* as the driver granted it */
	enum ublk_encoding encoding;
	unsigned threads;
	struct ublk_shared *shared;
	struct ublk_thread_counts (*thread_counts)[2]; /* [threads] */
	struct ublk_queue_counts (*queue_counts)[2];   /* [queues * queue_tasks] */
	size_t shared_bytes;
	char *memory; /* [config->bytes]: of the memory backend, or the file's mapping; or NULL */
	int file_fd;  /* the caller's, of the file backend, or -1 */

	/* The caller's, before the server starts. */
	const struct block_window *window;
	struct block_stages *stages; /* NULL: not told */
	uint32_t stage_bytes; /* size of one operation: a merged request is that of several */
	double pad_iters_per_ns;
	ublk_thread_start start; /* NULL: pthread_create */
	void *start_arg;
};

/* `dev` is what was granted, `cpus` how many the server may use. */
int ublk_setup_init(struct ublk_setup *s, const struct ublk_config *config,
		    const struct ublk_dev *dev, enum ublk_encoding encoding, unsigned cpus,
		    int file_fd, struct err *err);
void ublk_setup_exit(struct ublk_setup *s); /* safe after a failed init, and twice */

struct ublk_server;

/* Returns when every tag is fetched, so that the device can be started. After an error the process
 * has to end: threads may wait for requests of a device that nobody starts. */
int ublk_server_start(const struct ublk_setup *setup, struct ublk_server **ret, struct err *err);
/* Waits until the device is stopped, and lets go of it. After an error of a thread, too, the
 * process has to end: nobody serves the queues of that thread. */
int ublk_server_join(struct ublk_server *server, struct err *err);

/* For the threads. */
int ublk_server_char_fd(const struct ublk_server *server);
struct ublk_locks *ublk_server_locks(const struct ublk_server *server);

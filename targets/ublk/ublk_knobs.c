// SPDX-License-Identifier: MIT
/* The knobs of a ublk server; see the header. */
#include "targets/ublk/ublk_knobs.h"

#include <errno.h>
#include <string.h>

#include "harness/util/nsec.h"
#include "targets/ublk/ublk_abi.h"
#include "targets/ublk/ublk_ctl.h"

static const char *const backend_names[] = {"null", "memory", "file", NULL};
static const char *const file_io_names[] = {"auto", "ring", "call", "map", NULL};
static const char *const lock_names[] = {"none", "global", "sharded", NULL};
static const char *const affinity_names[] = {"none", "spread", "one", NULL};
static const char *const copy_names[] = {"kernel", "user", "zero", "auto", NULL};
static const char *const encoding_names[] = {
	[UBLK_ENCODING_AUTO] = "auto",
	[UBLK_ENCODING_IOCTL] = "ioctl",
	[UBLK_ENCODING_LEGACY] = "legacy",
	NULL,
};
static const char *const recovery_names[] = {"none", "fail", "reissue", NULL};
static const char *const fault_names[] = {
	[UBLK_FAULT_NONE] = "none",
	[UBLK_FAULT_SLOW_QUEUE] = "slow-queue",
	[UBLK_FAULT_KILL_SERVER] = "kill-server",
	[UBLK_FAULT_LOSE_WRITES] = "lose-writes",
	[UBLK_FAULT_CORRUPT_READS] = "corrupt-reads",
	[UBLK_FAULT_ERRORS] = "errors",
	NULL,
};

#define AT(field) offsetof(struct ublk_target_config, server.field)

const struct param ublk_params[] = {
	BLOCK_PORT_PARAMS(struct ublk_target_config, port),
	{"queues", PARAM_INT, AT(queues), "1", .min = 1, .max = UBLK_MAX_NR_QUEUES,
	 .help = "hardware queues of the device: no more than there are CPUs"},
	{"queue_depth", PARAM_INT, AT(queue_depth), "128", .min = 1, .max = UBLK_MAX_QUEUE_DEPTH,
	 .help = "requests that a queue has room for (tags); sick: 1"},
	{"backend", PARAM_ENUM, AT(backend), "memory", .choices = backend_names,
	 .help = "where the data is: nowhere, in the server's memory, in a file"},
	BLOCK_BACKING_PARAMS(struct ublk_target_config, server.backing),
	BLOCK_BYTES_PARAM(struct ublk_target_config, server.block_bytes),
	{"max_io_bytes", PARAM_SIZE, AT(max_io_bytes), "1M", .min = 4096, .max = UBLK_MAX_IO_BYTES,
	 .help = "largest request; the kernel splits what is larger"},
	{"file", PARAM_STRING, AT(file), NULL,
	 .help = "backend file: a file that stays; without it, one without a name in `dir`"},
	{"destroy", PARAM_BOOL, AT(destroy), "false",
	 .help = "overwrite `file` even if it is not empty and no earlier run made it"},
	{"direct", PARAM_BOOL, AT(direct), "false", .help = "backend file: O_DIRECT"},
	{"file_io", PARAM_ENUM, AT(file_io), "auto", .choices = file_io_names,
	 .help = "backend file: reads and writes by the ring, by system calls on the spot, or by "
		 "copying to and from a mapping of it, where an error of the disk kills the server; "
		 "auto: ring with direct or without copying, else map"},
	{"lock", PARAM_ENUM, AT(lock), "none", .choices = lock_names,
	 .help = "backend memory: what each request takes around its data; sick: global"},
	{"shards", PARAM_INT, AT(shards), "64", .min = 2, .max = 1 << 16,
	 .help = "locks of lock sharded; the device is dealt out to them in stripes of 64k"},
	{"server_threads", PARAM_INT, AT(server_threads), "0", .max = 4096,
	 .help = "threads that the queues are dealt out to; 0: one each, up to the CPUs that the "
		 "server may use"},
	{"queue_tasks", PARAM_INT, AT(queue_tasks), "1", .min = 1, .max = 64,
	 .help = "parts of a queue's tags that different threads may serve (Linux 6.16 beyond 1)"},
	{"affinity", PARAM_ENUM, AT(affinity), "none", .choices = affinity_names,
	 .help = "of the server's threads: anywhere it may run, one CPU each in turn, or all on the "
		 "same CPU (sick)"},
	{"work_ns", PARAM_INT, AT(work_ns), "0", .max = 1000000000, .unit = "ns",
	 .help = "busy work for each request, inside the lock where there is one"},
	{"spin", PARAM_TIME, AT(spin_ns), "0", .max = NSEC_PER_SEC,
	 .help = "how long a server thread that has nothing to do asks for requests before it sleeps"},
	{"copy", PARAM_ENUM, AT(copy), "kernel", .choices = copy_names,
	 .help = "who moves the data: the driver; the server by pread and pwrite (Linux 6.5); nobody, "
		 "the request's pages becoming a buffer of the ring by command (zero, 6.15) or by "
		 "themselves (auto, 6.16)"},
	{"encoding", PARAM_ENUM, AT(encoding), "auto", .choices = encoding_names,
	 .help = "of the commands: ioctl (Linux 6.4), legacy, or the newest that the driver takes"},
	{"write_cache", PARAM_BOOL, AT(write_cache), "true",
	 .help = "the device says that it has a volatile cache and FUA: without, no flush is sent"},
	{"recovery", PARAM_ENUM, AT(recovery), "none", .choices = recovery_names,
	 .help = "when the server dies a second one takes over; what the first had not answered fails, "
		 "or is sent again (reissue)"},
	{"stages", PARAM_BOOL, AT(stages), "false",
	 .help = "tell where the time of each operation went, from stage to stage"},
	{"fault", PARAM_ENUM, AT(fault), "none", .choices = fault_names, .fault = true,
	 .help = "slow-queue: requests of the last queue wait for slow_time first; kill-server: it "
		 "dies in the window, with requests unanswered; of every 64 requests one write is "
		 "lost, one read has a wrong bit, one request fails with EIO"},
	{"slow_time", PARAM_TIME, AT(slow_ns), "200us", .min = 1000, .max = NSEC_PER_SEC,
	 .fault = true, .help = "of fault slow-queue"},
	PARAM_END,
};

static int check_sizes(const struct ublk_config *c, struct err *err)
{
	if (c->max_io_bytes % 4096)
		return err_set(err, -EINVAL, "max_io_bytes: %llu is no multiple of 4096",
			       (unsigned long long)c->max_io_bytes);
	return 0;
}

static int check_backend(const struct ublk_config *c, struct err *err)
{
	const char *name = backend_names[c->backend];

	if (c->backend != UBLK_BACKEND_FILE &&
	    (c->file[0] || c->backing.dir[0] || c->direct || c->file_io))
		return err_set(err, -EINVAL, "%s: of backend file, and this is backend %s",
			       c->file[0]	   ? "file"
			       : c->backing.dir[0] ? "dir"
			       : c->direct	   ? "direct"
						   : "file_io",
			       name);
	if (c->direct && ublk_file_io(c) == UBLK_FILE_MAP)
		return err_set(err, -EINVAL,
			       "direct: a mapping is the page cache (file_io ring or call)");
	if (c->backend == UBLK_BACKEND_NULL && !c->backing.fill)
		return err_set(err, -EINVAL, "fill: backend null has nothing to fill");
	if (c->file[0] && c->backing.dir[0])
		return err_set(err, -EINVAL, "dir: for a file without a name, and `file` is %s",
			       c->file);
	if (c->destroy && !c->file[0])
		return err_set(err, -EINVAL, "destroy: what is in `file`, and none is named");
	if (c->backend != UBLK_BACKEND_MEMORY && c->lock != UBLK_LOCK_NONE)
		return err_set(err, -EINVAL,
			       "lock: around the data of backend memory, and this is backend %s",
			       name);
	return 0;
}

static int check_copy(const struct ublk_config *c, struct err *err)
{
	const char *name = copy_names[c->copy];
	bool zero = c->copy == UBLK_COPY_ZERO || c->copy == UBLK_COPY_AUTO;

	if (zero && c->backend == UBLK_BACKEND_MEMORY)
		return err_set(
			err, -EINVAL,
			"copy: with %s the server never has the bytes, so backend memory cannot keep them (kernel or user can)",
			name);
	if (zero && ublk_file_io(c) != UBLK_FILE_RING)
		return err_set(err, -EINVAL, "copy: %s needs file_io ring", name);
	if (zero && c->encoding == UBLK_ENCODING_LEGACY)
		return err_set(err, -EINVAL, "copy: %s has no legacy encoding", name);
	if (c->fault == UBLK_FAULT_CORRUPT_READS &&
	    (c->copy != UBLK_COPY_KERNEL || c->backend == UBLK_BACKEND_NULL))
		return err_set(
			err, -EINVAL,
			"fault: corrupt-reads needs copy kernel and a backend that keeps data");
	if (c->fault == UBLK_FAULT_LOSE_WRITES && c->backend == UBLK_BACKEND_NULL)
		return err_set(err, -EINVAL, "fault: backend null has no writes to lose");
	return 0;
}

/* What only something else asks for must be as it is by default. */
static int check_unused(const struct ublk_config *c, struct err *err)
{
	struct ublk_target_config defaults = {.port = {false}};
	int r = param_defaults(ublk_params, &defaults);

	if (r)
		return err_sys(err, r, "defaults of the knobs");
	if (c->lock != UBLK_LOCK_SHARDED && c->shards != defaults.server.shards)
		return err_set(err, -EINVAL, "shards: of lock sharded, and this is lock %s",
			       lock_names[c->lock]);
	if (c->fault != UBLK_FAULT_SLOW_QUEUE && c->slow_ns != defaults.server.slow_ns)
		return err_set(err, -EINVAL, "slow_time: of fault slow-queue, and this is fault %s",
			       fault_names[c->fault]);
	return 0;
}

static int check_threads(const struct ublk_config *c, struct err *err)
{
	uint64_t slices = c->queues * c->queue_tasks;

	if (c->queue_tasks > c->queue_depth)
		return err_set(err, -EINVAL, "queue_tasks: %llu for a queue_depth of %llu",
			       (unsigned long long)c->queue_tasks,
			       (unsigned long long)c->queue_depth);
	if (c->server_threads > slices)
		return err_set(
			err, -EINVAL,
			"server_threads: %llu, and there are only %llu parts to serve (queues x queue_tasks)",
			(unsigned long long)c->server_threads, (unsigned long long)slices);
	return 0;
}

int ublk_knobs_check(const struct ublk_config *c, struct err *err)
{
	int r = check_sizes(c, err);

	if (!r)
		r = check_backend(c, err);
	if (!r)
		r = check_copy(c, err);
	if (!r)
		r = check_unused(c, err);
	return r ? r : check_threads(c, err);
}

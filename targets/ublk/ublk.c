// SPDX-License-Identifier: MIT
/*
 * block/ublk: our own ublk server, a process of the role target, and the port that all targets of
 * block share. What server and run have in common (counters, the data of the memory backend, the
 * table of stages) is mapped before the fork.
 *
 * The device goes away on every path: by teardown, or, when the run is killed, the driver stops it
 * with its server, and what is left of it carries our mark and is removed as a leftover.
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/util/cleanup.h"
#include "harness/util/cpuset.h"
#include "harness/world/block.h"
#include "targets/targets.h"
#include "targets/ublk/ublk_device.h"
#include "targets/ublk/ublk_file.h"
#include "targets/ublk/ublk_find.h"
#include "targets/ublk/ublk_offers.h"
#include "targets/ublk/ublk_process.h"
#include "targets/ublk/ublk_report.h"

#define PROCESSES_MAX 2

struct ublk_target {
	struct ublk_config config; /* as the cell has it, with the size */
	int file;
	struct ublk_device device;
	struct ublk_setup setup;
	struct block_stages *stages;
	struct ublk_process processes[PROCESSES_MAX];
	unsigned n_processes;
	pthread_t watcher;
	bool watched;
};

static const struct ublk_target_config *config_of(const struct run *run)
{
	return run->target_config;
}

static int ublk_check_cell(const struct cell *cell, struct err *err)
{
	const struct ublk_target_config *c = cell->target_config;
	int r = ublk_knobs_check(&c->server, err);

	if (!r)
		r = block_bytes_check(cell, c->server.block_bytes, err);
	return r ? r
		 : block_port_check(cell, &c->port, ublk_keeps_data(&c->server),
				    c->server.backing.size, err);
}

static int ublk_supported(struct run *run)
{
	int r = ublk_device_supported(&config_of(run)->server, &run->err);

	return r ? r : block_port_supported(run, &config_of(run)->port);
}

/* Whatever does not come to an end by itself is told by its own limit, not by the run's. */
static uint64_t ublk_extra_ns(const struct cell *cell)
{
	const struct ublk_config *c =
		&((const struct ublk_target_config *)cell->target_config)->server;
	bool recovers = c->recovery != UBLK_RECOVERY_NONE;
	uint64_t servers = recovers ? 2 : 1;

	return UBLK_SERVE_NS + UBLK_START_NS + (recovers ? UBLK_RECOVERY_NS : 0) +
	       2 * UBLK_STOP_NS + servers * UBLK_END_NS +
	       (ublk_keeps_data(c) && c->backing.fill ? block_fill_ns(cell, c->backing.size) : 0);
}

/* CPUs that the role may use. */
static int count_cpus(struct run *run, unsigned *ret)
{
	const char *cpus = run->axes->cpus[ROLE_TARGET];
	cpu_set_t set;
	int r = *cpus ? cpuset_parse(cpus, &set) : 0;

	if (!*cpus && sched_getaffinity(0, sizeof(set), &set))
		r = -errno;
	if (r)
		return err_sys(&run->err, r, "CPUs of the role target");
	*ret = (unsigned)CPU_COUNT(&set);
	return 0;
}

static int make_setup(struct run *run, struct ublk_target *t)
{
	const struct block_world *world = run->world;
	unsigned cpus = 1, in_flight = (unsigned)(run->axes->threads * run->axes->depth);
	int r = count_cpus(run, &cpus);

	if (!r)
		r = ublk_setup_init(&t->setup, &t->config, &t->device.dev, t->device.encoding, cpus,
				    t->file, &run->err);
	if (r)
		return r;
	t->setup.window = world->window;
	t->setup.pad_iters_per_ns = run->pad_iters_per_ns;
	if (!t->config.stages)
		return 0;
	t->stages = block_stages_new(in_flight);
	if (!t->stages)
		return err_sys(&run->err, -errno, "table of stages");
	t->setup.stages = t->stages;
	t->setup.stage_bytes = world->block_bytes;
	return 0;
}

static int start_servers(struct run *run, struct ublk_target *t)
{
	unsigned n = t->config.recovery == UBLK_RECOVERY_NONE ? 1 : 2;
	int r = 0;

	for (unsigned i = 0; i < n && !r; i++) {
		r = ublk_process_start(&t->processes[i], run, &t->setup, i,
				       i ? t->processes[0].pid : 0);
		t->n_processes++;
	}
	return r ? r : ublk_process_wait(&t->processes[0]);
}

/* Sleeps until the last server has ended, for whatever reason. */
static void *watch(void *arg)
{
	struct run *run = arg;
	struct ublk_target *t = run->target;

	for (unsigned i = 0; i < t->n_processes; i++)
		ublk_process_await(&t->processes[i]);
	if (!atomic_load(&t->setup.shared->stopping))
		run->stop = true;
	return NULL;
}

/* From here on a device that nobody serves any more ends the run, also when nothing is asked of
 * it. */
static int start_watcher(struct run *run, struct ublk_target *t)
{
	int r = -pthread_create(&t->watcher, NULL, watch, run);

	t->watched = r == 0;
	return r ? err_sys(&run->err, r, "starting the watcher of the server") : 0;
}

static int serve(struct run *run, struct ublk_target *t)
{
	int r = ublk_device_add(&t->device, &t->config, &run->err);

	if (!r && t->config.backend == UBLK_BACKEND_FILE) {
		t->file = ublk_file_open(run, &t->config);
		r = min_of(t->file, 0);
	}
	if (!r)
		r = make_setup(run, t);
	if (!r)
		r = start_servers(run, t);
	if (!r)
		r = ublk_device_start(&t->device, t->processes[0].pid, &run->err);
	return r ? r : start_watcher(run, t);
}

static int ublk_setup(struct run *run)
{
	struct ublk_target *t = run->target = calloc(1, sizeof(*t));
	struct block_world *world = run->world;
	int r;

	if (!t)
		return err_sys(&run->err, -ENOMEM, "ublk target");
	t->file = -1;
	t->config = config_of(run)->server;
	t->config.bytes = block_size_bytes(world, t->config.backing.size);
	r = serve(run, t);
	if (r)
		return r;
	world->keeps_data = ublk_keeps_data(&t->config);
	r = block_port_attach(run, &config_of(run)->port, t->device.path);
	if (!r && t->stages)
		block_port_join(run, t->stages);
	return r;
}

/* Has nobody served the device any more since the last server ended? `says` gets how each ended. */
static bool is_unserved(struct ublk_target *t, struct err *says)
{
	struct err one = {""};

	for (unsigned i = 0; i < t->n_processes; i++) {
		if (!ublk_process_ended(&t->processes[i], &one))
			return false;
		if (i)
			err_set(says, 0, "%.250s; %.250s", says->text, one.text);
		else
			*says = one;
	}
	return t->n_processes > 0;
}

/* A server that died and was followed is no news only where the cell asked for its death. */
static int ublk_stop(struct run *run)
{
	struct ublk_target *t = run->target;
	const struct ublk_shared *shared = t->setup.shared;
	struct err says = {""};

	if (is_unserved(t, &run->err))
		return -ECHILD;
	if (!atomic_load(&shared->recoveries) || atomic_load(&shared->kills))
		return 0;
	ublk_process_ended(&t->processes[0], &says);
	return err_set(&run->err, -ECHILD, "%s, and a second one took the device over", says.text);
}

/* A fault that was asked for and never came about leaves a healthy run behind. */
static void report_fault(const struct ublk_target *t, struct result *result)
{
	const struct ublk_setup *setup = &t->setup;

	if (t->config.fault == UBLK_FAULT_NONE || ublk_sum_threads(setup, false).faults ||
	    ublk_sum_threads(setup, true).faults)
		return;
	result_note(result, "the fault never came about: no request was of the kind, or in time");
}

static void ublk_report_run(struct run *run, struct result *result)
{
	struct ublk_target *t = run->target;

	ublk_report(result, &t->setup);
	block_port_report(run, result);
	report_fault(t, result);
	if (atomic_load(&t->setup.shared->recoveries))
		result_note(
			result,
			"the server was killed in the window, and a second one took the device over");
}

/* Whatever the operations say of it (EIO), the reason is that their server died, also when another
 * one has followed. */
static void blame_server(struct run *run, struct ublk_target *t)
{
	struct err says = {""}, why = run->err;
	bool unserved = is_unserved(t, &says);

	if (!unserved &&
	    (!why.text[0] || !t->n_processes || !ublk_process_ended(&t->processes[0], &says)))
		return;
	if (why.text[0] && !strstr(why.text, says.text))
		err_set(&run->err, 0, "%.300s; %.200s", says.text, why.text);
	else if (!why.text[0])
		run->err = says;
}

static void ublk_teardown(struct run *run)
{
	struct ublk_target *t = run->target;
	struct err err = {""};

	if (!t)
		return;
	block_port_detach(run);
	if (t->setup.shared) {
		blame_server(run, t);
		atomic_store(&t->setup.shared->stopping, 1);
	}
	/* If the driver waits for a server that does not answer, ending the server ends that. */
	ublk_device_stop(&t->device, &err);
	for (unsigned i = t->n_processes; i-- > 0;)
		ublk_process_end(&t->processes[i]);
	if (t->watched)
		pthread_join(t->watcher, NULL);
	if (ublk_device_del(&t->device, &err) && !run->err.text[0])
		run->err = err;
	block_stages_free(t->stages);
	ublk_setup_exit(&t->setup);
	cleanup_close(&t->file);
	free(t);
	run->target = NULL;
}

const struct target_ops target_block_ublk = {
	.workload = "block",
	.name = "ublk",
	.help = "a ublk server of our own: queues, threads, backends, locks",
	.params = ublk_params,
	.config_size = sizeof(struct ublk_target_config),
	.metrics = ublk_metrics,
	.check_cell = ublk_check_cell,
	.supported = ublk_supported,
	.extra_ns = ublk_extra_ns,
	.setup = ublk_setup,
	.lane_open = block_port_lane_open,
	.submit = block_port_submit,
	.reap = block_port_reap,
	.lane_close = block_port_lane_close,
	.leftovers = ublk_find_leftovers,
	.offers = ublk_offers,
	.stop = ublk_stop,
	.report = ublk_report_run,
	.teardown = ublk_teardown,
};

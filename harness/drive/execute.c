// SPDX-License-Identifier: MIT
/*
 * One run from request to response. The order of calls is the lifecycle in run.h; whatever fails,
 * teardowns run and the reason that was found first is the one that is told.
 */
#include "harness/drive/execute.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "harness/drive/drive.h"
#include "harness/probe.h"
#include "harness/protocol.h"
#include "harness/result.h"
#include "harness/drive/life.h"
#include "harness/drive/roles.h"
#include "harness/drive/run_report.h"
#include "harness/util/cleanup.h"

static const char *text_of(const cJSON *o, const char *key)
{
	return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o, key));
}

static uint64_t number_of(const cJSON *o, const char *key)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(o, key);

	return cJSON_IsNumber(item) ? (uint64_t)item->valuedouble : 0;
}

/* The descriptor is not needed beyond this; the mapping keeps the page. */
static int map_window(struct run *run)
{
	_cleanup_close_ int fd = PROTOCOL_WINDOW_FD;
	void *page =
		mmap(NULL, sizeof(struct probe_window), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (page == MAP_FAILED)
		return err_sys(&run->err, -errno, "the page with the window");
	run->window = page;
	return 0;
}

static void unmap_window(struct run *run)
{
	if (run->window)
		munmap(run->window, sizeof(*run->window));
}

static int parse_request(const struct registry *reg, const cJSON *req, struct run *run,
			 struct cell **cell)
{
	const cJSON *pad = cJSON_GetObjectItemCaseSensitive(req, "pad_iters_per_ns");
	const char *seed = text_of(req, "seed");
	int r;

	if (number_of(req, "protocol") != PROTOCOL_VERSION)
		return err_set(&run->err, -EPROTO,
			       "the parent speaks protocol %llu, this build speaks %d",
			       (unsigned long long)number_of(req, "protocol"), PROTOCOL_VERSION);
	run->workdir = text_of(req, "workdir");
	run->sessiondir = text_of(req, "sessiondir");
	run->bin = text_of(req, "bin");
	if (!seed || !run->workdir || !run->sessiondir || !cJSON_IsNumber(pad))
		return err_set(&run->err, -EPROTO, "the request lacks a part");
	r = cell_from_json(reg, cJSON_GetObjectItemCaseSensitive(req, "cell"), &run->err, cell);
	if (r)
		return r;
	run->cell = *cell;
	run->axes = &run->cell->axes;
	run->workload_config = run->cell->workload_config;
	run->target_config = run->cell->target_config;
	run->seed = strtoull(seed, NULL, 10);
	run->warmup_ns = number_of(req, "warmup_ns");
	run->duration_ns = number_of(req, "duration_ns");
	run->pad_iters_per_ns = pad->valuedouble;
	pad = cJSON_GetObjectItemCaseSensitive(req, "pad_iters_per_op");
	run->pad_iters_per_op = cJSON_IsNumber(pad) ? pad->valuedouble : 0;
	return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(req, "window")) ? map_window(run) : 0;
}

/* What the drive has a part in: of a program that makes its own load only when it is. */
static struct axes driven_axes(const struct cell *cell)
{
	struct axes axes = cell->axes;

	if (cell->workload->payload_told)
		axes.payload = 0;
	if (cell->target->own_ops) {
		axes.threads = axes.depth = axes.batch = 1;
		axes.rate = 0;
	}
	return axes;
}

/* What the run found, also when the oracle says that it was wrong. */
static int conclude(struct run *run, struct drive_result *d, struct result *res)
{
	const struct cell *cell = run->cell;
	int r = life_call(cell->target->stop, run, "stopping the target"), v = 0;

	if (cell->target->own_ops)
		d->window.ops = cell->target->own_ops(run, d->series_ops, SERIES_POINTS);
	run_report(run, d, res);
	if (!r && cell->workload->verify) {
		v = cell->workload->verify(run, res);
		if (v < 0 && !run->err.text[0])
			err_sys(&run->err, v, "verification");
	}
	if (cell->target->report)
		cell->target->report(run, res);
	if (cell->workload->report)
		cell->workload->report(run, &d->window, res);
	return r ? r : v;
}

static int do_run(struct run *run, struct result *res, bool *in_setup)
{
	struct drive_result *d = NULL;
	int r = life_make_lanes(run);

	*in_setup = true;
	if (r)
		return r;
	r = life_set_up(run);
	if (!r) {
		*in_setup = false;
		r = drive_run(run, &d);
		if (!r)
			r = conclude(run, d, res);
	}
	if (!r)
		run->err.text[0] = '\0'; /* said of what was got over */
	life_tear_down(run);
	if (!r && run->err.text[0])
		result_note(res, "something of the run is left: %s", run->err.text);
	drive_result_free(d);
	return r;
}

static enum status status_of(int r, bool in_setup)
{
	if (!r)
		return STATUS_OK;
	if (r == -EOPNOTSUPP)
		return STATUS_UNSUPPORTED;
	if (in_setup && (r == -EPERM || r == -EACCES))
		return STATUS_SKIPPED;
	return STATUS_FAILED;
}

static void move_items(cJSON *to, const char *name, cJSON **from)
{
	if (*from)
		cJSON_AddItemToObject(to, name, take_ptr(*from));
}

static cJSON *respond(const struct run *run, struct result *res, enum status status)
{
	cJSON *o = cJSON_CreateObject();

	cJSON_AddNumberToObject(o, "protocol", PROTOCOL_VERSION);
	cJSON_AddStringToObject(o, "status", status_names[status]);
	if (status == STATUS_OK)
		cJSON_AddNullToObject(o, "reason");
	else
		cJSON_AddStringToObject(o, "reason", run->err.text);
	if (!res->run)
		return o;
	move_items(o, "metrics", &res->metrics);
	move_items(o, "histograms", &res->histograms);
	move_items(o, "series", &res->series);
	move_items(o, "usage", &res->usage);
	move_items(o, "processes", &res->processes);
	move_items(o, "verify", &res->verify);
	move_items(o, "detail", &res->detail);
	move_items(o, "notes", &res->notes);
	for (cJSON *item; res->extra && (item = res->extra->child);)
		cJSON_AddItemToObject(o, item->string,
				      cJSON_DetachItemViaPointer(res->extra, item));
	return o;
}

cJSON *execute(const struct registry *reg, const cJSON *request)
{
	struct run run = {.stop = false};
	struct result res = {.run = NULL};
	struct cell *cell = NULL;
	struct axes axes;
	bool in_setup = false;
	cJSON *response;
	int r = parse_request(reg, request, &run, &cell);

	if (!r) {
		axes = driven_axes(cell);
		run.axes = &axes;
		result_init(&res, &run);
		r = do_run(&run, &res, &in_setup);
	}
	response = respond(&run, &res, status_of(r, in_setup));
	result_free(&res);
	if (cell)
		life_free_lanes(&run);
	unmap_window(&run);
	cell_free(cell);
	return response;
}

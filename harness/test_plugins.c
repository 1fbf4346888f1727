// SPDX-License-Identifier: MIT
/* Plugins that are never run: only their tables and check_cell are looked at. */
#include "harness/test_plugins.h"

#include <errno.h>

#include "harness/test_prober.h"

struct log_config {
	uint64_t partitions;
	char dir[PARAM_STRING_MAX];
	bool spread;
};

struct group_config {
	uint64_t window_ns, room_bytes;
	int flush;
	bool direct;
};

static const char *const flushes[] = {"fdatasync", "dsync", NULL};

static const struct param log_params[] = {
	{.name = "partitions",
	 .type = PARAM_INT,
	 .offset = offsetof(struct log_config, partitions),
	 .def = "1",
	 .min = 1,
	 .max = 64,
	 .help = "partitions"},
	{.name = "dir",
	 .type = PARAM_STRING,
	 .offset = offsetof(struct log_config, dir),
	 .help = "folder"},
	{.name = "spread",
	 .type = PARAM_BOOL,
	 .offset = offsetof(struct log_config, spread),
	 .def = "true",
	 .help = "spread"},
	PARAM_END,
};

static const struct param plain_params[] = {
	{.name = "direct",
	 .type = PARAM_BOOL,
	 .offset = offsetof(struct group_config, direct),
	 .def = "false",
	 .help = "direct"},
	PARAM_END,
};

static const struct param group_params[] = {
	{.name = "window",
	 .type = PARAM_TIME,
	 .offset = offsetof(struct group_config, window_ns),
	 .def = "0",
	 .max = 1000000000,
	 .help = "window"},
	{.name = "room",
	 .type = PARAM_SIZE,
	 .offset = offsetof(struct group_config, room_bytes),
	 .def = "64k",
	 .min = 4096,
	 .max = 1 << 20,
	 .help = "room"},
	{.name = "flush",
	 .type = PARAM_ENUM,
	 .offset = offsetof(struct group_config, flush),
	 .def = "fdatasync",
	 .choices = flushes,
	 .help = "flush"},
	{.name = "direct",
	 .type = PARAM_BOOL,
	 .offset = offsetof(struct group_config, direct),
	 .def = "false",
	 .help = "direct"},
	PARAM_END,
};

static int check_direct(const struct cell *cell, struct err *err)
{
	const struct group_config *config = cell->target_config;

	if (config->direct && cell->axes.payload % 4096)
		return err_set(err, -EINVAL, "direct needs a payload in multiples of 4096");
	return 0;
}

static const struct workload_ops log_workload = {.name = "log",
						 .help = "log",
						 .op_name = "commit",
						 .params = log_params,
						 .config_size = sizeof(struct log_config),
						 .payload_default = 4096,
						 .payload_min = 64,
						 .payload_max = 1 << 20};
static const struct workload_ops void_workload = {
	.name = "void", .help = "nothing", .op_name = "operation", .runs_programs = true};

static const struct metric plain_metrics[] = {
	{"flush_time", "ns", BETTER_LOWER, "of a flush"},
	METRIC_END,
};

static const struct target_ops plain_target = {.workload = "log",
					       .name = "plain",
					       .help = "plain",
					       .params = plain_params,
					       .metrics = plain_metrics,
					       .config_size = sizeof(struct group_config),
					       .check_cell = check_direct};
static const struct target_ops group_target = {.workload = "log",
					       .name = "group",
					       .help = "group",
					       .params = group_params,
					       .config_size = sizeof(struct group_config),
					       .check_cell = check_direct};
static const struct target_ops null_target = {.workload = "void", .name = "null", .help = "null"};

static const struct workload_ops *const workloads[] = {&log_workload, &void_workload, NULL};
static const struct target_ops *const targets[] = {&plain_target, &group_target, &null_target,
						   NULL};

const struct registry test_registry = {
	.workloads = workloads, .targets = targets, .prober = &test_prober_ops};

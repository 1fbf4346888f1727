// SPDX-License-Identifier: MIT
/*
 * One table for all probes: there are few knobs, and most of them concern several probes. They are
 * no part of a cell's identity, since probes must not change what is measured.
 */
#include "probes/knobs.h"

static const char *const hooks_names[] = {"auto", "btf", "plain", NULL};
static const char *const stacks_names[] = {"none", "kernel", "user", NULL};

const struct param probe_params[] = {
	{.name = "probe_cost",
	 .type = PARAM_INT,
	 .offset = offsetof(struct probe_config, cost),
	 .def = "5",
	 .min = 1,
	 .max = 100,
	 .unit = "%",
	 .help = "share of a CPU's time that a probe may cost before it looks at fewer events, and all of them before they watch a part of the window only (of a run; a hunt always watches all of it)"},
	{.name = "hooks",
	 .type = PARAM_ENUM,
	 .offset = offsetof(struct probe_config, hooks),
	 .def = "auto",
	 .choices = hooks_names,
	 .help = "BTF-typed tracepoints, plain ones, or plain ones only where there is no BTF"},
	{.name = "stacks",
	 .type = PARAM_ENUM,
	 .offset = offsetof(struct probe_config, stacks),
	 .def = "user",
	 .choices = stacks_names,
	 .help = "stacks of long waits: none, the kernel's, or the user's as well"},
	{.name = "stack_wait",
	 .type = PARAM_TIME,
	 .offset = offsetof(struct probe_config, stack_wait_ns),
	 .def = "100us",
	 .min = 1000,
	 .help = "waits from here on count as long"},
	{.name = "stack_bytes",
	 .type = PARAM_SIZE,
	 .offset = offsetof(struct probe_config, stack_bytes),
	 .def = "8k",
	 .min = 1024,
	 .max = STACK_BYTES_MAX,
	 .help = "how much of a user stack is copied for unwinding"},
	{.name = "cqe_sample",
	 .type = PARAM_INT,
	 .offset = offsetof(struct probe_config, cqe_sample),
	 .def = "0",
	 .max = 1 << 20,
	 .help = "time one io_uring request in so many; 0: as many as probe_cost allows"},
	PARAM_END,
};

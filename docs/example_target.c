// SPDX-License-Identifier: MIT
/* nop/getppid: each operation is one system call, or a few, served one by one. */
#include <sys/syscall.h>
#include <unistd.h>

#include "harness/syncport.h"
#include "harness/target.h"

struct getppid_config {
	uint64_t calls;
};

static const struct param getppid_params[] = {
	{.name = "calls",
	 .type = PARAM_INT,
	 .offset = offsetof(struct getppid_config, calls),
	 .def = "1",
	 .min = 1,
	 .max = 1000,
	 .help = "system calls for each operation"},
	PARAM_END,
};

static int getppid_serve(struct lane *lane, struct op *op, void *priv)
{
	const struct getppid_config *c = lane->run->target_config;

	(void)priv;
	for (uint64_t i = 0; i < c->calls; i++)
		syscall(SYS_getppid);
	op->result = 0;
	return 0;
}

static int getppid_open(struct lane *lane)
{
	return syncport_open(lane, getppid_serve, NULL);
}

const struct target_ops target_nop_getppid = {
	.workload = "nop",
	.name = "getppid",
	.help = "one system call that does next to nothing",
	.params = getppid_params,
	.config_size = sizeof(struct getppid_config),
	.lane_open = getppid_open,
	.submit = syncport_submit,
	.reap = syncport_reap,
	.lane_close = syncport_close,
};

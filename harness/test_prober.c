// SPDX-License-Identifier: MIT
/* Consecutive ticks are written down as one, since how many there are is a matter of time. */
#include "harness/test_prober.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness/util/cleanup.h"
#include "harness/util/nsec.h"

struct test_config {
	uint64_t threshold_ns;
	int hooks;
};

struct prober {
	unsigned set;
	int fd;
	bool armed;
};

struct test_prober test_prober;

static const char *const hooks_names[] = {"auto", "plain", NULL};

static const struct param params[] = {
	{.name = "threshold",
	 .type = PARAM_TIME,
	 .offset = offsetof(struct test_config, threshold_ns),
	 .def = "100us",
	 .min = 1000,
	 .help = "long waits"},
	{.name = "hooks",
	 .type = PARAM_ENUM,
	 .offset = offsetof(struct test_config, hooks),
	 .def = "auto",
	 .choices = hooks_names,
	 .help = "hooks"},
	PARAM_END,
};

static const struct probe_info infos[] = {
	{.name = "calls", .help = "what is called"},
	{.name = "waits", .help = "what is waited for"},
	{.name = "blame", .help = "who is waited for", .needs = "waits"},
	{.name = NULL},
};

void test_prober_reset(void)
{
	test_prober = (struct test_prober){.tick_ns = 5 * NSEC_PER_MSEC};
}

static void note(const char *call)
{
	size_t len = strlen(test_prober.calls), n = strlen(call);

	if (len > n && !strcmp(call, "tick ") && !strcmp(test_prober.calls + len - n, call))
		return;
	snprintf(test_prober.calls + len, sizeof(test_prober.calls) - len, "%s", call);
}

static int open_prober(unsigned set, const void *config, struct prober **ret, struct err *err)
{
	const struct test_config *c = config;
	struct prober *p;
	char text[64];

	snprintf(text, sizeof(text), "open(%u,%lluus) ", set,
		 (unsigned long long)(c->threshold_ns / NSEC_PER_USEC));
	note(text);
	if (test_prober.no_open)
		return err_set(err, -ENOMEM, "no room for programs");
	p = calloc(1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	p->set = set;
	p->fd = memfd_create("window", MFD_CLOEXEC);
	if (p->fd < 0 || ftruncate(p->fd, 4096)) {
		cleanup_close(&p->fd);
		free(p);
		return err_sys(err, -EIO, "memfd");
	}
	test_prober.n_open++;
	*ret = p;
	return 0;
}

static int arm(struct prober *p, const char *role, pid_t pid, struct err *err)
{
	static const struct probe_window none = {0};
	char text[64];

	snprintf(text, sizeof(text), "arm(%s,%d) ", role, pid);
	note(text);
	if (test_prober.no_arm)
		return err_set(err, -EBUSY, "hooks are taken");
	p->armed = true;
	return pwrite(p->fd, &none, sizeof(none), 0) == sizeof(none) ? 0 : -EIO;
}

static void launched(struct prober *p)
{
	(void)p;
	note("launched ");
}

static int window_fd(const struct prober *p)
{
	return test_prober.no_window ? -1 : p->fd;
}

static uint64_t tick(struct prober *p)
{
	(void)p;
	note("tick ");
	test_prober.n_ticks++;
	return test_prober.tick_ns;
}

static void disarm(struct prober *p)
{
	note("disarm ");
	p->armed = false;
	if (pread(p->fd, &test_prober.window, sizeof(test_prober.window), 0) < 0)
		note("(no window) ");
}

static cJSON *read_prober(struct prober *p, const cJSON *usage, uint64_t usage_off_ns, bool live)
{
	_cleanup_free_ char *text = usage ? cJSON_PrintUnformatted(usage) : NULL;
	cJSON *o = cJSON_CreateObject();

	(void)usage_off_ns;
	note(live ? "live " : p->armed ? "read-while-armed " : "read ");
	snprintf(test_prober.usage, sizeof(test_prober.usage), "%s", text ? text : "");
	for (unsigned i = 0; infos[i].name; i++)
		if (p->set & 1u << i)
			cJSON_AddStringToObject(cJSON_AddObjectToObject(o, infos[i].name), "status",
						"ok");
	if (test_prober.no_read) {
		cJSON_Delete(o);
		return NULL;
	}
	return o;
}

static void close_prober(struct prober *p)
{
	note(p->armed ? "close-while-armed " : "close ");
	cleanup_close(&p->fd);
	free(p);
	test_prober.n_open--;
}

static cJSON *foreign(struct err *why)
{
	note("foreign ");
	if (!test_prober.no_foreign)
		return cJSON_Parse(test_prober.foreign ? test_prober.foreign : "[]");
	err_set(why, -EPERM, "nobody may look");
	return NULL;
}

static int supported(const char *name, const char **ret_hooks, struct err *why)
{
	if (!strcmp(name, "blame"))
		return err_set(why, -EOPNOTSUPP, "this kernel blames nobody");
	*ret_hooks = strcmp(name, "calls") ? "btf" : "plain";
	return 0;
}

const struct prober_ops test_prober_ops = {
	.probes = infos,
	.params = params,
	.config_size = sizeof(struct test_config),
	.open = open_prober,
	.arm = arm,
	.launched = launched,
	.window_fd = window_fd,
	.tick = tick,
	.disarm = disarm,
	.read = read_prober,
	.close = close_prober,
	.foreign = foreign,
	.supported = supported,
};

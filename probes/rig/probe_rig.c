// SPDX-License-Identifier: MIT
/*
 * For tests: runs a command under probes and prints what they saw, as in a record.
 *
 *   probe_rig [-k KNOB=VALUE]... [-w WARM_UP_MS -f WINDOW_MS] PROBE[,PROBE]... COMMAND...
 *
 * Without -w the window opens before the command is started and closes after its end, so that every
 * event of it is inside. With -w the command warms up first, and is killed when the window is over.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/util/cleanup.h"
#include "harness/util/nsec.h"
#include "probes/knobs.h"
#include "probes/probes.h"

#define FOREVER_NS (3600 * NSEC_PER_SEC)
#define STEP_NS	   NSEC_PER_MSEC

struct rig {
	struct probe_config config;
	uint64_t warm_ns, window_ns; /* 0: as long as the command runs */
	unsigned set;
	struct prober *prober;
	struct probe_window *window;
	pid_t pid;
};

static int set_knob(struct rig *g, char *text, struct err *err)
{
	char *value = strchr(text, '=');
	const struct param *row;

	if (value)
		*value++ = 0;
	row = param_find(probe_params, text);
	if (!row || !value)
		return err_set(err, -EINVAL, "%s: not KNOB=VALUE", text);
	return param_set_text(row, value, &g->config, err);
}

static int parse(struct rig *g, int argc, char **argv, struct err *err)
{
	int c, r = param_defaults(probe_params, &g->config);

	while (!r && (c = getopt(argc, argv, "+k:w:f:")) != -1) {
		if (c == 'k')
			r = set_knob(g, optarg, err);
		else if (c == 'w')
			g->warm_ns = strtoull(optarg, NULL, 10) * NSEC_PER_MSEC;
		else if (c == 'f')
			g->window_ns = strtoull(optarg, NULL, 10) * NSEC_PER_MSEC;
		else
			r = err_set(err, -EINVAL, "unknown option");
	}
	if (!r && argc - optind < 2)
		r = err_set(err, -EINVAL, "give probes and a command");
	for (char *name = r ? NULL : strtok(argv[optind], ","); name && !r;
	     name = strtok(NULL, ","))
		r = probe_set_add(&probes_prober, name, &g->set, err);
	return r;
}

static int open_window(struct rig *g, struct err *err)
{
	int fd = probes_prober.window_fd(g->prober);
	uint64_t now = nsec_now();

	g->window = mmap(NULL, (size_t)sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE, MAP_SHARED,
			 fd, 0);
	if (g->window == MAP_FAILED)
		return err_sys(err, -errno, "no window: is BPF refused?");
	g->window->start_ns = now;
	g->window->end_ns = now + g->warm_ns + (g->window_ns ? g->window_ns : FOREVER_NS);
	__atomic_store_n(&g->window->begin_ns, now + g->warm_ns, __ATOMIC_RELEASE);
	return 0;
}

static int launch(struct rig *g, char **command, struct err *err)
{
	g->pid = fork();
	if (g->pid < 0)
		return err_sys(err, -errno, "fork");
	if (!g->pid) {
		dup2(STDERR_FILENO, STDOUT_FILENO);
		execvp(command[0], command);
		_exit(127);
	}
	probes_prober.launched(g->prober);
	return 0;
}

/* Returns the command's status. It is told to end when the window is over before it. */
static int watch(struct rig *g)
{
	int status = 0;

	while (!waitpid(g->pid, &status, WNOHANG)) {
		uint64_t next = probes_prober.tick(g->prober), now = nsec_now();

		if (now >= g->window->end_ns)
			kill(g->pid, SIGKILL);
		nsec_sleep_until(now + min_of(next, (uint64_t)STEP_NS));
	}
	g->window->end_ns = min_of(g->window->end_ns, nsec_now());
	probes_prober.tick(g->prober);
	return status;
}

static int run(struct rig *g, char **command, struct err *err)
{
	_cleanup_json_ cJSON *seen = NULL;
	_cleanup_free_ char *text = NULL;
	int status, r = probes_prober.arm(g->prober, "process", 0, err);

	if (!r)
		r = open_window(g, err);
	if (!r)
		r = launch(g, command, err);
	if (r)
		return r;
	status = watch(g);
	probes_prober.disarm(g->prober);
	seen = probes_prober.read(g->prober, NULL, 0, false);
	text = cJSON_PrintUnformatted(seen);
	printf("%s\n", text);
	if (g->window_ns || !status)
		return 0;
	return err_set(err, -ECHILD, "the command failed: status %#x", status);
}

int main(int argc, char **argv)
{
	struct err err = {""};
	struct rig g = {.warm_ns = 0};
	int r = parse(&g, argc, argv, &err);

	if (!r)
		r = probes_prober.open(g.set, &g.config, &g.prober, &err);
	if (!r)
		r = run(&g, &argv[optind + 1], &err);
	probes_prober.close(g.prober);
	if (r)
		fprintf(stderr, "probe_rig: %s\n", err.text);
	return r ? 1 : 0;
}

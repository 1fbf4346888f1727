// SPDX-License-Identifier: MIT
/*
 * The kernel skips a program now and then, so the end of a spin lock's wait can stay unseen. Such
 * an entry, put into a watched thread's row here, must be gone once the thread has left its CPU:
 * else the next end of that lock would count a wait of seconds.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/util/nsec.h"
#include "probes/knobs.h"
#include "probes/prober.h"
#include "probes/probes.h"

#define SKIP	   77
#define LCB_F_SPIN 1
#define LONG_NS	   (5 * NSEC_PER_SEC)

static pid_t start(struct prober *p)
{
	pid_t pid = fork();

	while (!pid)
		usleep(1000);
	probes_prober.launched(p);
	return pid;
}

static struct thread *row_of(struct prober *p, pid_t pid)
{
	for (unsigned i = 1; i <= track_count(p->track); i++)
		if (track_thread(p->track, i)->tid == (uint32_t)pid)
			return (struct thread *)track_thread(p->track, i);
	return NULL;
}

/* Does the entry go away? */
static int heals(struct thread *t)
{
	uint64_t until = nsec_now() + LONG_NS;

	t->nest[1].since_ns = nsec_now();
	t->nest[1].flags = LCB_F_SPIN;
	t->nest[1].lock = 0x1000;
	__atomic_store_n(&t->in_spin, 1, __ATOMIC_RELEASE);
	while (nsec_now() < until) {
		if (!__atomic_load_n(&t->nest[1].lock, __ATOMIC_ACQUIRE))
			return t->in_spin == 0;
		usleep(1000);
	}
	return 0;
}

static int watch(struct prober *p, struct err *err)
{
	struct thread *t;
	pid_t pid;
	int healed;

	if (probes_prober.arm(p, "process", 0, err))
		return SKIP;
	pid = start(p);
	t = pid > 0 ? row_of(p, pid) : NULL;
	healed = t && heals(t);
	if (pid > 0) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	printf("%s\n", !t ? "the thread is not watched" : healed ? "ok" : "the entry stays");
	return healed ? 0 : 1;
}

int main(void)
{
	struct probe_config config;
	struct prober *p = NULL;
	struct err err = {""};
	unsigned set = 0;
	int r = param_defaults(probe_params, &config);

	if (r || probe_set_add(&probes_prober, "lock", &set, &err))
		return 1;
	r = geteuid() ? SKIP : probes_prober.open(set, &config, &p, &err) ? 1 : 0;
	if (!r)
		r = p->track ? watch(p, &err) : SKIP;
	probes_prober.close(p);
	if (r == SKIP)
		printf("SKIP: BPF programs need root: %s\n", err.text);
	return r;
}

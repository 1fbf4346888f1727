// SPDX-License-Identifier: MIT
/*
 * Reading /proc takes some 20 us for a thread, so at most SAMPLED_MAX threads are read: they stand
 * for the others of their role.
 */
#include "probes/sched/sched_times.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/util/cleanup.h"
#include "harness/util/procfs.h"

#define SAMPLED_MAX 1024

struct sched_times {
	bool begun;
	uint64_t user_ns[SAMPLED_MAX], system_ns[SAMPLED_MAX]; /* by number of the thread */
};

struct sched_times *sched_times_new(void)
{
	return calloc(1, sizeof(struct sched_times));
}

void sched_times_free(struct sched_times *t)
{
	free(t);
}

void sched_times_reset(struct sched_times *t)
{
	memset(t, 0, sizeof(*t));
}

static bool read_thread(const struct thread *s, uint64_t *ret_user, uint64_t *ret_system)
{
	struct proc_thread p = {.user_ns = 0};
	char dir[64];

	if (s->end_ns) {
		*ret_user = s->user_ns;
		*ret_system = s->system_ns;
		return true;
	}
	snprintf(dir, sizeof(dir), "/proc/%u/task/%u", s->tgid, s->tid);
	if (procfs_stat(dir, &p))
		return false;
	*ret_user = p.user_ns;
	*ret_system = p.system_ns;
	return true;
}

static unsigned sampled(const struct track *track)
{
	return min_of(track_count(track), SAMPLED_MAX - 1u);
}

void sched_times_begin(struct sched_times *t, const struct track *track)
{
	if (t->begun || !track_count(track) || track_thread(track, 1)->role == PROBE_ROLE_HARNESS)
		return;
	t->begun = true;
	for (unsigned i = 1; i <= sampled(track); i++)
		read_thread(track_thread(track, i), &t->user_ns[i], &t->system_ns[i]);
}

bool sched_times_role(const struct sched_times *t, const struct track *track, uint32_t role,
		      uint64_t *ret_user, uint64_t *ret_system)
{
	uint64_t user = 0, sys = 0, u, s;

	for (unsigned i = 1; t->begun && i <= sampled(track); i++) {
		const struct thread *thread = track_thread(track, i);

		if (thread->role != role || !read_thread(thread, &u, &s))
			continue;
		user += u > t->user_ns[i] ? u - t->user_ns[i] : 0;
		sys += s > t->system_ns[i] ? s - t->system_ns[i] : 0;
	}
	*ret_user = user;
	*ret_system = sys;
	return user + sys;
}

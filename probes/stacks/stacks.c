// SPDX-License-Identifier: MIT
/*
 * Reads samples as they come, so that the maps of a process are saved while it lives, and does all
 * that takes time afterwards: a sample is unwound once, by stacks_groups(), process by process,
 * so that only one process has its files open. Processes with the same maps (a program and what it
 * forked) share them.
 *
 * A sample without a finished wait, or with one below the threshold, was a wrong guess of the
 * programs: it is counted and belongs to no group.
 */
#include "probes/stacks/stacks.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "harness/util/cleanup.h"
#include "probes/stacks/kallsyms.h"
#include "probes/stacks/procmaps.h"
#include "probes/stacks/stacks_impl.h"

#define WAITS_BYTES    (SAMPLE_WAITS * sizeof(uint64_t))
#define TRACING_FRAMES 8u

static size_t page_up(size_t bytes)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (bytes + page - 1) / page * page;
}

static void *map_shared(int fd, size_t bytes)
{
	void *at = mmap(NULL, page_up(bytes), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	return at == MAP_FAILED ? NULL : at;
}

static struct process *process_of(struct stacks *s, uint32_t tgid)
{
	struct process *p;

	for (size_t i = 0; i < s->n_processes; i++)
		if (s->processes[i].tgid == tgid)
			return &s->processes[i];
	if (s->n_processes == SAMPLES_MAX)
		return NULL;
	p = &s->processes[s->n_processes++];
	*p = (struct process){.tgid = tgid};
	/* A failure is seen later, as a process without maps. */
	procmaps_snapshot((pid_t)tgid, &p->maps);
	return p;
}

/* Called by libbpf for every record. */
static int on_sample(void *ctx, void *data, size_t size)
{
	struct stacks *s = ctx;
	struct taken *t;

	if (s->discard)
		return 0;
	t = size >= sizeof(t->sample) && s->n_taken < SAMPLES_MAX ? calloc(1, sizeof(*t)) : NULL;
	if (!t) {
		s->no_memory++;
		return 0;
	}
	memcpy(&t->sample, data, sizeof(t->sample));
	t->process = process_of(s, t->sample.tgid);
	s->taken[s->n_taken++] = t;
	return 0;
}

static int open_maps(struct stacks *s, const struct stacks_maps *maps, struct err *err)
{
	s->waits = map_shared(maps->waits, WAITS_BYTES);
	if (!s->waits)
		return err_sys(err, -errno, "stacks: map of waits");
	s->state = map_shared(maps->state, sizeof(*s->state));
	if (!s->state)
		return err_sys(err, -errno, "stacks: map of the state");
	s->ring = ring_buffer__new(maps->samples, on_sample, s, NULL);
	return s->ring ? 0 : err_sys(err, -errno, "stacks: ring buffer");
}

static void cleanup_stacks(struct stacks **s)
{
	stacks_close(*s);
}

int stacks_open(const struct stacks_maps *maps, uint64_t long_ns, struct stacks **ret,
		struct err *err)
{
	_cleanup_(cleanup_stacks) struct stacks *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return err_sys(err, -ENOMEM, "stacks");
	s->long_ns = long_ns;
	r = maps ? open_maps(s, maps, err) : 0;
	if (r)
		return r;
	*ret = take_ptr(s);
	return 0;
}

static void forget(struct stacks *s)
{
	for (size_t i = 0; i < s->n_taken; i++) {
		free(s->taken[i]->user);
		free(s->taken[i]->kernel);
		free(s->taken[i]);
	}
	for (size_t i = 0; i < s->n_processes; i++)
		free(s->processes[i].maps);
	s->n_taken = s->n_processes = 0;
	s->unwinder_err.text[0] = 0;
	s->no_memory = 0;
}

void stacks_close(struct stacks *s)
{
	if (!s)
		return;
	forget(s);
	ring_buffer__free(s->ring);
	if (s->state)
		munmap(s->state, page_up(sizeof(*s->state)));
	if (s->waits)
		munmap(s->waits, page_up(WAITS_BYTES));
	kallsyms_close(s->kallsyms);
	free(s);
}

int stacks_reset(struct stacks *s, struct err *err)
{
	int r;

	forget(s);
	if (!s->ring)
		return 0;
	s->discard = true;
	r = ring_buffer__consume(s->ring);
	s->discard = false;
	if (r < 0)
		return err_sys(err, r, "stacks: ring buffer");
	memset(s->waits, 0, WAITS_BYTES);
	memset(s->state, 0, sizeof(*s->state));
	return 0;
}

static void save_again(struct process *p)
{
	char *maps;

	if (procmaps_snapshot((pid_t)p->tgid, &maps))
		return; /* it has ended: what was saved first stays */
	free(p->maps);
	p->maps = maps;
}

void stacks_poll(struct stacks *s, bool late)
{
	if (!s->ring)
		return;
	/* Only our callback could make this fail, and it does not. */
	ring_buffer__consume(s->ring);
	for (size_t i = 0; late && i < s->n_processes; i++)
		save_again(&s->processes[i]);
}

static int need_kallsyms(struct stacks *s, struct err *err)
{
	if (!s->kallsyms && !s->kallsyms_code)
		s->kallsyms_code = kallsyms_open("/proc/kallsyms", &s->kallsyms, &s->kallsyms_err);
	if (s->kallsyms_code)
		return err_set(err, s->kallsyms_code, "%s", s->kallsyms_err.text);
	return 0;
}

/* The tracing that took the stack stands on top of it: kernel/trace/bpf_trace.c. */
static bool is_tracing(const char *name)
{
	static const char *const prefixes[] = {"bpf_", "__bpf_", "__traceiter_", "perf_trace_",
					       "trace_call_bpf"};

	for (unsigned i = 0; i < array_size(prefixes); i++)
		if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	return false;
}

/* How many frames on top are the tracing's own. */
static unsigned tracing_frames(struct stacks *s, const uint64_t *ips, unsigned n)
{
	unsigned own = 0;
	char name[512];

	for (unsigned i = 0; i < min_of(n, TRACING_FRAMES); i++)
		if (kallsyms_name(s->kallsyms, ips[i], name, sizeof(name)) == 0 && is_tracing(name))
			own = i + 1;
	return own;
}

cJSON *stacks_kernel_frames(struct stacks *s, const uint64_t *ips, unsigned n, struct err *err)
{
	_cleanup_json_ cJSON *frames = NULL;
	char name[512];

	if (need_kallsyms(s, err))
		return NULL;
	frames = cJSON_CreateArray();
	for (unsigned i = tracing_frames(s, ips, n); frames && i < n && ips[i]; i++) {
		/* A return address may belong to the next function. */
		uint64_t at = i ? ips[i] - 1 : ips[i];
		cJSON *item;

		if (kallsyms_name(s->kallsyms, at, name, sizeof(name)))
			snprintf(name, sizeof(name), "[kernel+0x%llx]", (unsigned long long)at);
		item = cJSON_CreateString(name);
		if (!item || !cJSON_AddItemToArray(frames, item)) {
			cJSON_Delete(item);
			cJSON_Delete(take_ptr(frames));
		}
	}
	if (!frames)
		err_sys(err, -ENOMEM, "stacks");
	return take_ptr(frames);
}

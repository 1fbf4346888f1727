// SPDX-License-Identifier: MIT
/*
 * libbpf says why something failed only through its print callback, so what it says is kept: the
 * first complaint is the cause, later ones are consequences.
 */
#include "probes/part.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness/util/cleanup.h"
#include "probes/closer.h"
#include "probes/tracefs.h"

#define BATCH_BYTES (1ul << 20) /* of values, for one call */

static __thread char complaint[ERR_MAX / 2];

static int on_print(enum libbpf_print_level level, const char *fmt, va_list args)
{
	char text[sizeof(complaint)];

	if (level != LIBBPF_WARN || complaint[0])
		return 0;
	vsnprintf(text, sizeof(text), fmt, args);
	text[strcspn(text, "\n")] = 0;
	snprintf(complaint, sizeof(complaint), "%s",
		 strncmp(text, "libbpf: ", 8) ? text : text + 8);
	return 0;
}

void part_quiet(void)
{
	libbpf_set_print(on_print);
}

static bool is_shared(const char *map)
{
	static const char *const shared[] = {"tid_slot", "threads", "window", "control"};

	for (unsigned i = 0; i < array_size(shared); i++)
		if (!strcmp(map, shared[i]))
			return true;
	return false;
}

static int share_maps(struct bpf_object *obj, const struct part *tracker)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, obj)
	{
		const char *name = bpf_map__name(map);
		int r = is_shared(name) ? bpf_map__reuse_fd(map, part_map_fd(tracker, name)) : 0;

		if (r)
			return r;
	}
	return 0;
}

int part_prepare(struct part *p, struct bpf_object *obj, const char *const *programs,
		 const struct part *tracker, struct err *err)
{
	int r;

	complaint[0] = 0;
	*p = (struct part){.obj = obj, .programs = programs};
	if (!obj)
		return err_sys(err, -errno, "opening a BPF object");
	r = tracker ? share_maps(obj, tracker) : 0;
	return r ? err_sys(err, r, "sharing maps: %s", complaint) : 0;
}

int part_loaded(struct part *p, int r, uint64_t (*hits)[HITS_PROGRAMS], struct err *err)
{
	p->hits = hits;
	if (!r)
		return 0;
	if (r == -EPERM && geteuid())
		return err_set(err, r,
			       "the kernel refuses BPF programs to this user: run as root, or with "
			       "CAP_BPF and CAP_PERFMON");
	return err_sys(err, r, "%s", complaint[0] ? complaint : "loading a BPF object");
}

int part_map_fd(const struct part *p, const char *map)
{
	return bpf_object__find_map_fd_by_name(p->obj, map);
}

static struct bpf_program *program_of(const struct part *p, const char *name)
{
	return bpf_object__find_program_by_name(p->obj, name);
}

void part_leave_out(struct part *p, const char *program)
{
	struct bpf_program *prog = program_of(p, program);

	if (prog)
		bpf_program__set_autoload(prog, false);
}

/* The perf event only carries the program to the tracepoint, and stays off: one that counts, as
 * libbpf leaves it, makes every event on its CPU 50 ns dearer. */
static int attach_tracepoint(struct bpf_program *prog, const char *event, struct bpf_link **ret,
			     struct err *err)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_TRACEPOINT, .size = sizeof(attr), .disabled = 1};
	int id = tracefs_id(event, err), fd;

	if (id < 0)
		return id;
	attr.config = (uint64_t)id;
	fd = (int)syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
	if (fd < 0)
		return err_sys(err, -errno, "perf_event_open of %s", event);
	*ret = bpf_program__attach_perf_event(prog, fd);
	if (!*ret) {
		int r = err_sys(err, -errno, "%s: %s", event, complaint);

		close(fd);
		return r;
	}
	ioctl(fd, PERF_EVENT_IOC_DISABLE, 0);
	return 0;
}

static bool on_perf_event(const struct bpf_program *prog)
{
	return bpf_program__type(prog) == BPF_PROG_TYPE_TRACEPOINT;
}

static int attach_index(struct part *p, unsigned i, struct err *err)
{
	struct bpf_program *prog = program_of(p, p->programs[i]);

	if (p->links[i] || !prog || !bpf_program__autoload(prog))
		return 0;
	complaint[0] = 0;
	if (on_perf_event(prog))
		return attach_tracepoint(prog, strchr(bpf_program__section_name(prog), '/') + 1,
					 &p->links[i], err);
	p->links[i] = bpf_program__attach(prog);
	if (!p->links[i])
		return err_sys(err, -errno, "%s: %s", bpf_program__section_name(prog), complaint);
	return 0;
}

int part_attach(struct part *p, struct err *err)
{
	int r = 0;

	for (unsigned i = 0; !r && p->programs[i]; i++)
		r = attach_index(p, i, err);
	if (r)
		part_detach(p);
	return r;
}

static int index_of(const struct part *p, const char *program)
{
	for (unsigned i = 0; p->programs[i]; i++)
		if (!strcmp(p->programs[i], program))
			return (int)i;
	return -1;
}

int part_attach_one(struct part *p, const char *program, struct err *err)
{
	int i = index_of(p, program);

	return i < 0 ? err_set(err, -ENOENT, "no program %s", program)
		     : attach_index(p, (unsigned)i, err);
}

void part_detach_one(struct part *p, const char *program)
{
	int i = index_of(p, program);

	if (i < 0)
		return;
	bpf_link__destroy(p->links[i]);
	p->links[i] = NULL;
}

void part_detach(struct part *p)
{
	for (unsigned i = 0; i < HITS_PROGRAMS; i++) {
		struct bpf_link *link = p->links[i];

		p->links[i] = NULL;
		if (link && on_perf_event(program_of(p, p->programs[i])))
			closer_take(link);
		else
			bpf_link__destroy(link);
	}
}

unsigned part_cpus(void)
{
	int n = libbpf_num_possible_cpus();

	return n > 0 ? (unsigned)n : 1;
}

static size_t value_bytes(struct bpf_map *map)
{
	size_t size = bpf_map__value_size(map);

	if (bpf_map__type(map) == BPF_MAP_TYPE_PERCPU_ARRAY ||
	    bpf_map__type(map) == BPF_MAP_TYPE_PERCPU_HASH)
		return ((size + 7) & ~7ul) * part_cpus();
	return size;
}

/* For kernels that have no batches for this kind of map. */
static int clear_array_singly(struct bpf_map *map, const void *zero)
{
	int r = 0;

	for (uint32_t i = 0; !r && i < bpf_map__max_entries(map); i++)
		r = bpf_map_update_elem(bpf_map__fd(map), &i, zero, BPF_ANY) ? -errno : 0;
	return r;
}

/* Tens of thousands of elements are a few calls. */
static int clear_array(struct bpf_map *map)
{
	uint32_t all = bpf_map__max_entries(map), most, n;
	_cleanup_free_ uint32_t *keys = calloc(all, sizeof(*keys));
	_cleanup_free_ void *zeros = NULL;

	most = (uint32_t)max_of(BATCH_BYTES / value_bytes(map), (size_t)1);
	zeros = calloc(min_of(most, all), value_bytes(map));
	if (!keys || !zeros)
		return -ENOMEM;
	for (uint32_t i = 0; i < all; i++)
		keys[i] = i;
	for (uint32_t done = 0; done < all; done += n) {
		n = min_of(most, all - done);
		if (bpf_map_update_batch(bpf_map__fd(map), &keys[done], zeros, &n, NULL))
			return clear_array_singly(map, zeros);
	}
	return 0;
}

static int clear_hash_singly(struct bpf_map *map, char *key)
{
	int fd = bpf_map__fd(map);

	while (!bpf_map_get_next_key(fd, NULL, key))
		if (bpf_map_delete_elem(fd, key))
			return -errno;
	return 0;
}

/* Nobody adds keys meanwhile: nothing is attached. */
static int clear_hash(struct bpf_map *map)
{
	uint32_t n = bpf_map__max_entries(map), batch;
	_cleanup_free_ char *keys = calloc(n, bpf_map__key_size(map));
	_cleanup_free_ char *values = calloc(n, value_bytes(map));

	if (!keys || !values)
		return -ENOMEM;
	/* ENOENT: that was all. */
	if (bpf_map_lookup_and_delete_batch(bpf_map__fd(map), NULL, &batch, keys, values, &n,
					    NULL) &&
	    errno == ENOENT)
		return 0;
	return clear_hash_singly(map, keys);
}

static int clear_map(struct bpf_map *map)
{
	if (is_shared(bpf_map__name(map)) || bpf_map__is_internal(map))
		return 0;
	switch (bpf_map__type(map)) {
	case BPF_MAP_TYPE_ARRAY:
	case BPF_MAP_TYPE_PERCPU_ARRAY:
		return clear_array(map);
	case BPF_MAP_TYPE_HASH:
	case BPF_MAP_TYPE_PERCPU_HASH:
		return clear_hash(map);
	default: /* a ring buffer is emptied by whoever reads it */
		return 0;
	}
}

int part_clear(struct part *p, struct err *err)
{
	struct bpf_map *map;

	memset(p->hits, 0, sizeof(uint64_t) * HITS_CPUS * HITS_PROGRAMS);
	bpf_object__for_each_map(map, p->obj)
	{
		int r = clear_map(map);

		if (r)
			return err_sys(err, r, "emptying the map %s", bpf_map__name(map));
	}
	return 0;
}

int part_stats(const struct part *p, unsigned program, struct part_stats *ret)
{
	struct bpf_program *prog = program_of(p, p->programs[program]);
	struct bpf_prog_info info = {.type = 0};
	__u32 len = sizeof(info);

	if (!prog || bpf_program__fd(prog) < 0)
		return -ENOENT;
	if (bpf_obj_get_info_by_fd(bpf_program__fd(prog), &info, &len))
		return -errno;
	*ret = (struct part_stats){.runs = info.run_cnt,
				   .ns = info.run_time_ns,
				   .missed = info.recursion_misses,
				   .id = info.id};
	for (unsigned cpu = 0; cpu < HITS_CPUS; cpu++)
		ret->hits += p->hits[cpu][program];
	return 0;
}

const char *part_hook(const struct part *p, unsigned program)
{
	struct bpf_program *prog = program_of(p, p->programs[program]);

	return prog ? bpf_program__section_name(prog) : "";
}

/* All CPUs' values of a key; NULL when there is none. */
static void *percpu_values(int fd, const void *key, size_t size)
{
	void *values = calloc(part_cpus(), size);

	if (values && !bpf_map_lookup_elem(fd, key, values))
		return values;
	free(values);
	return NULL;
}

int part_read_hist(int fd, const void *key, struct hist *ret)
{
	_cleanup_free_ struct bpf_hist *cpus = percpu_values(fd, key, sizeof(*cpus));

	hist_init(ret);
	if (!cpus)
		return -errno;
	for (unsigned cpu = 0; cpu < part_cpus(); cpu++) {
		const struct bpf_hist *h = &cpus[cpu];

		if (!h->count)
			continue;
		for (unsigned i = 0; i < HIST_BUCKETS; i++)
			ret->buckets[i] += h->buckets[i];
		ret->count += h->count;
		ret->sum += h->sum;
		ret->min = min_of(ret->min, UINT64_MAX - h->min);
		ret->max = max_of(ret->max, h->max);
	}
	return 0;
}

int part_read_tally(int fd, const void *key, struct tally *ret)
{
	_cleanup_free_ struct tally *cpus = percpu_values(fd, key, sizeof(*cpus));

	*ret = (struct tally){.count = 0};
	if (!cpus)
		return -errno;
	for (unsigned cpu = 0; cpu < part_cpus(); cpu++) {
		ret->count += cpus[cpu].count;
		ret->sum += cpus[cpu].sum;
		ret->max = max_of(ret->max, cpus[cpu].max);
		for (unsigned i = 0; i < SLOTS32; i++)
			ret->slots[i] += cpus[cpu].slots[i];
	}
	return 0;
}

int part_read_table(int fd, void **ret_keys, void **ret_values, unsigned *ret_n)
{
	_cleanup_free_ char *keys = NULL, *values = NULL;
	struct bpf_map_info info = {.type = 0};
	__u32 len = sizeof(info), batch, n;
	int r = bpf_obj_get_info_by_fd(fd, &info, &len);

	if (r)
		return -errno;
	n = info.max_entries;
	keys = calloc(n, info.key_size);
	values = calloc(n, info.value_size);
	if (!keys || !values)
		return -ENOMEM;
	/* ENOENT: that was all. */
	if (bpf_map_lookup_batch(fd, NULL, &batch, keys, values, &n, NULL) && errno != ENOENT)
		return -errno;
	*ret_keys = take_ptr(keys);
	*ret_values = take_ptr(values);
	*ret_n = n;
	return 0;
}

// SPDX-License-Identifier: MIT
/*
 * The shared maps are read and written through mappings, without a system call: the C side writes
 * only what no program writes at that time (before attaching, or a slot that nobody knows yet).
 */
#include "probes/track.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/role.h"
#include "harness/util/cleanup.h"
#include "harness/util/fs.h"
#include "harness/util/nsec.h"
#include "harness/util/procfs.h"
#include "probes/classes.h"
#include "probes/track.skel.h"
#include "probes/track_plain.skel.h"
#include "probes/tracefs.h"

#define PID_MAX_LIMIT	(4u << 20)   /* include/linux/threads.h */
#define PID_NS_INIT_INO 0xEFFFFFFCul /* include/linux/proc_ns.h: the first one */

_Static_assert(!__builtin_strcmp(RUN_INIT_COMM, TRACK_INIT_COMM), "one name for one process");

const char *const probe_role_names[] = {"driver",	  "target",  "sink",
					"harness",	  "process", "kernel:iou-wrk",
					"kernel:iou-sqp", "outside", NULL};
const char *const time_class_names[] = {"on_cpu", "delivery", "run_queue", "futex", "lock",
					"block",  "cq",	      "socket",	   "poll",  "pipe",
					"sleep",  "idle",     "other",	   NULL};

/* By hit number: enum in track_impl.bpf.h. */
static const char *const programs[] = {"task_newtask", "task_rename", "sched_process_exit",
				       "sched_process_exec", NULL};

struct mapping {
	void *at;
	size_t bytes;
};

struct track {
	struct track_bpf *btf;
	struct track_plain_bpf *plain;
	struct part part;
	int who_am_i;
	struct mapping m_tids, m_threads, m_window, m_control;
	uint32_t *tid_slot; /* 8 bytes apart: see slot_of */
	struct thread *threads;
	struct probe_window *window;
	struct control *control;
	uint32_t pid_max;
};

/* The programs see the ids of the first PID namespace; since Linux 6.14 each has a limit of its
 * own. */
static uint32_t read_pid_max(void)
{
	struct stat st;
	uint64_t value;

	if (stat("/proc/self/ns/pid", &st) || st.st_ino != PID_NS_INIT_INO ||
	    fs_read_u64("/proc/sys/kernel/pid_max", &value))
		return PID_MAX_LIMIT;
	return (uint32_t)min_of(value, (uint64_t)PID_MAX_LIMIT);
}

static int map_one(struct track *t, const char *name, struct mapping *m)
{
	struct bpf_map *map = bpf_object__find_map_by_name(t->part.obj, name);
	size_t page = (size_t)sysconf(_SC_PAGESIZE), value = bpf_map__value_size(map);

	m->bytes = ((value + 7) & ~7ul) * bpf_map__max_entries(map);
	m->bytes = (m->bytes + page - 1) & ~(page - 1);
	m->at = mmap(NULL, m->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);
	if (m->at != MAP_FAILED)
		return 0;
	m->at = NULL;
	return -errno;
}

static int map_all(struct track *t, struct err *err)
{
	int r = map_one(t, "tid_slot", &t->m_tids);

	if (!r)
		r = map_one(t, "threads", &t->m_threads);
	if (!r)
		r = map_one(t, "window", &t->m_window);
	if (!r)
		r = map_one(t, "control", &t->m_control);
	if (r)
		return err_sys(err, r, "mapping what probes share");
	t->tid_slot = t->m_tids.at;
	t->threads = t->m_threads.at;
	t->window = t->m_window.at;
	t->control = t->m_control.at;
	return 0;
}

static int prepare(struct track *t, struct bpf_object *obj, struct err *err)
{
	int r = part_prepare(&t->part, obj, programs, NULL, err);

	if (r)
		return r;
	t->pid_max = read_pid_max();
	r = bpf_map__set_max_entries(bpf_object__find_map_by_name(obj, "tid_slot"), t->pid_max);
	return r ? err_sys(err, r, "a table of %u thread ids", t->pid_max) : 0;
}

static int load_btf(struct track *t, struct err *err)
{
	int r;

	t->btf = track_bpf__open();
	r = prepare(t, t->btf ? t->btf->obj : NULL, err);
	if (r)
		return r;
	r = track_bpf__load(t->btf);
	t->who_am_i = bpf_program__fd(t->btf->progs.who_am_i);
	return part_loaded(&t->part, r, r ? NULL : (void *)t->btf->bss->hits, err);
}

/* Newer kernels leave the thread out of task_rename, so that the names move. */
static int check_layouts(struct tracefs_field *ret_newcomm, struct err *err)
{
	static const struct tracefs_field newtask[] = {
		{"pid", 8, 4}, {"clone_flags", 32, 8}, {NULL}};
	static const struct tracefs_field exits[] = {{"pid", 24, 4}, {NULL}};
	static const struct tracefs_field execs[] = {{"pid", 12, 4}, {"old_pid", 16, 4}, {NULL}};
	int r = tracefs_check("task/task_newtask", newtask, err);

	if (!r)
		r = tracefs_check("sched/sched_process_exit", exits, err);
	if (!r)
		r = tracefs_check("sched/sched_process_exec", execs, err);
	return r ? r : tracefs_find("task/task_rename", "newcomm", ret_newcomm, err);
}

static int load_plain(struct track *t, struct err *err)
{
	struct tracefs_field newcomm;
	int r = check_layouts(&newcomm, err);

	if (r)
		return r;
	t->plain = track_plain_bpf__open();
	r = prepare(t, t->plain ? t->plain->obj : NULL, err);
	if (r)
		return r;
	t->plain->rodata->newcomm_at = newcomm.offset;
	r = track_plain_bpf__load(t->plain);
	t->who_am_i = bpf_program__fd(t->plain->progs.who_am_i);
	return part_loaded(&t->part, r, r ? NULL : (void *)t->plain->bss->hits, err);
}

int track_open(bool plain, struct track **ret, struct err *err)
{
	struct track *t = calloc(1, sizeof(*t));
	int r;

	if (!t)
		return err_sys(err, -ENOMEM, "probes");
	r = plain ? load_plain(t, err) : load_btf(t, err);
	if (!r)
		r = map_all(t, err);
	if (r)
		track_close(t);
	else
		*ret = t;
	return r;
}

void track_close(struct track *t)
{
	struct mapping *all[] = {&t->m_tids, &t->m_threads, &t->m_window, &t->m_control};

	if (!t)
		return;
	part_detach(&t->part);
	for (unsigned i = 0; i < array_size(all); i++)
		if (all[i]->at)
			munmap(all[i]->at, all[i]->bytes);
	track_bpf__destroy(t->btf);
	track_plain_bpf__destroy(t->plain);
	free(t);
}

/* Elements of an array map are 8 bytes apart, whatever the value's size (kernel/bpf/arraymap.c). */
static uint32_t *slot_of(const struct track *t, uint32_t tid)
{
	return &t->tid_slot[(size_t)tid * 2];
}

int track_attach(struct track *t, struct err *err)
{
	size_t used = (track_count(t) + 1) * sizeof(*t->threads);

	memset(t->tid_slot, 0, t->m_tids.bytes);
	memset(t->threads, 0, used);
	*t->window = (struct probe_window){.begin_ns = 0};
	*t->control = (struct control){.n_threads = 0};
	return part_attach(&t->part, err);
}

void track_detach(struct track *t)
{
	part_detach(&t->part);
}

/* Our thread's id as the kernel's programs see it: we may live in a PID namespace. */
static uint64_t caller(const struct track *t)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);

	return bpf_prog_test_run_opts(t->who_am_i, &opts) ? 0 : t->control->caller;
}

static uint32_t role_number(const char *role)
{
	for (uint32_t i = 0; i < PROBE_ROLE_COUNT; i++)
		if (!strcmp(role, probe_role_names[i]))
			return i;
	return PROBE_ROLE_HARNESS;
}

void track_seed(struct track *t, const char *role)
{
	t->control->seed_role = role ? role_number(role) : 0;
	t->control->seed_tid = role ? (uint32_t)caller(t) : 0;
}

static uint32_t role_of_comm(const char *comm, uint32_t otherwise)
{
	if (!strncmp(comm, "iou-wrk-", 8))
		return PROBE_ROLE_IOU_WRK;
	if (!strncmp(comm, "iou-sqp-", 8))
		return PROBE_ROLE_IOU_SQP;
	return otherwise;
}

/* Notes the system call that a blocked thread is in; -1: it runs, or none. */
static void note_call(struct thread *s, const char *dir)
{
	_cleanup_close_ int fd = -1;
	char path[96], text[64] = "", *end;

	s->nr = -1;
	snprintf(path, sizeof(path), "%s/syscall", dir);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0 || text[0] < '0' || text[0] > '9')
		return;
	s->nr = (int32_t)strtol(text, &end, 10);
	s->first_arg = strtoull(end, NULL, 16);
}

/* What a thread is doing while nobody has seen it switch; false when it is gone. */
static bool look_at(struct thread *s, uint64_t *ret_start)
{
	struct proc_thread p;
	char dir[64];

	snprintf(dir, sizeof(dir), "/proc/%u/task/%u", s->tgid, s->tid);
	if (procfs_stat(dir, &p) || p.state == 'Z' || p.state == 'X')
		return false;
	*ret_start = p.start_ns;
	snprintf(s->comm, sizeof(s->comm), "%.15s", p.comm);
	note_call(s, dir);
	s->state = p.state == 'R' ? THREAD_NEW : THREAD_BLOCKED;
	s->cls = class_of_syscall(s->nr);
	if (s->cls == CLASS_COUNT)
		s->cls = CLASS_OTHER;
	return true;
}

/* Nobody's row: it has been given away, and is no thread. */
static void void_row(struct thread *s)
{
	*s = (struct thread){.role = PROBE_ROLE_HARNESS, .state = THREAD_DEAD, .end_ns = 1};
}

/* The programs know it from here on. What happened between the first look and now they have not
 * seen, so it is looked at once more; later, they know better. */
static void look_again(struct track *t, uint32_t i, uint64_t start)
{
	struct thread *s = &t->threads[i], again = {.tid = s->tid, .tgid = s->tgid};
	uint64_t since = s->begin_ns, again_start;

	if (!look_at(&again, &again_start) || again_start != start) {
		/* If its end was not seen, the id may be another thread's already. */
		if (__atomic_compare_exchange_n(slot_of(t, s->tid), &i, 0, false, __ATOMIC_ACQ_REL,
						__ATOMIC_RELAXED))
			void_row(s);
		return;
	}
	if (__atomic_load_n(&s->since_ns, __ATOMIC_ACQUIRE) != since)
		return;
	s->nr = again.nr;
	s->first_arg = again.first_arg;
	s->cls = again.cls;
	s->state = again.state;
}

static bool add_thread(struct track *t, pid_t pid, pid_t tid, uint32_t role)
{
	struct thread seen = {.tid = (uint32_t)tid, .tgid = (uint32_t)pid};
	uint32_t none = 0, i;
	uint64_t start;

	if ((uint32_t)tid >= t->pid_max || *slot_of(t, seen.tid) || !look_at(&seen, &start))
		return false;
	i = (uint32_t)__atomic_fetch_add(&t->control->n_threads, 1, __ATOMIC_RELAXED) + 1;
	if (i >= THREADS_MAX) {
		__atomic_fetch_add(&t->control->n_untracked, 1, __ATOMIC_RELAXED);
		return false;
	}
	seen.role = role_of_comm(seen.comm, role);
	seen.begin_ns = seen.since_ns = nsec_now();
	t->threads[i] = seen;
	/* A program may have seen the thread begin meanwhile, and given it a row. */
	if (__atomic_compare_exchange_n(slot_of(t, seen.tid), &none, i, false, __ATOMIC_RELEASE,
					__ATOMIC_RELAXED))
		look_again(t, i, start);
	else
		void_row(&t->threads[i]);
	return true;
}

struct adding {
	struct track *track;
	pid_t pid;
	uint32_t role;
	int added;
};

static int add_one(void *arg, int tid)
{
	struct adding *a = arg;

	a->added += add_thread(a->track, a->pid, tid, a->role);
	return 0;
}

/* Threads that are not in the table yet: how many, or -errno when the process is gone. */
static int add_threads(struct track *t, pid_t pid, uint32_t role)
{
	struct adding a = {.track = t, .pid = pid, .role = role};
	char dir[64];
	int r;

	snprintf(dir, sizeof(dir), "/proc/%d/task", pid);
	r = procfs_each(dir, add_one, &a);
	return r == -ENOENT ? -ESRCH : r ? r : a.added;
}

int track_process(struct track *t, pid_t pid, const char *role, struct err *err)
{
	int n;

	if (caller(t) >> 32 != (uint64_t)getpid())
		return err_set(err, -EOPNOTSUPP,
			       "process %d cannot be found from inside a PID namespace: go to the "
			       "host, or let the command be started from here",
			       pid);
	/* A thread that one of the unseen starts meanwhile is seen in the next round. */
	do
		n = add_threads(t, pid, role_number(role));
	while (n > 0);
	return n ? err_sys(err, n, "process %d", pid) : 0;
}

struct part *track_part(struct track *t)
{
	return &t->part;
}

struct probe_window *track_window(const struct track *t)
{
	return t->window;
}

const struct control *track_control(const struct track *t)
{
	return t->control;
}

unsigned track_count(const struct track *t)
{
	return (unsigned)min_of(t->control->n_threads, (uint64_t)THREADS_MAX - 1);
}

const struct thread *track_thread(const struct track *t, unsigned i)
{
	return &t->threads[i];
}

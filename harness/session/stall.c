// SPDX-License-Identifier: MIT
/*
 * Descendants are found by their parents in /proc/PID/stat, again and again until no new one turns
 * up: the folder that lists children directly is not built into every kernel. Orphans of a PID
 * namespace have its init as parent, so they are found too.
 */
#include "harness/session/stall.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/drive/roles.h"
#include "harness/util/fs.h"
#include "harness/util/procfs.h"
#include "harness/util/syscall_name.h"

#define PROCESSES_MAX 1024
#define STACK_MAX     4096
#define SUMMARY_MAX   4

struct family {
	int pids[PROCESSES_MAX];
	int n;
	int grew;
};

static int is_member(const struct family *f, int pid)
{
	for (int i = 0; i < f->n; i++)
		if (f->pids[i] == pid)
			return 1;
	return 0;
}

static int add_if_child(void *arg, int pid)
{
	struct family *f = arg;
	struct proc_thread t;
	char dir[64];

	snprintf(dir, sizeof(dir), "/proc/%d", pid);
	if (f->n < PROCESSES_MAX && !is_member(f, pid) && !procfs_stat(dir, &t) &&
	    is_member(f, t.ppid)) {
		f->pids[f->n++] = pid;
		f->grew = 1;
	}
	return 0;
}

/* "202 0x7f.. ..." is a system call, "running" a thread on a CPU, "-1 ..." one blocked elsewhere.
 */
static void add_syscall(cJSON *o, const char *dir)
{
	char path[96], buf[256], text[64];
	long number;

	snprintf(path, sizeof(path), "%s/syscall", dir);
	if (fs_read(path, buf, sizeof(buf)) <= 0) {
		cJSON_AddNullToObject(o, "syscall");
		return;
	}
	if (sscanf(buf, "%ld", &number) != 1)
		snprintf(text, sizeof(text), "running");
	else if (number < 0)
		snprintf(text, sizeof(text), "none");
	else if (syscall_name(number))
		snprintf(text, sizeof(text), "%s", syscall_name(number));
	else
		snprintf(text, sizeof(text), "system call %ld", number);
	cJSON_AddStringToObject(o, "syscall", text);
}

static void add_wchan(cJSON *o, const char *dir)
{
	char path[96], buf[128];

	snprintf(path, sizeof(path), "%s/wchan", dir);
	if (fs_read(path, buf, sizeof(buf)) > 0 && strcmp(buf, "0"))
		cJSON_AddStringToObject(o, "wchan", buf);
	else
		cJSON_AddNullToObject(o, "wchan");
}

static void add_stack(cJSON *o, const char *dir)
{
	char path[96], buf[STACK_MAX], *save = NULL;
	cJSON *stack;

	snprintf(path, sizeof(path), "%s/stack", dir);
	if (fs_read(path, buf, sizeof(buf)) <= 0) {
		cJSON_AddNullToObject(o, "stack");
		return;
	}
	stack = cJSON_AddArrayToObject(o, "stack");
	for (char *line = strtok_r(buf, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		const char *frame = strchr(line, ' ');

		cJSON_AddItemToArray(stack, cJSON_CreateString(frame ? frame + 1 : line));
	}
}

struct walk {
	cJSON *list;
	int pid;
	bool program; /* neither the run's init nor its child: no thread of it is the harness's */
};

static int add_thread(void *arg, int tid)
{
	struct walk *w = arg;
	struct proc_thread t;
	char dir[64], state[2] = "";
	const char *role;
	cJSON *o;

	snprintf(dir, sizeof(dir), "/proc/%d/task/%d", w->pid, tid);
	if (procfs_stat(dir, &t))
		return 0;
	o = cJSON_CreateObject();
	state[0] = t.state;
	cJSON_AddNumberToObject(o, "pid", w->pid);
	cJSON_AddNumberToObject(o, "tid", tid);
	cJSON_AddStringToObject(o, "name", t.comm);
	role = roles_name_of_comm(t.comm);
	cJSON_AddStringToObject(o, "role",
				w->program && !strcmp(role, "harness") ? "process" : role);
	cJSON_AddStringToObject(o, "state", state);
	add_syscall(o, dir);
	add_wchan(o, dir);
	add_stack(o, dir);
	cJSON_AddItemToArray(w->list, o);
	return 0;
}

cJSON *stall_describe(pid_t root)
{
	struct family *f = calloc(1, sizeof(*f));
	struct walk w = {.list = cJSON_CreateArray()};

	if (!f)
		return w.list;
	f->pids[f->n++] = root;
	do {
		f->grew = 0;
		procfs_each("/proc", add_if_child, f);
	} while (f->grew);
	for (int i = 1; i < f->n; i++) { /* the init itself only waits */
		char dir[64];

		w.pid = f->pids[i];
		w.program = i > 1;
		snprintf(dir, sizeof(dir), "/proc/%d/task", w.pid);
		procfs_each(dir, add_thread, &w);
	}
	free(f);
	return w.list;
}

static const char *str(const cJSON *o, const char *key)
{
	const char *s = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o, key));

	return s ? s : "?";
}

static int put_threads(const cJSON *stall, bool harness, int n, char *text, size_t size)
{
	const cJSON *t;

	cJSON_ArrayForEach (t, stall) {
		size_t len = strlen(text);

		if ((strcmp(str(t, "role"), "harness") == 0) != harness || n >= SUMMARY_MAX)
			continue;
		snprintf(text + len, size - len, "%s%s in %s (%s)", n++ ? ", " : "", str(t, "name"),
			 str(t, "syscall"), str(t, "wchan"));
	}
	return n;
}

void stall_summary(const cJSON *stall, char *text, size_t size)
{
	int total = cJSON_GetArraySize(stall), n;
	size_t len;

	text[0] = 0;
	n = put_threads(stall, false, 0, text, size);
	n = put_threads(stall, true, n, text, size);
	len = strlen(text);
	if (total > n)
		snprintf(text + len, size - len, " and %d more", total - n);
}

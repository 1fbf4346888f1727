// SPDX-License-Identifier: MIT
/*
 * All links and programs of the machine are gone through (bpf(2), *_GET_NEXT_ID); ids only grow, so
 * the walk ends. Ours are those that a descriptor of this process holds, which /proc/self/fdinfo
 * tells. A link of a raw tracepoint names its hook, and one of a perf event does from Linux 6.6 on.
 * Other programs on plain tracepoints (older kernels, or attached by ioctl) are looked for among
 * the perf events of all processes; one that has a link and is found nowhere is listed with its
 * hook unknown, and one that has no link either is attached nowhere, as far as can be seen.
 */
#include "probes/foreign.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/util/cleanup.h"
#include "harness/util/procfs.h"

#define HOOK_MAX 64

/* What headers before Linux 6.6 lack: include/uapi/linux/bpf.h, struct bpf_link_info. */
#define PERF_EVENT_TRACEPOINT 5 /* BPF_PERF_EVENT_TRACEPOINT */
union link_info {
	struct bpf_link_info any;
	struct {
		uint32_t type, id, prog_id, pad;
		uint32_t event, pad_event;
		uint64_t name;
		uint32_t name_len, pad_name;
		uint64_t cookie;
	} perf;
};

/* A program on a plain tracepoint of which no link tells where. */
struct unnamed {
	uint32_t id;
	bool linked, found;
};

struct ids {
	uint32_t *ids;
	size_t n;
};

struct walk {
	const struct probe_plugin *const *plugins;
	cJSON *list;
	struct ids own, named; /* programs: of this process, and on plain tracepoints with a name */
	struct unnamed *unnamed;
	size_t n_unnamed;
};

static bool has_id(const struct ids *set, uint32_t id)
{
	for (size_t i = 0; i < set->n; i++)
		if (set->ids[i] == id)
			return true;
	return false;
}

static int add_id(struct ids *set, uint32_t id)
{
	uint32_t *ids = reallocarray(set->ids, set->n + 1, sizeof(*ids));

	if (!ids)
		return -ENOMEM;
	set->ids = ids;
	ids[set->n++] = id;
	return 0;
}

static bool is_hook(const struct probe_plugin *const *plugins, const char *name)
{
	for (unsigned i = 0; plugins[i]; i++)
		for (unsigned j = 0; plugins[i]->hooks[j]; j++)
			if (!strcmp(plugins[i]->hooks[j], name))
				return true;
	return false;
}

static int prog_info(uint32_t id, struct bpf_prog_info *info)
{
	_cleanup_close_ int fd = bpf_prog_get_fd_by_id(id);
	__u32 len = sizeof(*info);

	memset(info, 0, sizeof(*info));
	return fd < 0 ? -errno : bpf_obj_get_info_by_fd(fd, info, &len);
}

static bool is_listed(const cJSON *list, const char *hook, uint32_t id)
{
	const cJSON *item;

	cJSON_ArrayForEach (item, list) {
		const char *name = cJSON_GetStringValue(cJSON_GetObjectItem(item, "hook"));

		if (cJSON_GetNumberValue(cJSON_GetObjectItem(item, "id")) == id && name && hook &&
		    !strcmp(name, hook))
			return true;
	}
	return false;
}

/* `hook` NULL: unknown. A program may sit on one hook by several perf events. */
static void add(struct walk *w, const char *hook, uint32_t id)
{
	struct bpf_prog_info prog;
	cJSON *item;

	if (has_id(&w->own, id) || (hook && !is_hook(w->plugins, hook)) ||
	    is_listed(w->list, hook, id) || prog_info(id, &prog))
		return;
	item = cJSON_CreateObject();
	cJSON_AddItemToObject(item, "hook", hook ? cJSON_CreateString(hook) : cJSON_CreateNull());
	cJSON_AddStringToObject(item, "program", prog.name);
	cJSON_AddNumberToObject(item, "id", id);
	cJSON_AddItemToArray(w->list, item);
}

/* "prog_id:" of a program or a link. */
static int add_own(void *arg, int fd)
{
	struct walk *w = arg;
	_cleanup_fclose_ FILE *f = NULL;
	char path[64], line[200];
	uint32_t id;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "prog_id: %u", &id) == 1)
			return add_id(&w->own, id);
	return 0;
}

/* Which hook it is on, as far as the link tells; "" when it does not. */
static int read_link(uint32_t id, union link_info *info, char *hook, size_t size)
{
	_cleanup_close_ int fd = bpf_link_get_fd_by_id(id);
	union link_info first = {.perf = {0}};
	__u32 len = sizeof(first);

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &first, &len))
		return -errno;
	memset(info, 0, sizeof(*info));
	hook[0] = 0;
	if (first.any.type == BPF_LINK_TYPE_RAW_TRACEPOINT) {
		info->any.raw_tracepoint.tp_name = (uint64_t)(uintptr_t)hook;
		info->any.raw_tracepoint.tp_name_len = (uint32_t)size;
	} else if (first.any.type == BPF_LINK_TYPE_PERF_EVENT &&
		   first.perf.event == PERF_EVENT_TRACEPOINT) {
		info->perf.name = (uint64_t)(uintptr_t)hook;
		info->perf.name_len = (uint32_t)size;
	} else {
		*info = first;
		return 0;
	}
	len = sizeof(*info);
	return bpf_obj_get_info_by_fd(fd, info, &len);
}

static int add_unnamed(struct walk *w, uint32_t id, bool linked)
{
	struct unnamed *all = reallocarray(w->unnamed, w->n_unnamed + 1, sizeof(*all));

	if (!all)
		return -ENOMEM;
	w->unnamed = all;
	for (size_t i = 0; i < w->n_unnamed; i++)
		if (all[i].id == id)
			return 0;
	all[w->n_unnamed++] = (struct unnamed){.id = id, .linked = linked};
	return 0;
}

static int is_plain(uint32_t id)
{
	struct bpf_prog_info prog;

	return !prog_info(id, &prog) && prog.type == BPF_PROG_TYPE_TRACEPOINT;
}

/* One that has gone meanwhile is no failure. */
static int look_at_link(struct walk *w, uint32_t id)
{
	union link_info link;
	char hook[HOOK_MAX];

	if (read_link(id, &link, hook, sizeof(hook)))
		return 0;
	if (hook[0])
		add(w, hook, link.any.prog_id);
	if (link.any.type != BPF_LINK_TYPE_PERF_EVENT || !is_plain(link.any.prog_id))
		return 0;
	return hook[0] ? add_id(&w->named, link.any.prog_id)
		       : add_unnamed(w, link.any.prog_id, true);
}

static int each_link(struct walk *w)
{
	uint32_t id = 0;
	int r;

	while (!(r = bpf_link_get_next_id(id, &id))) {
		r = look_at_link(w, id);
		if (r)
			return r;
	}
	return r == -ENOENT ? 0 : r;
}

static int each_program(struct walk *w)
{
	uint32_t id = 0;
	int r;

	while (!(r = bpf_prog_get_next_id(id, &id))) {
		if (has_id(&w->own, id) || has_id(&w->named, id) || !is_plain(id))
			continue;
		r = add_unnamed(w, id, false);
		if (r)
			return r;
	}
	return r == -ENOENT ? 0 : r;
}

struct process {
	struct walk *walk;
	int pid;
};

static int look_at_fd(void *arg, int fd)
{
	const struct process *p = arg;
	struct walk *w = p->walk;
	__u32 len = HOOK_MAX, prog, type;
	char path[64], target[64], hook[HOOK_MAX] = "";
	__u64 offset, address;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", p->pid, fd);
	n = readlink(path, target, sizeof(target) - 1);
	target[n > 0 ? n : 0] = 0;
	if (strcmp(target, "anon_inode:[perf_event]") ||
	    bpf_task_fd_query(p->pid, fd, 0, hook, &len, &prog, &type, &offset, &address) ||
	    type != BPF_FD_TYPE_TRACEPOINT)
		return 0;
	for (size_t i = 0; i < w->n_unnamed; i++)
		if (w->unnamed[i].id == prog) {
			w->unnamed[i].found = true;
			add(w, hook, prog);
		}
	return 0;
}

/* One that has gone meanwhile, or may not be looked at, is no failure. */
static int look_at_process(void *arg, int pid)
{
	struct process p = {.walk = arg, .pid = pid};
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	procfs_each(path, look_at_fd, &p);
	return 0;
}

/* The kernel refuses the walk without CAP_SYS_ADMIN: that is a reason, not an empty list. */
static int look(struct walk *w)
{
	int r = procfs_each("/proc/self/fdinfo", add_own, w);

	r = r ? r : each_link(w);
	r = r ? r : each_program(w);
	if (!r && w->n_unnamed)
		r = procfs_each("/proc", look_at_process, w);
	for (size_t i = 0; !r && i < w->n_unnamed; i++)
		if (w->unnamed[i].linked && !w->unnamed[i].found)
			add(w, NULL, w->unnamed[i].id);
	return r;
}

cJSON *foreign_list(const struct probe_plugin *const *plugins, struct err *why)
{
	_cleanup_json_ cJSON *list = cJSON_CreateArray();
	struct walk w = {.plugins = plugins, .list = list};
	int r = look(&w);

	free(w.own.ids);
	free(w.named.ids);
	free(w.unnamed);
	if (!r)
		return take_ptr(list);
	err_sys(why, r, "listing BPF programs");
	return NULL;
}

// SPDX-License-Identifier: MIT
/*
 * All links and programs of the machine are gone through (bpf(2), *_GET_NEXT_ID). A link of a raw
 * tracepoint names its hook. A program on a plain tracepoint is held by a perf event, which tells
 * its hook to nobody but its owner: it is listed with the hook unknown, since it may be one of
 * ours.
 */
#include "probes/foreign.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "harness/util/cleanup.h"

#define IDS_MAX 4096

static bool is_hook(const struct probe_plugin *const *plugins, const char *name)
{
	for (unsigned i = 0; plugins[i]; i++)
		for (unsigned j = 0; plugins[i]->hooks[j]; j++)
			if (!strcmp(plugins[i]->hooks[j], name))
				return true;
	return false;
}

static void add(cJSON *list, const char *hook, const struct bpf_prog_info *prog)
{
	cJSON *item = cJSON_CreateObject();

	cJSON_AddItemToObject(item, "hook", hook ? cJSON_CreateString(hook) : cJSON_CreateNull());
	cJSON_AddStringToObject(item, "program", prog->name);
	cJSON_AddNumberToObject(item, "id", prog->id);
	cJSON_AddItemToArray(list, item);
}

static int prog_info(uint32_t id, struct bpf_prog_info *info)
{
	_cleanup_close_ int fd = bpf_prog_get_fd_by_id(id);
	__u32 len = sizeof(*info);

	memset(info, 0, sizeof(*info));
	return fd < 0 ? -errno : bpf_obj_get_info_by_fd(fd, info, &len);
}

static int link_info(uint32_t id, struct bpf_link_info *info, char *hook, size_t size)
{
	_cleanup_close_ int fd = bpf_link_get_fd_by_id(id);
	__u32 len = sizeof(*info);
	int r;

	if (fd < 0)
		return -errno;
	memset(info, 0, sizeof(*info));
	r = bpf_obj_get_info_by_fd(fd, info, &len);
	if (r || info->type != BPF_LINK_TYPE_RAW_TRACEPOINT)
		return r ? r : -ENOENT;
	memset(info, 0, sizeof(*info));
	info->raw_tracepoint.tp_name = (uint64_t)(uintptr_t)hook;
	info->raw_tracepoint.tp_name_len = (uint32_t)size;
	len = sizeof(*info);
	return bpf_obj_get_info_by_fd(fd, info, &len);
}

/* The kernel refuses the walk without CAP_SYS_ADMIN: that is a reason, not an empty list. */
static int each_link(const struct probe_plugin *const *plugins, cJSON *list)
{
	uint32_t id = 0;
	int n = 0;

	while (n++ < IDS_MAX && !bpf_link_get_next_id(id, &id)) {
		struct bpf_link_info link;
		struct bpf_prog_info prog;
		char hook[64] = "";

		if (link_info(id, &link, hook, sizeof(hook)) || !is_hook(plugins, hook))
			continue;
		if (!prog_info(link.prog_id, &prog))
			add(list, hook, &prog);
	}
	return errno == ENOENT ? 0 : -errno;
}

static int each_tracepoint_program(cJSON *list)
{
	uint32_t id = 0;
	int n = 0;

	while (n++ < IDS_MAX && !bpf_prog_get_next_id(id, &id)) {
		struct bpf_prog_info prog;

		if (!prog_info(id, &prog) && prog.type == BPF_PROG_TYPE_TRACEPOINT)
			add(list, NULL, &prog);
	}
	return errno == ENOENT ? 0 : -errno;
}

cJSON *foreign_list(const struct probe_plugin *const *plugins, struct err *why)
{
	_cleanup_json_ cJSON *list = cJSON_CreateArray();
	int r = each_link(plugins, list);

	if (!r)
		r = each_tracepoint_program(list);
	if (!r)
		return take_ptr(list);
	err_sys(why, r, "listing BPF programs");
	return NULL;
}

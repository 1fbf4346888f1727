// SPDX-License-Identifier: MIT
/* The JSON of a hunt: who was watched, when, on what machine, and what was seen. */
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>

#include "harness/cli/hunt.h"
#include "harness/host/hostinfo.h"
#include "harness/param.h"
#include "harness/util/cleanup.h"
#include "harness/util/nsec.h"

static void add_exit(cJSON *o, const struct prey *prey)
{
	cJSON *exit = NULL;

	if (prey->exited && prey->command) {
		exit = cJSON_CreateObject();
		if (WIFEXITED(prey->status))
			cJSON_AddNumberToObject(exit, "code", WEXITSTATUS(prey->status));
		if (WIFSIGNALED(prey->status))
			cJSON_AddNumberToObject(exit, "signal", WTERMSIG(prey->status));
	}
	cJSON_AddItemToObject(o, "exit", exit ? exit : cJSON_CreateNull());
}

static cJSON *command_json(char **command)
{
	cJSON *list;

	if (!command)
		return cJSON_CreateNull();
	list = cJSON_CreateArray();
	for (; *command; command++)
		cJSON_AddItemToArray(list, cJSON_CreateString(*command));
	return list;
}

static cJSON *knobs_json(const struct hunt *h)
{
	cJSON *knobs = cJSON_CreateObject();

	for (const struct param *row = h->ops->params; row->name; row++)
		cJSON_AddItemToObject(knobs, row->name, param_get_json(row, h->config));
	return knobs;
}

static cJSON *hunt_json(const struct hunt *h)
{
	uint64_t ns =
		h->window.end_ns > h->window.begin_ns ? h->window.end_ns - h->window.begin_ns : 0;
	cJSON *o = cJSON_CreateObject();
	char stamp[64];
	struct tm tm;

	gmtime_r(&h->started.tv_sec, &tm);
	strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%SZ", &tm);
	cJSON_AddItemToObject(o, "command", command_json(h->prey.command));
	cJSON_AddNumberToObject(o, "pid", h->prey.pid);
	cJSON_AddStringToObject(o, "started", stamp);
	cJSON_AddNumberToObject(o, "seconds", (double)ns / (double)NSEC_PER_SEC);
	cJSON_AddStringToObject(o, "ended", hunt_end_names[h->end]);
	add_exit(o, &h->prey);
	cJSON_AddItemToObject(o, "chosen", probe_set_json(h->ops, h->set));
	cJSON_AddItemToObject(o, "knobs", knobs_json(h));
	return o;
}

static cJSON *window_json(const struct probe_window *w)
{
	cJSON *o = cJSON_CreateObject();

	cJSON_AddNumberToObject(o, "begin_ns", (double)w->begin_ns);
	cJSON_AddNumberToObject(o, "end_ns", (double)w->end_ns);
	return o;
}

/* A copy of `item`, or null with the reason. */
static void add_or_reason(cJSON *o, const char *name, const cJSON *item, const struct err *why)
{
	char reason[64];

	cJSON_AddItemToObject(o, name, item ? cJSON_Duplicate(item, true) : cJSON_CreateNull());
	if (item)
		return;
	snprintf(reason, sizeof(reason), "reason_%s", name);
	cJSON_AddStringToObject(o, reason, why->text);
}

cJSON *hunt_record(const struct hunt *h)
{
	cJSON *record = cJSON_CreateObject(), *host = hostinfo_collect(".");

	cJSON_AddNumberToObject(record, "schema", 1);
	cJSON_AddStringToObject(record, "uhbench", UHBENCH_VERSION);
	cJSON_AddItemToObject(record, "hunt", hunt_json(h));
	cJSON_AddItemToObject(record, "window", window_json(&h->window));
	add_or_reason(record, "usage", h->usage, &h->usage_why);
	if (host)
		add_or_reason(host, "foreign_bpf", h->foreign, &h->foreign_why);
	cJSON_AddItemToObject(record, "host", host ? host : cJSON_CreateNull());
	cJSON_AddItemToObject(record, "probes", cJSON_Duplicate(h->probes, true));
	return record;
}

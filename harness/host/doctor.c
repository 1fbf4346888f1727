// SPDX-License-Identifier: MIT
/*
 * Puts the findings of the probing modules into one report. The modules are a table, so that a new
 * group is one row; they know nothing of how a report is printed.
 */
#include "harness/host/doctor.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/registry.h"
#include "harness/util/cleanup.h"

const char *const doctor_states[] = {
	[DOCTOR_OK] = "ok",
	[DOCTOR_WARNING] = "warning",
	[DOCTOR_MISSING] = "missing",
	[DOCTOR_UNKNOWN] = "unknown",
};

static const struct {
	const char *name;
	void (*examine)(cJSON *findings, const char *dir);
} groups[] = {
	{"io_uring", doctor_uring},
	{"BPF", doctor_bpf},
	{"tracing", doctor_tracing},
	{"isolation", doctor_isolation},
	{"limits and sysctls", doctor_limits},
	{"machine", doctor_machine},
	{"tools", doctor_tools},
};

cJSON *doctor_add(cJSON *findings, const char *name, enum doctor_state state, const char *fmt, ...)
{
	cJSON *finding = cJSON_CreateObject();
	char text[1024];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	cJSON_AddStringToObject(finding, "name", name);
	cJSON_AddStringToObject(finding, "state", doctor_states[state]);
	cJSON_AddStringToObject(finding, "value", text);
	cJSON_AddItemToArray(findings, finding);
	return finding;
}

void doctor_advise(cJSON *finding, const char *cost, const char *remedy)
{
	cJSON_AddStringToObject(finding, "cost", cost);
	if (remedy)
		cJSON_AddStringToObject(finding, "remedy", remedy);
}

int doctor_try(int (*fn)(void *arg), void *arg)
{
	pid_t pid = fork();
	int status;

	if (pid < 0)
		return -errno;
	if (!pid)
		_exit(-fn(arg));
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -ECHILD;
}

/* Appends a group; what comes back is for its findings. */
static cJSON *add_group(cJSON *list, const char *name)
{
	cJSON *group = cJSON_CreateObject();

	cJSON_AddItemToArray(list, group);
	cJSON_AddStringToObject(group, "name", name);
	return cJSON_AddArrayToObject(group, "findings");
}

const char *doctor_not_fixed(const cJSON *report)
{
	return cJSON_GetStringValue(cJSON_GetObjectItem(report, "not_fixed"));
}

cJSON *doctor_examine(const char *dir, const struct registry *reg, bool fix)
{
	cJSON *report = cJSON_CreateObject();
	cJSON *list = cJSON_AddArrayToObject(report, "groups");
	struct err err;

	if (!list)
		return report;
	for (size_t i = 0; i < array_size(groups); i++)
		groups[i].examine(add_group(list, groups[i].name), dir);
	if (doctor_targets(add_group(list, "targets"), reg, fix, &err) < 0 && fix)
		cJSON_AddStringToObject(report, "not_fixed", err.text);
	doctor_probes(add_group(list, "probes"), reg->prober);
	return report;
}

// SPDX-License-Identifier: MIT
/*
 * Limits and sysctls. Each row says from which value on it is enough, and what a smaller (or
 * larger) one costs; the sysctls shown without a bound are what a reader of figures asks for.
 */
#include "harness/host/doctor.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "harness/host/hostinfo.h"
#include "harness/util/cleanup.h"

static const struct limit_row {
	const char *name;
	int which;
	uint64_t enough;
	const char *cost, *remedy;
} limits[] = {
	{"RLIMIT_NOFILE (hard)", RLIMIT_NOFILE, 65536,
	 "netlink's 50 000 sockets are spread over several processes",
	 "ulimit -Hn 65536 as root, or LimitNOFILE= of the service"},
	{"RLIMIT_MEMLOCK (hard)", RLIMIT_MEMLOCK, 64ull << 20,
	 "without root, large rings and registered buffers fail with ENOMEM",
	 "memlock in /etc/security/limits.conf, or LimitMEMLOCK= of the service"},
	{"RLIMIT_NPROC (hard)", RLIMIT_NPROC, 4096, "cells with many threads cannot start them",
	 "nproc in /etc/security/limits.conf, or TasksMax= of the service"},
};

static void report_limit(cJSON *findings, const struct limit_row *row)
{
	struct rlimit limit;
	cJSON *finding;

	if (getrlimit((__rlimit_resource_t)row->which, &limit))
		return;
	if (limit.rlim_max == RLIM_INFINITY) {
		doctor_add(findings, row->name, DOCTOR_OK, "unlimited");
		return;
	}
	finding = doctor_add(findings, row->name,
			     limit.rlim_max < row->enough ? DOCTOR_WARNING : DOCTOR_OK, "%llu",
			     (unsigned long long)limit.rlim_max);
	if (limit.rlim_max < row->enough)
		doctor_advise(finding, row->cost, row->remedy);
}

static const struct sysctl_row {
	const char *name;
	bool bounded;
	double min, max; /* good when min <= value <= max */
	const char *cost, *remedy;
} sysctls[] = {
	{"kernel.io_uring_disabled", true, 0, 0, "io_uring is refused to some or all users",
	 "sysctl kernel.io_uring_disabled=0"},
	{"kernel.perf_event_paranoid", true, -1, 2, "no perf events at all without root",
	 "sysctl kernel.perf_event_paranoid=2"},
	{"kernel.unprivileged_userns_clone", true, 1, 1,
	 "no namespaces without root, so no network workloads",
	 "sysctl kernel.unprivileged_userns_clone=1"},
	{"user.max_user_namespaces", true, 16, 1e18,
	 "no namespaces without root, so no network workloads",
	 "sysctl user.max_user_namespaces=10000"},
	{"net.core.wmem_max", true, 1 << 20, 1e18,
	 "udp's knob `sndbuf` is clamped to it without CAP_NET_ADMIN",
	 "sysctl net.core.wmem_max=4194304"},
	{"net.core.rmem_max", true, 1 << 20, 1e18,
	 "the sinks' receive buffers are clamped to it without CAP_NET_ADMIN: more drops",
	 "sysctl net.core.rmem_max=4194304"},
	{"net.core.wmem_default", false, 0, 0, NULL, NULL},
	{"net.core.rmem_default", false, 0, 0, NULL, NULL},
	{"net.core.somaxconn", false, 0, 0, NULL, NULL},
	{"kernel.sched_rt_runtime_us", false, 0, 0, NULL, NULL},
	{"vm.dirty_background_ratio", false, 0, 0, NULL, NULL},
	{"vm.dirty_ratio", false, 0, 0, NULL, NULL},
};

static void report_sysctl(cJSON *findings, const cJSON *values, const struct sysctl_row *row)
{
	const cJSON *value = cJSON_GetObjectItem(values, row->name);
	bool bad;
	cJSON *finding;

	if (!cJSON_IsNumber(value)) {
		doctor_add(findings, row->name, DOCTOR_OK, "not in this kernel, so no limit");
		return;
	}
	bad = row->bounded && (value->valuedouble < row->min || value->valuedouble > row->max);
	finding = doctor_add(findings, row->name, bad ? DOCTOR_WARNING : DOCTOR_OK, "%.0f",
			     value->valuedouble);
	if (bad)
		doctor_advise(finding, row->cost, row->remedy);
}

void doctor_limits(cJSON *findings, const char *dir)
{
	_cleanup_json_ cJSON *values = hostinfo_sysctls();

	(void)dir;
	for (size_t i = 0; i < array_size(limits); i++)
		report_limit(findings, &limits[i]);
	for (size_t i = 0; i < array_size(sysctls); i++)
		report_sysctl(findings, values, &sysctls[i]);
}

// SPDX-License-Identifier: MIT
/*
 * Collects the machine's description from uname, /proc and /sys. A file that is not there, or that
 * this user may not read, makes its key null: nothing here is worth failing a session for.
 *
 * Library versions are those of the running libraries where they tell (libc, cJSON, zlib); liburing
 * before 2.4 and libmnl do not, so theirs are the ones of the headers this was built with.
 */
#include "harness/host/hostinfo.h"

#include <dirent.h>
#include <gnu/libc-version.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <zlib.h>

#include "harness/host/build_info.h"
#include "harness/host/cpu_model.h"
#include "harness/util/cleanup.h"
#include "harness/util/fs.h"
#include "harness/util/mount.h"

#define TEXT_MAX 4096

/* Adds the first line of a file, or null. */
static void add_line(cJSON *to, const char *name, const char *path)
{
	char text[TEXT_MAX];

	if (fs_read(path, text, sizeof(text)) <= 0) {
		cJSON_AddNullToObject(to, name);
		return;
	}
	text[strcspn(text, "\n")] = '\0';
	cJSON_AddStringToObject(to, name, text);
}

/* Adds the integer (-1 included) that a file consists of, or null. */
static void add_number(cJSON *to, const char *name, const char *path)
{
	char text[64], *end;
	long long value;

	if (fs_read(path, text, sizeof(text)) > 0) {
		value = strtoll(text, &end, 10);
		if (end != text && (*end == '\n' || !*end)) {
			cJSON_AddNumberToObject(to, name, (double)value);
			return;
		}
	}
	cJSON_AddNullToObject(to, name);
}

/* Finds "key : value" in /proc/meminfo. */
static bool find_value(const char *path, const char *key, char *value, size_t size)
{
	_cleanup_fclose_ FILE *f = fopen(path, "re");
	_cleanup_free_ char *line = NULL;
	size_t cap = 0, n = strlen(key);

	while (f && getline(&line, &cap, f) > 0) {
		const char *colon = strchr(line, ':');

		if (strncmp(line, key, n) || !colon || strspn(line + n, " \t:") == 0)
			continue;
		colon += 1 + strspn(colon + 1, " \t");
		snprintf(value, size, "%.*s", (int)strcspn(colon, "\n"), colon);
		return true;
	}
	return false;
}

cJSON *hostinfo_cpu(void)
{
	cJSON *cpu = cJSON_CreateObject();
	char model[TEXT_MAX];
	uint64_t khz;

	if (cpu_model_read("/proc/cpuinfo", "/proc/device-tree/model", model, sizeof(model)))
		cJSON_AddStringToObject(cpu, "model", model);
	else
		cJSON_AddNullToObject(cpu, "model");
	cJSON_AddNumberToObject(cpu, "online", (double)sysconf(_SC_NPROCESSORS_ONLN));
	add_line(cpu, "smt", "/sys/devices/system/cpu/smt/control");
	add_line(cpu, "governor", "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor");
	add_line(cpu, "driver", "/sys/devices/system/cpu/cpu0/cpufreq/scaling_driver");
	if (!fs_read_u64("/sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq", &khz))
		cJSON_AddNumberToObject(cpu, "mhz_max", (double)khz / 1000);
	else
		cJSON_AddNullToObject(cpu, "mhz_max");
	return cpu;
}

cJSON *hostinfo_mitigations(void)
{
	static const char folder[] = "/sys/devices/system/cpu/vulnerabilities";
	cJSON *all = cJSON_CreateObject();
	struct dirent **names;
	int n = scandir(folder, &names, NULL, alphasort);

	for (int i = 0; i < n; i++) {
		char path[sizeof(folder) + sizeof(names[i]->d_name) + 1];

		snprintf(path, sizeof(path), "%s/%s", folder, names[i]->d_name);
		if (names[i]->d_name[0] != '.')
			add_line(all, names[i]->d_name, path);
		free(names[i]);
	}
	if (n >= 0)
		free(names);
	return all;
}

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>

/* The signature that a hypervisor shows in CPUID leaf 0x40000000, present when bit 31 of ECX in
 * leaf 1 is set (Intel SDM leaves it to software; Linux arch/x86/kernel/cpu/hypervisor.c). */
static bool hypervisor_name(char name[13])
{
	unsigned a, b, c, d;

	if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & (1u << 31)))
		return false;
	__cpuid(0x40000000, a, b, c, d);
	memcpy(name, &b, 4);
	memcpy(name + 4, &c, 4);
	memcpy(name + 8, &d, 4);
	name[12] = '\0';
	return name[0] != '\0';
}
#else
static bool hypervisor_name(char name[13])
{
	return fs_read("/sys/hypervisor/type", name, 13) > 0;
}
#endif

static void add_container(cJSON *to)
{
	if (!access("/.dockerenv", F_OK))
		cJSON_AddStringToObject(to, "container", "docker");
	else if (!access("/run/.containerenv", F_OK))
		cJSON_AddStringToObject(to, "container", "podman");
	else
		add_line(to, "container", "/run/systemd/container");
}

/* What people call the bearer of a signature; an unknown one is shown as it is. */
static const char *hypervisor_label(const char *signature)
{
	static const struct {
		const char *signature, *label;
	} rows[] = {
		{"KVMKVMKVM", "KVM"},	     {"TCGTCGTCGTCG", "QEMU TCG"},
		{"Microsoft Hv", "Hyper-V"}, {"VMwareVMware", "VMware"},
		{"XenVMMXenVMM", "Xen"},     {"VBoxVBoxVBox", "VirtualBox"},
		{"bhyve bhyve ", "bhyve"},
	};

	for (size_t i = 0; i < array_size(rows); i++)
		if (!strcmp(rows[i].signature, signature))
			return rows[i].label;
	return signature;
}

cJSON *hostinfo_virtualisation(void)
{
	cJSON *virt = cJSON_CreateObject();
	char name[13];

	if (hypervisor_name(name))
		cJSON_AddStringToObject(virt, "hypervisor", hypervisor_label(name));
	else
		cJSON_AddNullToObject(virt, "hypervisor");
	add_line(virt, "vendor", "/sys/class/dmi/id/sys_vendor");
	add_line(virt, "product", "/sys/class/dmi/id/product_name");
	add_container(virt);
	return virt;
}

cJSON *hostinfo_filesystem(const char *path)
{
	cJSON *fs = cJSON_CreateObject();
	struct mount m;
	char device[32];

	if (mount_of_path(path, &m)) {
		cJSON_AddNullToObject(fs, "type");
		return fs;
	}
	snprintf(device, sizeof(device), "%u:%u", m.major, m.minor);
	cJSON_AddStringToObject(fs, "type", m.type);
	cJSON_AddStringToObject(fs, "source", m.source);
	cJSON_AddStringToObject(fs, "mount", m.point);
	cJSON_AddStringToObject(fs, "options", m.options);
	cJSON_AddStringToObject(fs, "super_options", m.super);
	cJSON_AddStringToObject(fs, "device", device);
	return fs;
}

/* Those that change what the workloads measure, or decide what may be run at all. */
static const char *const sysctl_names[] = {
	"kernel.io_uring_disabled",
	"kernel.perf_event_paranoid",
	"kernel.sched_autogroup_enabled",
	"kernel.sched_rt_runtime_us",
	"kernel.timer_migration",
	"kernel.unprivileged_bpf_disabled",
	"kernel.unprivileged_userns_clone",
	"kernel.yama.ptrace_scope",
	"net.core.bpf_jit_enable",
	"net.core.netdev_max_backlog",
	"net.core.rmem_default",
	"net.core.rmem_max",
	"net.core.somaxconn",
	"net.core.wmem_default",
	"net.core.wmem_max",
	"user.max_net_namespaces",
	"user.max_user_namespaces",
	"vm.dirty_background_ratio",
	"vm.dirty_ratio",
	"vm.swappiness",
};

cJSON *hostinfo_sysctls(void)
{
	cJSON *all = cJSON_CreateObject();

	for (size_t i = 0; i < array_size(sysctl_names); i++) {
		char path[128] = "/proc/sys/";

		strncat(path, sysctl_names[i], sizeof(path) - strlen(path) - 1);
		for (char *p = path; *p; p++)
			if (*p == '.')
				*p = '/';
		add_number(all, sysctl_names[i], path);
	}
	return all;
}

static void add_kernel(cJSON *host)
{
	struct utsname u;

	uname(&u);
	cJSON_AddStringToObject(host, "kernel", u.release);
	cJSON_AddStringToObject(host, "kernel_build", u.version);
	cJSON_AddStringToObject(host, "machine", u.machine);
	add_line(host, "cmdline", "/proc/cmdline");
}

static void add_memory(cJSON *host)
{
	char text[64];
	uint64_t kib;

	if (find_value("/proc/meminfo", "MemTotal", text, sizeof(text)) &&
	    sscanf(text, "%lu", &kib) == 1)
		cJSON_AddNumberToObject(host, "memory_bytes", (double)kib * 1024);
	else
		cJSON_AddNullToObject(host, "memory_bytes");
	add_line(host, "transparent_hugepage", "/sys/kernel/mm/transparent_hugepage/enabled");
	add_line(host, "clocksource",
		 "/sys/devices/system/clocksource/clocksource0/current_clocksource");
}

static void add_limit(cJSON *to, const char *name, int which)
{
	struct rlimit limit;

	if (getrlimit(which, &limit) || limit.rlim_cur == RLIM_INFINITY)
		cJSON_AddNullToObject(to, name);
	else
		cJSON_AddNumberToObject(to, name, (double)limit.rlim_cur);
}

static void add_user(cJSON *host)
{
	cJSON *limits;

	cJSON_AddNumberToObject(host, "uid", getuid());
	limits = cJSON_AddObjectToObject(host, "limits");
	add_limit(limits, "nofile", RLIMIT_NOFILE);
	add_limit(limits, "memlock_bytes", RLIMIT_MEMLOCK);
	add_limit(limits, "nproc", RLIMIT_NPROC);
}

static void add_libraries(cJSON *host)
{
	cJSON *libraries = cJSON_AddObjectToObject(host, "libraries");

	cJSON_AddStringToObject(libraries, "libc", gnu_get_libc_version());
	cJSON_AddStringToObject(libraries, "liburing", BUILD_LIBURING);
	cJSON_AddStringToObject(libraries, "cjson", cJSON_Version());
	cJSON_AddStringToObject(libraries, "libmnl", BUILD_LIBMNL);
	cJSON_AddStringToObject(libraries, "zlib", zlibVersion());
}

static void add_build(cJSON *host)
{
	cJSON *build = cJSON_AddObjectToObject(host, "build");

	cJSON_AddStringToObject(build, "revision", BUILD_REVISION);
	cJSON_AddStringToObject(build, "compiler", BUILD_COMPILER);
	cJSON_AddStringToObject(build, "type", BUILD_TYPE);
	cJSON_AddStringToObject(build, "optimization", BUILD_OPTIMIZATION);
	cJSON_AddStringToObject(build, "sanitize", BUILD_SANITIZE);
}

cJSON *hostinfo_collect(const char *results_dir)
{
	cJSON *host = cJSON_CreateObject();

	if (!host)
		return NULL;
	add_kernel(host);
	cJSON_AddItemToObject(host, "cpu", hostinfo_cpu());
	cJSON_AddItemToObject(host, "mitigations", hostinfo_mitigations());
	add_memory(host);
	cJSON_AddItemToObject(host, "virtualisation", hostinfo_virtualisation());
	cJSON_AddItemToObject(host, "filesystem", hostinfo_filesystem(results_dir));
	add_user(host);
	cJSON_AddItemToObject(host, "sysctls", hostinfo_sysctls());
	add_libraries(host);
	add_build(host);
	return host;
}

const char *hostinfo_revision(void)
{
	return BUILD_REVISION;
}

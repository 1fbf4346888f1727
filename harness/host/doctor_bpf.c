// SPDX-License-Identifier: MIT
/*
 * BPF: a program of two instructions (return 0) is loaded as each type that probes use, by the raw
 * system call, and dropped again. Loading needs no libbpf, and tells a kernel without the type
 * (EINVAL) from a user without the right (EPERM). Where attaching needs more than loading, the
 * event source that it needs is looked up in sysfs.
 */
#include "harness/host/doctor.h"

#include <errno.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness/util/cleanup.h"
#include "harness/util/fs.h"

#define BTF_PATH "/sys/kernel/btf/vmlinux"

static int load_program(enum bpf_prog_type type)
{
	static const struct bpf_insn program[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
		{.code = BPF_JMP | BPF_EXIT},
	};
	union bpf_attr attr = {
		.prog_type = type,
		.insns = (uint64_t)(uintptr_t)program,
		.insn_cnt = array_size(program),
		.license = (uint64_t)(uintptr_t) "GPL",
	};
	long fd = syscall(__NR_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));

	if (fd < 0)
		return -errno;
	close((int)fd);
	return 0;
}

static void report_type(cJSON *findings, const char *name, enum bpf_prog_type type,
			const char *needs, const char *cost)
{
	int r = load_program(type);
	const char *remedy = NULL;

	if (!r && needs && access(needs, F_OK)) {
		doctor_advise(doctor_add(findings, name, DOCTOR_MISSING,
					 "loads, but %s is not there to attach it to", needs),
			      cost, "boot a kernel built with it");
		return;
	}
	if (!r) {
		doctor_add(findings, name, DOCTOR_OK, "loads");
		return;
	}
	if (r == -EPERM)
		remedy = "run as root, or with CAP_BPF and CAP_PERFMON";
	else if (r == -EINVAL || r == -ENOSYS)
		remedy = "boot a kernel built with it";
	doctor_advise(doctor_add(findings, name, DOCTOR_MISSING, "%s", strerror(-r)), cost, remedy);
}

static void report_unprivileged(cJSON *findings)
{
	uint64_t value;

	if (fs_read_u64("/proc/sys/kernel/unprivileged_bpf_disabled", &value))
		doctor_add(findings, "unprivileged BPF", DOCTOR_UNKNOWN,
			   "no sysctl kernel.unprivileged_bpf_disabled");
	else
		doctor_add(findings, "unprivileged BPF", DOCTOR_OK,
			   "kernel.unprivileged_bpf_disabled = %u: %s", (unsigned)value,
			   value ? "only root may load programs" : "everybody may load filters");
}

static void report_btf(cJSON *findings)
{
	struct stat st;

	if (!stat(BTF_PATH, &st))
		doctor_add(findings, "BTF", DOCTOR_OK, "%s, %lld KiB", BTF_PATH,
			   (long long)st.st_size / 1024);
	else
		doctor_advise(doctor_add(findings, "BTF", DOCTOR_MISSING, "%s: %s", BTF_PATH,
					 strerror(errno)),
			      "BPF programs cannot adapt to this kernel's structures",
			      "boot a kernel with CONFIG_DEBUG_INFO_BTF=y");
}

/* Hardware counters: what most virtual machines lack. */
static void report_counters(cJSON *findings)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_HARDWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_HW_CPU_CYCLES,
		.disabled = 1,
		.exclude_kernel = 1,
		.exclude_hv = 1,
	};
	long fd = syscall(__NR_perf_event_open, &attr, 0, -1, -1, 0);

	if (fd >= 0) {
		close((int)fd);
		doctor_add(findings, "hardware counters", DOCTOR_OK, "cycles can be counted");
		return;
	}
	doctor_advise(doctor_add(findings, "hardware counters", DOCTOR_MISSING,
				 "perf_event_open(cycles): %s", strerror(errno)),
		      "no cycles, instructions or cache misses per operation; time is still exact",
		      errno == EACCES ? "sysctl kernel.perf_event_paranoid=1"
				      : "a machine, or a hypervisor, that passes its PMU on");
}

void doctor_bpf(cJSON *findings, const char *dir)
{
	(void)dir;
	report_type(findings, "raw tracepoints", BPF_PROG_TYPE_RAW_TRACEPOINT, NULL,
		    "no BPF probe can watch a run");
	report_type(findings, "tracepoints", BPF_PROG_TYPE_TRACEPOINT, NULL,
		    "no probe on system calls");
	report_type(findings, "perf events", BPF_PROG_TYPE_PERF_EVENT, NULL,
		    "no sampling of stacks");
	report_type(findings, "kprobes", BPF_PROG_TYPE_KPROBE,
		    "/sys/bus/event_source/devices/kprobe",
		    "kernel functions without a tracepoint cannot be watched");
	report_type(findings, "uprobes, USDT", BPF_PROG_TYPE_KPROBE,
		    "/sys/bus/event_source/devices/uprobe",
		    "the functions of a program cannot be watched");
	report_unprivileged(findings);
	report_btf(findings);
	report_counters(findings);
}

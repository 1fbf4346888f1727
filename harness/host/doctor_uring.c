// SPDX-License-Identifier: MIT
/*
 * io_uring: every set-up flag is tried with a ring of its own, opcodes come from the kernel's own
 * probe (IORING_REGISTER_PROBE), features from io_uring_setup. Raw system calls, so that what is
 * found is the kernel's doing and not the library's. The flags are tried in a forked child, since a
 * ring that is only a registered descriptor stays with the task that made it.
 */
#include "harness/host/doctor.h"

#include <errno.h>
#include <linux/io_uring.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness/util/uring_names.h"
#include "harness/util/cleanup.h"
#include "harness/util/fs.h"

#define FLAG_CQSIZE    (1u << 3)
#define FLAG_ATTACH_WQ (1u << 5)
#define FLAG_NO_MMAP   (1u << 14)
#define PAGE	       4096
#define OPS_MAX	       256
#define LIST_MAX       1024

static int ring_setup(unsigned entries, struct io_uring_params *p)
{
	long fd = syscall(__NR_io_uring_setup, entries, p);

	return fd < 0 ? -errno : (int)fd;
}

/* With NO_MMAP the caller brings the memory. The address is the last member of both offset
 * structs, called resv2 before Linux 6.5 and user_addr since. */
static int give_memory(struct io_uring_params *p)
{
	char *pages = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	uint64_t sq = (uint64_t)(uintptr_t)pages, cq = sq + PAGE;

	if (pages == MAP_FAILED)
		return -errno;
	memcpy((char *)&p->sq_off + sizeof(p->sq_off) - sizeof(sq), &sq, sizeof(sq));
	memcpy((char *)&p->cq_off + sizeof(p->cq_off) - sizeof(cq), &cq, sizeof(cq));
	return 0;
}

/* In a forked child, whose end releases everything. */
static int try_flag(void *arg)
{
	const struct uring_flag *flag = arg;
	struct io_uring_params p = {.flags = flag->bit | flag->with}, plain = {0};
	int r = 0;

	if (p.flags & FLAG_CQSIZE)
		p.cq_entries = 8;
	if (p.flags & FLAG_ATTACH_WQ) {
		r = ring_setup(1, &plain);
		p.wq_fd = (unsigned)r;
	}
	if (p.flags & FLAG_NO_MMAP)
		r = give_memory(&p);
	if (r < 0)
		return r;
	r = ring_setup(1, &p);
	return r < 0 ? r : 0;
}

/* Joins names with blanks. */
static void list_add(char *list, const char *name)
{
	size_t n = strlen(list);

	snprintf(list + n, LIST_MAX - n, "%s%s", n ? " " : "", name);
}

static void report_flags(cJSON *findings)
{
	char there[LIST_MAX] = "", not_there[LIST_MAX] = "";

	for (const struct uring_flag *flag = uring_setup_flags; flag->name; flag++) {
		int r = doctor_try(try_flag, (void *)flag);
		char text[128];

		if (!r) {
			list_add(there, flag->name);
			continue;
		}
		snprintf(text, sizeof(text), "%s (%s%s)", flag->name,
			 r == -EINVAL ? "Linux " : strerror(-r), r == -EINVAL ? flag->since : "");
		list_add(not_there, text);
	}
	doctor_add(findings, "set-up flags", DOCTOR_OK, "%s", there);
	if (*not_there)
		doctor_advise(doctor_add(findings, "set-up flags", DOCTOR_MISSING, "%s", not_there),
			      "targets that ask for these end as unsupported",
			      "boot a kernel at least as new as named in brackets");
}

static void report_features(cJSON *findings, uint32_t features)
{
	char there[LIST_MAX] = "", not_there[LIST_MAX] = "";

	for (const struct uring_flag *feature = uring_features; feature->name; feature++)
		list_add(features & feature->bit ? there : not_there, feature->name);
	doctor_add(findings, "features", DOCTOR_OK, "%s (0x%x)", there, features);
	if (*not_there)
		doctor_advise(doctor_add(findings, "features", DOCTOR_MISSING, "%s", not_there),
			      "nothing that uhbench needs", NULL);
}

static void report_opcodes(cJSON *findings, int fd)
{
	_cleanup_free_ struct io_uring_probe *probe =
		calloc(1, sizeof(*probe) + OPS_MAX * sizeof(probe->ops[0]));
	char there[LIST_MAX] = "", not_there[LIST_MAX] = "";
	unsigned count;

	if (!probe || syscall(__NR_io_uring_register, fd, IORING_REGISTER_PROBE, probe, OPS_MAX)) {
		doctor_add(findings, "opcodes", DOCTOR_UNKNOWN, "IORING_REGISTER_PROBE: %s",
			   strerror(errno));
		return;
	}
	for (unsigned i = 0; i < uring_opcode_count; i++) {
		bool have = i < probe->ops_len && (probe->ops[i].flags & IO_URING_OP_SUPPORTED);

		list_add(have ? there : not_there, uring_opcode_names[i]);
	}
	count = probe->last_op + 1u;
	doctor_add(findings, "opcodes", DOCTOR_OK, "%s", there);
	if (count > uring_opcode_count)
		doctor_add(findings, "newer opcodes", DOCTOR_OK,
			   "%u that this build has no names for", count - uring_opcode_count);
	if (*not_there)
		doctor_advise(doctor_add(findings, "opcodes", DOCTOR_MISSING, "%s", not_there),
			      "targets that ask for these end as unsupported",
			      "boot a newer kernel");
}

static void report_refusal(cJSON *findings, int r)
{
	uint64_t disabled = 0;
	const char *remedy = "boot a kernel with CONFIG_IO_URING=y, 6.1 or newer";

	if (!fs_read_u64("/proc/sys/kernel/io_uring_disabled", &disabled) && disabled)
		remedy = "sysctl kernel.io_uring_disabled=0";
	else if (r == -EPERM || r == -EACCES)
		remedy = "a seccomp filter refuses it (containers do): run outside, or with "
			 "--security-opt seccomp=unconfined";
	doctor_advise(doctor_add(findings, "io_uring", DOCTOR_MISSING, "io_uring_setup: %s",
				 strerror(-r)),
		      "every uring target ends as unsupported", remedy);
}

void doctor_uring(cJSON *findings, const char *dir)
{
	struct io_uring_params p = {0};
	_cleanup_close_ int fd = ring_setup(1, &p);

	(void)dir;
	if (fd < 0) {
		report_refusal(findings, fd);
		return;
	}
	report_opcodes(findings, fd);
	report_flags(findings);
	report_features(findings, p.features);
}

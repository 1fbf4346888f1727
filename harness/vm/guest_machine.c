// SPDX-License-Identifier: MIT
/*
 * What a distribution's init would do before the first service, and no more: the kernel's own file
 * systems, modules, the loopback device, names for virtio ports. The root stays the tmpfs that the
 * kernel unpacked the initramfs into.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/util/cleanup.h"
#include "harness/util/fs.h"
#include "harness/util/nsec.h"
#include "harness/util/rtnl.h"
#include "harness/vm/guest.h"
#include "harness/vm/modules.h"
#include "harness/vm/wire.h"

#define PORTS	      "/sys/class/virtio-ports"
#define PORT_WAIT_NS  (20 * NSEC_PER_SEC)
#define PORT_RETRY_NS (10 * NSEC_PER_MSEC)
#define FILES_MAX     1048576

static void complain(const char *what, int r)
{
	fprintf(stderr, "vm: %s: %s\n", what, strerror(-r));
}

void guest_power_off(void)
{
	sync();
	reboot(RB_POWER_OFF);
	for (;;) /* an emulator without that feature: the host ends it */
		pause();
}

void guest_die(const char *fmt, ...)
{
	va_list ap;

	fputs("vm: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	guest_power_off();
}

/* What came in may lie where something would be mounted over it. */
static bool has_files(const char *folder)
{
	DIR *d = opendir(folder);
	struct dirent *e;
	bool found = false;

	while (d && !found && (e = readdir(d)))
		found = strcmp(e->d_name, ".") && strcmp(e->d_name, "..");
	if (d)
		closedir(d);
	return found;
}

static void mount_all(void)
{
	static const struct {
		const char *type, *at, *options;
	} rows[] = {
		{"devtmpfs", "/dev", "mode=0755"},
		{"proc", "/proc", NULL},
		{"sysfs", "/sys", NULL},
		{"tmpfs", "/dev/shm", "mode=1777"},
		{"devpts", "/dev/pts", "ptmxmode=0666"},
		{"tmpfs", "/run", "mode=0755"},
		{"cgroup2", "/sys/fs/cgroup", NULL},
		{"bpf", "/sys/fs/bpf", NULL},
		{"debugfs", "/sys/kernel/debug", NULL},
		{"tracefs", "/sys/kernel/tracing", NULL},
	};

	for (size_t i = 0; i < array_size(rows); i++) {
		if (!strcmp(rows[i].at, "/run") && has_files("/run"))
			continue;
		/* On sysfs the kernel made the folder, or does not have this. */
		if (strncmp(rows[i].at, "/sys/", 5) && mkdir(rows[i].at, 0755) && errno != EEXIST)
			complain(rows[i].at, -errno);
		if (mount(rows[i].type, rows[i].at, rows[i].type, MS_NOSUID, rows[i].options))
			complain(rows[i].at, -errno);
	}
}

/* Names that udev would make. */
static void name_descriptors(void)
{
	static const char *const rows[][2] = {{"/proc/self/fd", "/dev/fd"},
					      {"/proc/self/fd/0", "/dev/stdin"},
					      {"/proc/self/fd/1", "/dev/stdout"},
					      {"/proc/self/fd/2", "/dev/stderr"}};

	for (size_t i = 0; i < array_size(rows); i++)
		if (symlink(rows[i][0], rows[i][1]))
			complain(rows[i][1], -errno);
}

/* One line of the file: a name, and parameters. */
static void load(char *line)
{
	char *argv[16] = {(char *)"modprobe"}, *rest;
	unsigned n = 1;
	int status;
	pid_t pid;

	for (char *word = strtok_r(line, " ", &rest); word && n < array_size(argv) - 1;
	     word = strtok_r(NULL, " ", &rest))
		argv[n++] = word;
	pid = fork();
	if (!pid) {
		execv("/sbin/modprobe", argv);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
		fprintf(stderr, "vm: modprobe %s failed\n", argv[1]);
}

static void load_modules(void)
{
	char text[4096], *rest;

	if (fs_read(MODULES_LOAD_FILE, text, sizeof(text)) <= 0)
		return;
	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		load(line);
	if (mount("configfs", "/sys/kernel/config", "configfs", MS_NOSUID, NULL))
		complain("/sys/kernel/config", -errno);
}

static void loopback_up(void)
{
	struct rtnl *r = NULL;
	struct err err;
	int index, e = rtnl_open(&r, &err);

	if (!e)
		e = rtnl_link_index(r, "lo", &index, &err);
	if (!e)
		e = rtnl_link_up(r, index, &err);
	rtnl_close(r);
	if (e)
		fprintf(stderr, "vm: loopback: %s\n", err.text);
}

void guest_set_up(void)
{
	const struct rlimit files = {1024, FILES_MAX};

	umask(022);
	mount_all();
	name_descriptors();
	if (chmod("/tmp", 01777))
		complain("/tmp", -errno);
	if (sethostname("vm", 2) || setrlimit(RLIMIT_NOFILE, &files))
		complain("host name, limits", -errno);
	if (setenv("PATH", "/bin:/sbin:/usr/bin:/usr/sbin:/usr/local/bin:/usr/local/sbin", 1) ||
	    setenv("HOME", "/root", 1) || setenv("UHBENCH_HISTORY", "none", 1))
		complain("environment", -errno);
	load_modules();
	loopback_up();
}

/* Makes /dev/virtio-ports/NAME, as udev would, for every port there is. True when ours is among
 * them. */
static bool name_ports(void)
{
	DIR *d = opendir(PORTS);
	struct dirent *e;
	bool ours = false;

	while (d && (e = readdir(d))) {
		char from[PATH_MAX], name[128], to[PATH_MAX];

		snprintf(from, sizeof(from), PORTS "/%s/name", e->d_name);
		if (e->d_name[0] == '.' || fs_read(from, name, sizeof(name)) <= 0)
			continue;
		name[strcspn(name, "\n")] = 0;
		snprintf(from, sizeof(from), "../%s", e->d_name);
		snprintf(to, sizeof(to), "/dev/virtio-ports/%s", name);
		if (symlink(from, to) && errno != EEXIST)
			complain(to, -errno);
		ours |= !strcmp(name, WIRE_PORT);
	}
	if (d)
		closedir(d);
	return ours;
}

int guest_port(void)
{
	uint64_t give_up = nsec_now() + PORT_WAIT_NS;
	int fd;

	if (mkdir("/dev/virtio-ports", 0755))
		complain("/dev/virtio-ports", -errno);
	/* The host names its ports by messages, which come when they come. */
	while (!name_ports()) {
		if (nsec_now() > give_up)
			guest_die("no port \"%s\": does this kernel have VIRTIO_CONSOLE and "
				  "VIRTIO_PCI?",
				  WIRE_PORT);
		nsec_sleep_until(nsec_now() + PORT_RETRY_NS);
	}
	fd = open("/dev/virtio-ports/" WIRE_PORT, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		guest_die("port: %s", strerror(errno));
	return fd;
}

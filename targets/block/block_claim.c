// SPDX-License-Identifier: MIT
/*
 * O_EXCL alone keeps us from what is mounted or held, in any mount namespace; the look into /proc
 * and /sys before is for the words: what it is, and where. Signatures are libblkid's to know.
 */
#include "targets/block/block_claim.h"

#include <blkid.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "harness/util/cleanup.h"
#include "harness/util/fs.h"
#include "targets/block/block_device.h"

#define NAME_SIZE 256

struct claim {
	const char *path;
	bool destroy;
	struct err *err;
};

/* Where a device is mounted, by mountinfo (proc(5)). */
static bool find_mount(dev_t device, char point[static NAME_SIZE])
{
	_cleanup_fclose_ FILE *f = fopen("/proc/self/mountinfo", "re");
	_cleanup_free_ char *line = NULL;
	size_t size = 0;

	while (f && getline(&line, &size, f) >= 0) {
		unsigned high, low;

		if (sscanf(line, "%*d %*d %u:%u %*s %255s", &high, &low, point) == 3 &&
		    makedev(high, low) == device)
			return true;
	}
	return false;
}

static bool is_swap(dev_t device)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/swaps", "re");
	_cleanup_free_ char *line = NULL;
	size_t size = 0;
	bool found = false;

	while (!found && f && getline(&line, &size, f) >= 0) {
		struct stat st;

		line[strcspn(line, " \t")] = '\0';
		found = stat(line, &st) == 0 && S_ISBLK(st.st_mode) && st.st_rdev == device;
	}
	return found;
}

/* The first of who stands on the device (device mapper, RAID): its holders in sysfs. */
static bool find_holder(dev_t device, char holder[static NAME_SIZE])
{
	char path[64];
	struct dirent *entry;
	bool found = false;
	DIR *dir;

	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/holders", major(device), minor(device));
	dir = opendir(path);
	while (!found && dir && (entry = readdir(dir))) {
		found = entry->d_name[0] != '.';
		if (found)
			snprintf(holder, NAME_SIZE, "%s", entry->d_name);
	}
	if (dir)
		closedir(dir);
	return found;
}

static int check_use(const struct claim *c, const char *what, dev_t device)
{
	char name[NAME_SIZE];

	if (find_mount(device, name))
		return err_set(c->err, -EBUSY, "%s is mounted at %s: unmount it first", what, name);
	if (is_swap(device))
		return err_set(c->err, -EBUSY, "%s is swap: swapoff it first", what);
	if (find_holder(device, name))
		return err_set(c->err, -EBUSY, "%s is held by %s", what, name);
	return 0;
}

static int read_number(const char *disk, const char *partition, dev_t *ret)
{
	char folder[2 * NAME_SIZE + 16];

	snprintf(folder, sizeof(folder), "%s/%s", disk, partition);
	return block_device_number(folder, ret);
}

static bool is_partition(const char *disk, const char *name)
{
	char path[2 * NAME_SIZE + 16];

	snprintf(path, sizeof(path), "%s/%.255s/partition", disk, name);
	return access(path, F_OK) == 0;
}

/* Every partition that the kernel knows of: none may be in use, and without `destroy` none be. */
static int check_partitions(const struct claim *c, dev_t device)
{
	char disk[64];
	struct dirent *entry;
	int r = 0;
	DIR *dir;

	snprintf(disk, sizeof(disk), "/sys/dev/block/%u:%u", major(device), minor(device));
	dir = opendir(disk);
	while (r == 0 && dir && (entry = readdir(dir))) {
		dev_t part = 0;

		if (!is_partition(disk, entry->d_name))
			continue;
		r = read_number(disk, entry->d_name, &part);
		if (r < 0)
			err_sys(c->err, r, "%s: partition %s", c->path, entry->d_name);
		else
			r = check_use(c, entry->d_name, part);
		if (r == 0 && !c->destroy)
			r = err_set(c->err, -EEXIST,
				    "%s has partitions (%s): knob `destroy` permits to overwrite "
				    "it",
				    c->path, entry->d_name);
	}
	if (dir)
		closedir(dir);
	return r;
}

static void probe_free(blkid_probe *p)
{
	blkid_free_probe(*p); /* accepts NULL */
}

/* What the content is, in libblkid's word: "ext4", "gpt", "LVM2_member". */
static int check_signature(const struct claim *c, int fd)
{
	_cleanup_(probe_free) blkid_probe p = blkid_new_probe();
	const char *type = NULL;
	int r;

	if (!p || blkid_probe_set_device(p, fd, 0, 0) < 0)
		return err_set(c->err, -EIO, "%s: libblkid cannot look at it", c->path);
	blkid_probe_enable_superblocks(p, 1);
	blkid_probe_set_superblocks_flags(p, BLKID_SUBLKS_TYPE | BLKID_SUBLKS_BADCSUM);
	blkid_probe_enable_partitions(p, 1);
	r = blkid_do_safeprobe(p);
	if (r == 1)
		return 0;
	if (r == -1)
		return err_set(c->err, -EIO, "%s cannot be read to look for signatures", c->path);
	if (r == -2)
		type = "several signatures";
	else if (blkid_probe_lookup_value(p, "TYPE", &type, NULL) < 0 &&
		 blkid_probe_lookup_value(p, "PTTYPE", &type, NULL) < 0)
		type = "a signature";
	return err_set(c->err, -EEXIST,
		       "%s is not empty: it has %s (knob `destroy` permits to "
		       "overwrite it)",
		       c->path, type);
}

int block_claim(const char *path, bool destroy, struct err *err)
{
	const struct claim c = {path, destroy, err};
	_cleanup_close_ int fd = -1;
	struct stat st;
	int r;

	if (stat(path, &st) < 0)
		return err_sys(err, -errno, "%s", path);
	if (!S_ISBLK(st.st_mode))
		return err_set(err, -ENOTBLK, "%s is not a block device", path);
	r = check_use(&c, path, st.st_rdev);
	if (r == 0)
		r = check_partitions(&c, st.st_rdev);
	if (r < 0)
		return r;
	fd = open(path, O_RDWR | O_EXCL | O_CLOEXEC);
	if (fd < 0 && errno == EBUSY)
		return err_set(err, -EBUSY,
			       "%s is in use: mounted elsewhere, or opened exclusively by another "
			       "program",
			       path);
	if (fd < 0)
		return err_sys(err, -errno, "%s", path);
	r = destroy ? 0 : check_signature(&c, fd);
	return r < 0 ? r : take_fd(fd);
}

// SPDX-License-Identifier: MIT
/*
 * The filesystem by its mount id, which stays right for bind mounts and for filesystems whose
 * st_dev is made up; the disk by st_dev, walked up from a partition to the whole disk in sysfs.
 */
#include "workloads/wal_disk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include <linux/magic.h>

#include "harness/util/cleanup.h"

#define LINE_BYTES   4096
#define SECTOR_BYTES 512 /* /proc/diskstats counts these, whatever the device's blocks are */

bool wal_disk_is_memory(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 && (fs.f_type == TMPFS_MAGIC || fs.f_type == RAMFS_MAGIC);
}

/* One line of mountinfo: id parent major:minor root mountpoint options [tags] - type source super
 */
static int describe_line(const char *line, char *text, size_t size)
{
	char options[256], type[64], source[256];
	const char *rest = strstr(line, " - ");

	if (sscanf(line, "%*u %*u %*s %*s %*s %255s", options) != 1 || !rest ||
	    sscanf(rest, " - %63s %255s", type, source) != 2)
		return -EBADMSG;
	snprintf(text, size, "%s on %s (%s)", type, source, options);
	return 0;
}

static int mount_line(int fd, char line[LINE_BYTES], struct err *err)
{
	_cleanup_fclose_ FILE *f = NULL;
	unsigned long long id;
	struct statx st;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &st) < 0)
		return err_sys(err, -errno, "statx");
	f = fopen("/proc/self/mountinfo", "re");
	if (!f)
		return err_sys(err, -errno, "/proc/self/mountinfo");
	while (fgets(line, LINE_BYTES, f))
		if (sscanf(line, "%llu ", &id) == 1 && id == st.stx_mnt_id)
			return 0;
	return err_set(err, -ENOENT, "/proc/self/mountinfo has no mount %llu",
		       (unsigned long long)st.stx_mnt_id);
}

int wal_disk_describe(int fd, char *text, size_t size, struct err *err)
{
	char line[LINE_BYTES];
	int r = mount_line(fd, line, err);

	if (r == 0 && describe_line(line, text, size) < 0)
		r = err_set(err, -EBADMSG, "/proc/self/mountinfo: %s", line);
	return r;
}

/* A partition's sysfs folder has a file `partition` and lies in that of its disk. */
static int whole_disk(dev_t dev, struct wal_disk *ret, struct err *err)
{
	_cleanup_fclose_ FILE *f = NULL;
	char path[128];

	*ret = (struct wal_disk){.major = major(dev), .minor = minor(dev)};
	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/partition", major(dev), minor(dev));
	if (access(path, F_OK) < 0)
		return 0;
	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/../dev", major(dev), minor(dev));
	f = fopen(path, "re");
	if (!f || fscanf(f, "%u:%u", &ret->major, &ret->minor) != 2)
		return err_set(err, -ENODEV, "%s cannot be read", path);
	return 0;
}

int wal_disk_find(int fd, struct wal_disk *ret, struct err *err)
{
	struct wal_disk_stats stats;
	struct wal_disk disk;
	struct stat st;
	int r;

	if (fstat(fd, &st) < 0)
		return err_sys(err, -errno, "fstat");
	if (major(st.st_dev) == 0)
		return err_set(err, -ENODEV, "the filesystem has no block device of its own");
	r = whole_disk(st.st_dev, &disk, err);
	if (r == 0)
		r = wal_disk_read(&disk, &stats, err);
	if (r < 0)
		return r;
	*ret = disk;
	return 0;
}

int wal_disk_read(const struct wal_disk *disk, struct wal_disk_stats *ret, struct err *err)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/diskstats", "re");
	unsigned long long sectors, flushes;
	char line[LINE_BYTES];
	unsigned maj, min;

	if (!f)
		return err_sys(err, -errno, "/proc/diskstats");
	while (fgets(line, sizeof(line), f)) {
		int n = sscanf(line,
			       "%u %u %*s %*u %*u %*u %*u %*u %*u %llu %*u %*u %*u %*u %*u %*u %*u "
			       "%*u %llu",
			       &maj, &min, &sectors, &flushes);

		if (n < 2 || maj != disk->major || min != disk->minor)
			continue;
		if (n < 4)
			return err_set(err, -ENODEV, "this kernel counts no flushes (before 5.5)");
		*ret = (struct wal_disk_stats){.flushes = flushes,
					       .written_bytes = sectors * SECTOR_BYTES};
		return 0;
	}
	return err_set(err, -ENODEV, "/proc/diskstats has no device %u:%u", disk->major,
		       disk->minor);
}

/* One word of a file in the disk's sysfs folder; "" where there is none. */
static void disk_attribute(const struct wal_disk *disk, const char *name, char word[32])
{
	_cleanup_fclose_ FILE *f = NULL;
	char path[128];

	word[0] = '\0';
	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/%s", disk->major, disk->minor, name);
	f = fopen(path, "re");
	if (f && fscanf(f, "%31[^\n]", word) != 1)
		word[0] = '\0';
}

/* Flushes are counted where the block layer takes them apart (block/blk-flush.c): by disks with
 * request queues, which have a folder `mq`, and only as long as they say that their cache is
 * volatile. Stacked and memory disks (dm, md, zram, pmem) count none. */
int wal_disk_testifies(int fd, const struct wal_disk *disk, bool writes_through, struct err *err)
{
	char line[LINE_BYTES], path[128], word[32];
	int r = mount_line(fd, line, err);

	if (r < 0)
		return r;
	if (strstr(line, "nobarrier") || strstr(line, "barrier=0"))
		return err_set(err, -EOPNOTSUPP, "the filesystem is mounted without barriers");
	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/mq", disk->major, disk->minor);
	if (access(path, F_OK) < 0)
		return err_set(err, -EOPNOTSUPP, "a disk without request queues counts no flushes");
	disk_attribute(disk, "queue/iostats", word);
	if (!strcmp(word, "0"))
		return err_set(err, -EOPNOTSUPP, "the disk's accounting is off (queue/iostats)");
	disk_attribute(disk, "queue/write_cache", word);
	if (strcmp(word, "write back") != 0)
		return err_set(err, -EOPNOTSUPP, "the disk's cache is \"%s\": it needs no flushes",
			       word);
	disk_attribute(disk, "queue/fua", word);
	if (writes_through && strcmp(word, "0") != 0)
		return err_set(
			err, -EOPNOTSUPP,
			"direct writes with RWF_DSYNC go by FUA on this disk, not by flushes");
	return 0;
}

/* A 64th and four flushes are given away: reading two counters is no transaction, and the flush
 * that is on its way while either is read may count on the wrong side. */
uint64_t wal_disk_flushes_needed(uint64_t acked, uint64_t in_flight)
{
	uint64_t need = acked / in_flight;
	uint64_t slack = need / 64 + 4;

	return need > slack ? need - slack : 0;
}

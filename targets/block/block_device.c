// SPDX-License-Identifier: MIT
/* ioctls of a block device (linux/fs.h) and its attributes (Documentation/ABI/stable/sysfs-block).
 */
#include "targets/block/block_device.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "harness/util/cleanup.h"
#include "harness/util/fs.h"

static bool is_partition(dev_t device)
{
	char path[96];

	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/partition", major(device),
		 minor(device));
	return access(path, F_OK) == 0;
}

static void attribute_path(dev_t device, const char *name, char *path, size_t size)
{
	snprintf(path, size, "/sys/dev/block/%u:%u/%s%s", major(device), minor(device),
		 is_partition(device) ? "../" : "", name);
}

int block_device_attribute(dev_t device, const char *name, uint64_t *ret)
{
	char path[160];

	attribute_path(device, name, path, sizeof(path));
	return fs_read_u64(path, ret);
}

/* Each has a folder below mq (block/blk-mq-sysfs.c). */
static unsigned count_queues(dev_t device)
{
	char path[160];
	struct dirent *entry;
	unsigned n = 0;
	DIR *dir;

	attribute_path(device, "mq", path, sizeof(path));
	dir = opendir(path);
	while (dir && (entry = readdir(dir)))
		n += entry->d_name[0] != '.';
	if (dir)
		closedir(dir);
	return n;
}

/* "none [mq-deadline]": the one in brackets. */
static void read_scheduler(dev_t device, char *ret, size_t size)
{
	char path[160], text[256], *begin, *end;

	attribute_path(device, "queue/scheduler", path, sizeof(path));
	ret[0] = '\0';
	if (fs_read(path, text, sizeof(text)) < 0)
		return;
	begin = strchr(text, '[');
	end = begin ? strchr(begin, ']') : NULL;
	if (end)
		snprintf(ret, size, "%.*s", (int)(end - begin - 1), begin + 1);
}

static int read_queue(struct block_limits *l, struct err *err)
{
	int r = block_device_attribute(l->device, "queue/discard_max_bytes", &l->max_discard_bytes);

	if (r == 0)
		r = block_device_attribute(l->device, "queue/write_zeroes_max_bytes",
					   &l->max_write_zeroes_bytes);
	l->hardware_queues = count_queues(l->device);
	read_scheduler(l->device, l->scheduler, sizeof(l->scheduler));
	return r < 0 ? err_sys(err, r, "/sys/dev/block/%u:%u/queue", major(l->device),
			       minor(l->device))
		     : 0;
}

int block_device_limits(int fd, struct block_limits *ret, struct err *err)
{
	struct block_limits l = {.device = 0};
	struct stat st;
	int sector;

	if (fstat(fd, &st) < 0)
		return err_sys(err, -errno, "fstat");
	if (!S_ISBLK(st.st_mode))
		return err_set(err, -ENOTBLK, "not a block device");
	l.device = st.st_rdev;
	if (ioctl(fd, BLKGETSIZE64, &l.capacity_bytes) < 0)
		return err_sys(err, -errno, "BLKGETSIZE64");
	if (ioctl(fd, BLKSSZGET, &sector) < 0)
		return err_sys(err, -errno, "BLKSSZGET");
	l.logical_block_bytes = (uint32_t)sector;
	if (read_queue(&l, err) < 0)
		return -EIO;
	*ret = l;
	return 0;
}

static bool is_block(const char *path, dev_t device)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISBLK(st.st_mode) && st.st_rdev == device;
}

int block_device_number(const char *folder, dev_t *ret)
{
	char path[PATH_MAX], text[32];
	unsigned high, low;
	ssize_t n;

	snprintf(path, sizeof(path), "%.4000s/dev", folder);
	n = fs_read(path, text, sizeof(text));
	if (n < 0)
		return (int)n;
	if (sscanf(text, "%u:%u", &high, &low) != 2)
		return -EPROTO;
	*ret = makedev(high, low);
	return 0;
}

int block_device_node(struct run *run, const char *name, char ret[static BLOCK_PATH_MAX])
{
	char folder[128];
	dev_t device = 0;
	int r;

	snprintf(folder, sizeof(folder), "/sys/block/%s", name);
	r = block_device_number(folder, &device);
	if (r < 0)
		return err_sys(&run->err, r, "/sys/block/%s", name);
	snprintf(ret, BLOCK_PATH_MAX, "/dev/%s", name);
	if (is_block(ret, device))
		return 0;
	r = snprintf(ret, BLOCK_PATH_MAX, "%s/%s", run->workdir, name);
	if (r >= BLOCK_PATH_MAX)
		return err_sys(&run->err, -ENAMETOOLONG, "%s/%s", run->workdir, name);
	if (mknod(ret, S_IFBLK | 0600, device) < 0)
		return err_sys(&run->err, -errno, "/dev has no %s; making %s", name, ret);
	return 0;
}

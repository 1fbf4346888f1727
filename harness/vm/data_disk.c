// SPDX-License-Identifier: MIT
/*
 * mkfs writes to the durable side before the emulator is there, through its name in /proc. The
 * emulator's cache mode is writeback: flushes of the guest come through to us, and nothing else
 * makes a write durable.
 */
#include "harness/vm/data_disk.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "harness/util/cleanup.h"
#include "harness/vm/nbd_server.h"
#include "harness/vm/tool.h"

struct data_disk {
	struct volatile_disk *disk; /* NULL: fd */
	int fd;
	struct nbd_export export;
	struct nbd_server *server;
	_Atomic int failed; /* the first error of what is behind it; to the guest it is an EIO */
	char drive[256];
	const char *words[5];
};

const char *const data_disk_fs[] = {"ext4", "xfs", NULL};

static int keep(struct data_disk *d, int r)
{
	int none = 0;

	if (r)
		atomic_compare_exchange_strong(&d->failed, &none, r);
	return r;
}

static int cached_read(void *arg, void *buf, size_t len, uint64_t at)
{
	struct data_disk *d = arg;

	return keep(d, volatile_disk_read(d->disk, buf, len, at));
}

static int cached_write(void *arg, const void *buf, size_t len, uint64_t at, bool fua)
{
	struct data_disk *d = arg;

	return keep(d, volatile_disk_write(d->disk, buf, len, at, fua));
}

static int cached_zero(void *arg, size_t len, uint64_t at, bool fua)
{
	struct data_disk *d = arg;

	return keep(d, volatile_disk_zero(d->disk, len, at, fua));
}

static int cached_flush(void *arg)
{
	struct data_disk *d = arg;

	return keep(d, volatile_disk_flush(d->disk));
}

static int file_read(void *arg, void *buf, size_t len, uint64_t at)
{
	struct data_disk *d = arg;
	ssize_t n = pread(d->fd, buf, len, (off_t)at);

	return keep(d, n < 0 ? -errno : (size_t)n == len ? 0 : -EIO);
}

static int file_write(void *arg, const void *buf, size_t len, uint64_t at, bool fua)
{
	struct data_disk *d = arg;
	ssize_t n = pwrite(d->fd, buf, len, (off_t)at);

	(void)fua;
	return keep(d, n < 0 ? -errno : (size_t)n == len ? 0 : -EIO);
}

static int file_zero(void *arg, size_t len, uint64_t at, bool fua)
{
	struct data_disk *d = arg;

	(void)fua;
	return keep(d, volatile_file_zero(d->fd, len, at));
}

/* Who reads it dies with us, and so may it. */
static int file_flush(void *arg)
{
	(void)arg;
	return 0;
}

static int make_fs(const char *fs, int fd, struct err *err)
{
	char path[64];
	const char *ext4[] = {"mkfs.ext4", "-q", "-F", "-E", "nodiscard", path, NULL};
	const char *xfs[] = {"mkfs.xfs", "-q", "-f", "-K", path, NULL};
	bool is_xfs = !strcmp(fs, "xfs");

	/* Of this process: the tool runs in a child, which does not have the descriptor. */
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", getpid(), fd);
	return tool_run(is_xfs ? xfs : ext4, -1, NULL, NULL, err);
}

static int serve(struct data_disk *d, struct err *err)
{
	int r = nbd_server_start(&d->export, &d->server, err);

	if (r)
		return r;
	snprintf(d->drive, sizeof(d->drive),
		 "if=none,id=data,format=raw,cache=writeback,file.driver=nbd,"
		 "file.server.type=unix,file.server.abstract=on,file.server.path=%s",
		 nbd_server_name(d->server));
	d->words[0] = "-drive";
	d->words[1] = d->drive;
	d->words[2] = "-device";
	d->words[3] = "virtio-blk-pci,drive=data";
	return 0;
}

static struct data_disk *allocate(uint64_t bytes)
{
	struct data_disk *d = calloc(1, sizeof(*d));

	if (d)
		d->export.bytes = bytes;
	return d;
}

int data_disk_new(const char *fs, uint64_t bytes, struct data_disk **ret, struct err *err)
{
	struct data_disk *d = allocate(bytes);
	struct err ignored;
	int r = d ? volatile_disk_new(bytes, &d->disk, err)
		  : err_set(err, -ENOMEM, "out of memory");

	if (!r)
		r = make_fs(fs, volatile_disk_fd(d->disk), err);
	if (!r)
		r = volatile_disk_settle(d->disk, err);
	if (!r) {
		d->export = (struct nbd_export){.bytes = bytes,
						.arg = d,
						.read = cached_read,
						.write = cached_write,
						.zero = cached_zero,
						.flush = cached_flush};
		r = serve(d, err);
	}
	if (!r)
		*ret = d;
	else
		data_disk_end(d, &ignored);
	return r;
}

int data_disk_of_file(int fd, uint64_t bytes, struct data_disk **ret, struct err *err)
{
	struct data_disk *d = allocate(bytes);
	int r;

	if (!d)
		return err_set(err, -ENOMEM, "out of memory");
	d->fd = fd;
	d->export = (struct nbd_export){.bytes = bytes,
					.arg = d,
					.read = file_read,
					.write = file_write,
					.zero = file_zero,
					.flush = file_flush};
	r = serve(d, err);
	if (!r)
		*ret = d;
	else
		free(d);
	return r;
}

int data_disk_end(struct data_disk *d, struct err *err)
{
	int r;

	if (!d)
		return 0;
	r = nbd_server_stop(d->server, err);
	if (!r && d->failed)
		r = err_sys(err, d->failed, "what is behind it failed");
	volatile_disk_free(d->disk);
	free(d);
	return r;
}

struct volatile_disk *data_disk_volatile(struct data_disk *d)
{
	return d->disk;
}

const char *const *data_disk_qemu(const struct data_disk *d)
{
	return d->words;
}

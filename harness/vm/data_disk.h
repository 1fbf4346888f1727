/* SPDX-License-Identifier: MIT */
/*
 * A disk for a guest, with a file system and with a volatile cache (volatile_disk.h). The guest
 * finds it as the first virtio disk. Or the images that cuts of such a disk have left, one behind
 * the other, as one disk without a cache of its own.
 */
#pragma once

#include "harness/util/err.h"
#include "harness/vm/volatile_disk.h"

#define DATA_DISK_DEVICE "/dev/vda"
#define DATA_DISK_FOLDER "/disk" /* where it is mounted */

extern const char *const data_disk_fs[]; /* "ext4", "xfs", NULL */

struct data_disk;

/* Makes it with a file system of data_disk_fs and serves it. -ENOPKG: there is no mkfs for that;
 * -EINVAL: it is too small. */
int data_disk_new(const char *fs, uint64_t bytes, struct data_disk **ret, struct err *err);
/* Serves what lies in a file; the descriptor stays the caller's. */
int data_disk_of_file(int fd, uint64_t bytes, struct data_disk **ret, struct err *err);
/* Ends the service. 0, or what went wrong on the way, with err. Accepts NULL. */
int data_disk_end(struct data_disk *d, struct err *err);

struct volatile_disk *data_disk_volatile(struct data_disk *d); /* NULL for a file's */
/* What makes an emulator attach it; ended by NULL; the disk's. */
const char *const *data_disk_qemu(const struct data_disk *d);

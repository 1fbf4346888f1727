// SPDX-License-Identifier: MIT
/* The data of the memory backend; see the header. */
#include "targets/ublk/ublk_store.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness/pad.h"
#include "harness/util/cleanup.h"

#define PUNCH_AT_LEAST (64u << 10) /* below that clearing is quicker than the system call */

int ublk_store_each(struct ublk_store *s, const struct ublk_access *a, ublk_piece piece, void *arg)
{
	uint64_t pad = a->pad;
	uint32_t done = 0;
	int r = 0;

	while (done < a->bytes && !r) {
		uint64_t offset = a->offset + done;
		uint64_t reach = ublk_locks_reach(s->locks, offset);
		uint32_t bytes = (uint32_t)min_of((uint64_t)(a->bytes - done), reach);
		unsigned lock = ublk_locks_index(s->locks, offset);

		ublk_locks_take(s->locks, lock, a->counts);
		pad_spin(pad);
		r = piece(arg, s->memory + offset, bytes, done);
		ublk_locks_release(s->locks, lock);
		pad = 0;
		done += bytes;
	}
	return r;
}

int ublk_store_read(void *buf, char *data, uint32_t bytes, uint32_t done)
{
	memcpy((char *)buf + done, data, bytes);
	return 0;
}

int ublk_store_write(void *buf, char *data, uint32_t bytes, uint32_t done)
{
	memcpy(data, (char *)buf + done, bytes);
	return 0;
}

int ublk_store_clear(void *arg, char *data, uint32_t bytes, uint32_t done)
{
	const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	char *from = (char *)(((uintptr_t)data + page - 1) & ~(page - 1));
	char *to = (char *)(((uintptr_t)data + bytes) & ~(page - 1));

	(void)arg;
	(void)done;
	if (bytes < PUNCH_AT_LEAST || from >= to) {
		memset(data, 0, bytes);
		return 0;
	}
	memset(data, 0, (size_t)(from - data));
	memset(to, 0, (size_t)(data + bytes - to));
	return madvise(from, (size_t)(to - from), MADV_REMOVE) ? -errno : 0;
}

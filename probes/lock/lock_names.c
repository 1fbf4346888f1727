// SPDX-License-Identifier: MIT
/*
 * The functions of kernel/locking/ by name: their sections (.spinlock.text, .sched.text) would tell
 * them as well, but inlined parts of paravirtual locks lie outside and the scheduler's functions
 * inside. Families are named by prefix, short names in full, so that "up_write" is a lock's and
 * "update_curr" is not.
 */
#include "probes/lock/lock_names.h"

#include <stddef.h>
#include <string.h>

#include "harness/util/cleanup.h"

const char *const lock_type_names[LOCK_TYPES] = {
	[LOCK_SPIN] = "spin",
	[LOCK_MUTEX] = "mutex",
	[LOCK_RWSEM_READ] = "rwsem-read",
	[LOCK_RWSEM_WRITE] = "rwsem-write",
	[LOCK_RWLOCK_READ] = "rwlock-read",
	[LOCK_RWLOCK_WRITE] = "rwlock-write",
	[LOCK_RTMUTEX] = "rtmutex",
	[LOCK_PERCPU_READ] = "percpu-rwsem-read",
	[LOCK_PERCPU_WRITE] = "percpu-rwsem-write",
	[LOCK_SEMAPHORE] = "semaphore",
};

const char *const futex_operation_names[FUTEX_OPS] = {
	[FUTEX_OP_WAIT] = "wait",
	[FUTEX_OP_WAKE] = "wake",
	[FUTEX_OP_FD] = "fd",
	[FUTEX_OP_REQUEUE] = "requeue",
	[FUTEX_OP_CMP_REQUEUE] = "cmp_requeue",
	[FUTEX_OP_WAKE_OP] = "wake_op",
	[FUTEX_OP_LOCK_PI] = "lock_pi",
	[FUTEX_OP_UNLOCK_PI] = "unlock_pi",
	[FUTEX_OP_TRYLOCK_PI] = "trylock_pi",
	[FUTEX_OP_WAIT_BITSET] = "wait_bitset",
	[FUTEX_OP_WAKE_BITSET] = "wake_bitset",
	[FUTEX_OP_WAIT_REQUEUE_PI] = "wait_requeue_pi",
	[FUTEX_OP_CMP_REQUEUE_PI] = "cmp_requeue_pi",
	[FUTEX_OP_LOCK_PI2] = "lock_pi2",
	[FUTEX_OP_OTHER] = "other",
	[FUTEX_OP_SYS_WAIT] = "futex_wait",
	[FUTEX_OP_SYS_WAITV] = "futex_waitv",
	[FUTEX_OP_SYS_WAKE] = "futex_wake",
	[FUTEX_OP_SYS_REQUEUE] = "futex_requeue",
};

static const char *const families[] = {
	"__down_",	  "__mutex_",	       "__percpu_down_", "__percpu_up_",   "__pv_queued_",
	"__raw_read_",	  "__raw_spin_",       "__raw_write_",	 "__rt_mutex_",	   "__rwsem_",
	"__up_",	  "__ww_mutex_",       "_raw_read_",	 "_raw_spin_",	   "_raw_write_",
	"down_read",	  "down_write",	       "do_raw_",	 "mutex_lock",	   "mutex_unlock",
	"mutex_spin_on_", "mutex_optimistic_", "mutex_trylock",	 "native_queued_", "osq_",
	"percpu_down_",	  "percpu_is_read_",   "percpu_rwsem_",	 "percpu_up_",	   "pv_queued_",
	"queued_read_",	  "queued_spin_",      "queued_write_",	 "rt_mutex_",	   "rt_read_",
	"rt_spin_",	  "rt_write_",	       "rtlock_",	 "rwbase_",	   "rwsem_",
	"ww_mutex_",
};
/* Not of kernel/locking/, but all they do is to take a lock. */
static const char *const takers[] = {
	"raw_spin_rq_",
	"__task_rq_",
	"task_rq_",
	"double_rq_",
	"double_lock_",
	"_double_lock",
	"lock_timer_",
	"lock_hrtimer_",
	"folio_lruvec_lock",
	"pte_offset_map_lock",
	"__pte_offset_map_lock",
};
static const char *const names[] = {
	"___down_common",
	"__down",
	"__up",
	"down",
	"down_interruptible",
	"down_killable",
	"down_timeout",
	"down_trylock",
	"up",
	"up_read",
	"up_write",
	"downgrade_write",
	"resilient_queued_spin_lock_slowpath",
	"virt_spin_lock",
	"_atomic_dec_and_lock",
	"_atomic_dec_and_lock_irqsave",
};

static bool begins_as(const char *function, const char *const *prefixes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strncmp(function, prefixes[i], strlen(prefixes[i])))
			return true;
	return false;
}

bool lock_is_own(const char *function)
{
	if (begins_as(function, families, array_size(families)) ||
	    begins_as(function, takers, array_size(takers)))
		return true;
	for (unsigned i = 0; i < array_size(names); i++)
		if (!strcmp(function, names[i]))
			return true;
	return false;
}

/* SPDX-License-Identifier: MIT */
/* Leaf groups of the cgroup v2 hierarchy, below the one this process is in (cgroups(7)). */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "harness/util/err.h"

/* Makes <mount>/<own group>/<name>, writes its path. -EOPNOTSUPP without a v2 mount. */
int cgroup_make(const char *name, char *path, size_t size, struct err *err);
/* CPU time of all that are or were in this process's own group. -ENOENT unless its name begins with
 * `prefix`: another group is not ours alone. */
int cgroup_cpu_ns(const char *prefix, uint64_t *ret);
/* The same of the group at `path`. -ENOENT. */
int cgroup_cpu_ns_of(const char *path, uint64_t *ret);
/* SIGKILL to every member at once (cgroup.kill, Linux 5.14). */
int cgroup_kill(const char *path);
/* Removes the group; waits shortly for members that are still dying. */
int cgroup_remove(const char *path);
/* Kills and removes groups named `<prefix>PID...` beside us whose process PID is gone, and adds
 * their number to *count. No v2 hierarchy: nothing to do. */
int cgroup_sweep(const char *prefix, unsigned *count, struct err *err);

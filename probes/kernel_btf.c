// SPDX-License-Identifier: MIT
/*
 * For every tracepoint X the kernel's BTF has a typedef btf_trace_X: a pointer to a function whose
 * first parameter is the tracer's own, and whose others are those of the tracepoint.
 */
#include "probes/kernel_btf.h"

#include <bpf/btf.h>
#include <errno.h>
#include <stdio.h>

/* Megabytes, which take milliseconds to read, and never change. */
static const struct btf *kernel_btf(void)
{
	static struct btf *btf;

	if (!btf)
		btf = btf__load_vmlinux_btf();
	return btf;
}

int kernel_btf_args(const char *tracepoint, struct err *err)
{
	const struct btf *btf = kernel_btf();
	const struct btf_type *t;
	char name[64];
	int id;

	if (!btf)
		return err_set(err, -EOPNOTSUPP, "this kernel has no BTF");
	snprintf(name, sizeof(name), "btf_trace_%s", tracepoint);
	id = btf__find_by_name_kind(btf, name, BTF_KIND_TYPEDEF);
	t = id < 0 ? NULL : btf__type_by_id(btf, btf__type_by_id(btf, (__u32)id)->type);
	t = t && btf_is_ptr(t) ? btf__type_by_id(btf, t->type) : NULL;
	if (!t || !btf_is_func_proto(t))
		return err_set(err, -ENOENT, "this kernel has no tracepoint %s", tracepoint);
	return btf_vlen(t) - 1;
}

// SPDX-License-Identifier: MIT
/*
 * For every tracepoint X the kernel's BTF has a typedef btf_trace_X: a pointer to a function whose
 * first parameter is the tracer's own, and whose others are those of the tracepoint.
 */
#include "probes/cqe_shape.h"

#include <bpf/btf.h>
#include <errno.h>
#include <stdio.h>

#include "harness/util/cleanup.h"

static void btf_freep(struct btf **b)
{
	btf__free(*b);
}

/* How many arguments a tracepoint has; -1: there is none of that name. */
static int arguments(const struct btf *btf, const char *tracepoint)
{
	const struct btf_type *t;
	char name[64];
	int id;

	snprintf(name, sizeof(name), "btf_trace_%s", tracepoint);
	id = btf__find_by_name_kind(btf, name, BTF_KIND_TYPEDEF);
	t = id < 0 ? NULL : btf__type_by_id(btf, btf__type_by_id(btf, (__u32)id)->type);
	t = t && btf_is_ptr(t) ? btf__type_by_id(btf, t->type) : NULL;
	return t && btf_is_func_proto(t) ? btf_vlen(t) - 1 : -1;
}

int cqe_shape_read(struct cqe_shape *ret, struct err *err)
{
	__attribute__((cleanup(btf_freep))) struct btf *btf = btf__load_vmlinux_btf();
	int complete;

	if (!btf)
		return err_set(err, -EOPNOTSUPP, "this kernel has no BTF");
	complete = arguments(btf, "io_uring_complete");
	*ret = (struct cqe_shape){
		.submit_req = arguments(btf, "io_uring_submit_req") >= 1,
		.submit_sqe = arguments(btf, "io_uring_submit_sqe") >= 1,
		.complete_cqe = complete == 3,
		.req_failed = arguments(btf, "io_uring_req_failed") == 3,
	};
	if (complete < 0)
		return err_set(err, -EOPNOTSUPP, "this kernel has no tracepoint io_uring_complete");
	if (complete != 3 && complete != 7)
		return err_set(err, -EOPNOTSUPP,
			       "this kernel's io_uring_complete has %d arguments: neither 3 (Linux "
			       "6.18) nor 7 (6.1)",
			       complete);
	if (!ret->submit_req && !ret->submit_sqe)
		return err_set(err, -EOPNOTSUPP,
			       "this kernel has neither io_uring_submit_req nor "
			       "io_uring_submit_sqe");
	return 0;
}

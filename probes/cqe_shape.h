/* SPDX-License-Identifier: MIT */
/* Which shapes this kernel's tracepoints have, by its BTF: never by its version. */
#pragma once

#include <stdbool.h>

#include "harness/util/err.h"

struct cqe_shape {
	bool submit_req, submit_sqe; /* io_uring_submit_req (6.3), io_uring_submit_sqe */
	bool complete_cqe;	     /* io_uring_complete(ctx, req, cqe), else with 7 arguments */
	bool req_failed;
};

/* -EOPNOTSUPP with the reason when there is no BTF, or nothing in it that fits. */
int cqe_shape_read(struct cqe_shape *ret, struct err *err);

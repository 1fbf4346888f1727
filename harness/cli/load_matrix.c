// SPDX-License-Identifier: MIT
/* The verbs' common way to a matrix. */
#include "harness/cli/load_matrix.h"

#include <stdio.h>
#include <stdlib.h>

#include "harness/matrix/diag.h"
#include "harness/util/cleanup.h"

int load_matrix(const struct registry *reg, const char *path, struct matrix **ret)
{
	_cleanup_free_ struct diag *diag = calloc(1, sizeof(*diag));
	int r;

	if (!diag)
		return verb_fail(EXITCODE_FAILURE, "out of memory");
	r = matrix_load(reg, path, diag, ret);
	diag_write_errors(diag, stderr);
	diag_write_notes(diag, stderr);
	return r ? EXITCODE_USAGE : VERB_GO_ON;
}

void cleanup_matrix(struct matrix **m)
{
	matrix_free(*m);
}

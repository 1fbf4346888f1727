// SPDX-License-Identifier: MIT
/* uhbench validate MATRIX: everything that is wrong with a matrix, or how large it is. */
#include "harness/cli/verbs.h"

#include <inttypes.h>

#include "harness/cli/load_matrix.h"
#include "harness/util/cleanup.h"
#include "harness/util/nsec.h"

/* Set-up and teardown of nop/null (ci/peers measures them); other workloads take longer. */
#define RUN_OVERHEAD_NS (20 * NSEC_PER_MSEC)

static void print_count(uint64_t n, const char *what)
{
	printf("%" PRIu64 " %s%s, ", n, what, n == 1 ? "" : "s");
}

static void print_size(const struct matrix *m)
{
	uint64_t runs = m->n_cells * m->repeats;
	uint64_t seconds = runs * (m->warmup_ns + m->duration_ns + RUN_OVERHEAD_NS) / NSEC_PER_SEC;

	printf("%s: ", m->name);
	print_count(m->n_cells, "cell");
	print_count(m->repeats, "repeat");
	print_count(runs, "run");
	printf("at least %" PRIu64 ":%02" PRIu64 ":%02" PRIu64 "\n", seconds / 3600,
	       seconds / 60 % 60, seconds % 60);
}

static int validate_run(const struct registry *reg, int argc, char **argv)
{
	_cleanup_(cleanup_matrix) struct matrix *m = NULL;
	const char *operands[1];
	int rc = verb_parse(&cmd_validate, argc, argv, NULL, operands);

	if (rc == VERB_GO_ON)
		rc = load_matrix(reg, operands[0], &m);
	if (rc != VERB_GO_ON)
		return rc;
	print_size(m);
	return EXITCODE_OK;
}

const struct verb cmd_validate = {
	.name = "validate",
	.help = "check a matrix and say how large it is",
	.operands = "MATRIX",
	.operands_min = 1,
	.operands_max = 1,
	.run = validate_run,
};

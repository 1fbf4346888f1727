// SPDX-License-Identifier: MIT
/* uhbench validate MATRIX: everything that is wrong with a matrix, or how large it is. */
#include "harness/cli/verbs.h"

#include <inttypes.h>
#include <stdlib.h>

#include "harness/cli/load_matrix.h"
#include "harness/util/cleanup.h"
#include "harness/util/nsec.h"

/* Set-up and teardown of nop/null (ci/peers measures them); other workloads take longer. */
#define RUN_OVERHEAD_NS (20 * NSEC_PER_MSEC)

static void print_count(uint64_t n, const char *what)
{
	printf("%" PRIu64 " %s%s, ", n, what, n == 1 ? "" : "s");
}

static uint64_t all_runs(const struct matrix *m)
{
	return m->n_cells * m->repeats + matrix_probed_runs(m, m->repeats);
}

static uint64_t least_seconds(const struct matrix *m)
{
	uint64_t each = m->warmup_ns + m->duration_ns + RUN_OVERHEAD_NS;

	return all_runs(m) * each / NSEC_PER_SEC;
}

static void print_size(const struct matrix *m)
{
	uint64_t seconds = least_seconds(m), probed = matrix_probed_runs(m, m->repeats);

	printf("%s: ", m->name);
	print_count(m->n_cells, "cell");
	print_count(m->repeats, "repeat");
	print_count(all_runs(m), "run");
	if (probed)
		printf("%" PRIu64 " of them probed, ", probed);
	printf("at least %" PRIu64 ":%02" PRIu64 ":%02" PRIu64 "\n", seconds / 3600,
	       seconds / 60 % 60, seconds % 60);
}

/* `m` is NULL when the matrix is refused. */
static int print_json(const struct matrix *m, const struct diag *diag)
{
	_cleanup_json_ cJSON *o = cJSON_CreateObject();
	int rc;

	cJSON_AddBoolToObject(o, "valid", m != NULL);
	cJSON_AddItemToObject(o, "errors", diag_json(&diag->errors));
	cJSON_AddItemToObject(o, "notes", diag_json(&diag->notes));
	if (m) {
		cJSON_AddStringToObject(o, "name", m->name);
		cJSON_AddStringToObject(o, "matrix_hash", m->hash);
		cJSON_AddNumberToObject(o, "cells", (double)m->n_cells);
		cJSON_AddNumberToObject(o, "repeats", (double)m->repeats);
		cJSON_AddNumberToObject(o, "runs", (double)all_runs(m));
		cJSON_AddNumberToObject(o, "probed_runs",
					(double)matrix_probed_runs(m, m->repeats));
		cJSON_AddNumberToObject(o, "seconds_at_least", (double)least_seconds(m));
	}
	rc = verb_print_json(o);
	return rc == EXITCODE_OK && !m ? EXITCODE_USAGE : rc;
}

static int validate_json(const struct registry *reg, const char *path)
{
	_cleanup_free_ struct diag *diag = calloc(1, sizeof(*diag));
	_cleanup_(cleanup_matrix) struct matrix *m = NULL;

	if (!diag)
		return verb_fail(EXITCODE_FAILURE, "out of memory");
	matrix_load(reg, path, diag, &m);
	return print_json(m, diag);
}

struct validate_options {
	bool json;
};

static const struct option_row validate_rows[] = {
	{.name = "json",
	 .kind = OPTION_FLAG,
	 .offset = offsetof(struct validate_options, json),
	 .help = "print JSON: {valid, errors: [{line, column, text}], notes, name, cells, runs, ...}"},
	OPTION_END,
};

static int validate_run(const struct registry *reg, int argc, char **argv)
{
	_cleanup_(cleanup_matrix) struct matrix *m = NULL;
	struct validate_options o = {.json = false};
	const char *operands[1];
	int rc = verb_parse(&cmd_validate, argc, argv, &o, operands);

	if (rc == VERB_GO_ON && o.json)
		return validate_json(reg, operands[0]);
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
	.operands = "MATRIX|-",
	.operands_min = 1,
	.operands_max = 1,
	.options = validate_rows,
	.run = validate_run,
};

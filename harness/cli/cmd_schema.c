// SPDX-License-Identifier: MIT
/* uhbench schema: the JSON Schema of matrix.json, on stdout. */
#include "harness/cli/verbs.h"

#include "harness/matrix/schema.h"
#include "harness/util/cleanup.h"

static int schema_run(const struct registry *reg, int argc, char **argv)
{
	_cleanup_json_ cJSON *schema = NULL;
	int rc = verb_parse(&cmd_schema, argc, argv, NULL, NULL);

	if (rc != VERB_GO_ON)
		return rc;
	schema = schema_make(reg);
	return verb_print_json(schema);
}

const struct verb cmd_schema = {
	.name = "schema",
	.help = "print the JSON Schema of matrix.json",
	.run = schema_run,
};

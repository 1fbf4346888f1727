// SPDX-License-Identifier: MIT
/*
 * uhbench child: one run in this process, told and answered over the pipes of protocol.h. Not for
 * people; a session starts it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "harness/cli/verbs.h"
#include "harness/drive/execute.h"
#include "harness/host/hostinfo.h"
#include "harness/protocol.h"
#include "harness/util/cleanup.h"
#include "harness/util/fs.h"

static int child_run(const struct registry *reg, int argc, char **argv)
{
	_cleanup_free_ char *text = NULL, *answer = NULL;
	_cleanup_json_ cJSON *request = NULL, *response = NULL;
	int r, rc = verb_parse(&cmd_child, argc, argv, NULL, NULL);

	if (rc != VERB_GO_ON)
		return rc;
	if (fcntl(PROTOCOL_REQUEST_FD, F_SETFD, FD_CLOEXEC) ||
	    fcntl(PROTOCOL_RESPONSE_FD, F_SETFD, FD_CLOEXEC))
		return verb_fail(EXITCODE_USAGE, "child: started by a session only, which gives it "
						 "descriptors 3 and 4");
	r = fs_read_all(PROTOCOL_REQUEST_FD, PROTOCOL_MAX_BYTES, &text, NULL);
	if (r)
		return verb_fail(EXITCODE_FAILURE, "child: request: %s", strerror(-r));
	request = cJSON_Parse(text);
	if (!request)
		return verb_fail(EXITCODE_FAILURE, "child: the request is not JSON");
	response = execute(reg, request);
	cJSON_AddStringToObject(response, "uhbench", UHBENCH_VERSION);
	cJSON_AddStringToObject(response, "revision", hostinfo_revision());
	answer = cJSON_PrintUnformatted(response);
	if (!answer)
		return verb_fail(EXITCODE_FAILURE, "child: out of memory");
	r = fs_write_all(PROTOCOL_RESPONSE_FD, answer, strlen(answer));
	if (r)
		return verb_fail(EXITCODE_FAILURE, "child: response: %s", strerror(-r));
	return EXITCODE_OK;
}

const struct verb cmd_child = {
	.name = "child",
	.help = "one run, told and answered over pipes by a session",
	.hidden = true,
	.run = child_run,
};

// SPDX-License-Identifier: MIT
/*
 * uhbench replay ACKS: what a run that died has left, judged by what it had acknowledged. The
 * stream says which workload's run it was; that workload's oracle knows the rest. Judging changes
 * nothing: it may be done again, and on a copy.
 *
 * uhbench replay DIR: the verdicts of a gate from the pairs that it measured, the same bytes again.
 */
#include "harness/cli/verbs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "harness/paired/paired.h"
#include "harness/util/acks.h"
#include "harness/util/cleanup.h"
#include "harness/util/fs.h"

#define STREAM_MAX ((size_t)1 << 30)

static const struct {
	int code; /* what workload_ops.replay returns */
	const char *verdict;
	enum exitcode exit;
} outcomes[] = {
	{0, "kept", EXITCODE_OK},
	{-EBADMSG, "lost", EXITCODE_LOST},
	{-ENODATA, "nothing-acknowledged", EXITCODE_INCONCLUSIVE},
	{-EOVERFLOW, "unknown", EXITCODE_INCONCLUSIVE},
};

static int read_stream(const char *path, char **ret, size_t *ret_len, struct err *err)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	int r = fd < 0 ? -errno : fs_read_all(fd, STREAM_MAX, ret, ret_len);

	return r < 0 ? err_set(err, r, "%s", strerror(-r)) : 0;
}

static int judge(const struct registry *reg, const struct acks *acks, cJSON *verdict,
		 struct err *err)
{
	const struct workload_ops *workload = registry_workload(reg, acks->name);

	if (!workload || !workload->replay)
		return err_set(err, -EINVAL, "runs of the workload \"%s\" cannot be replayed",
			       acks->name);
	return workload->replay(acks, verdict, err);
}

static void print_text(const cJSON *verdict, const char *cell)
{
	const cJSON *item;

	printf("%s", cell);
	cJSON_ArrayForEach (item, verdict) {
		if (cJSON_IsNumber(item) && item->valuedouble > 0)
			printf(", %.0f %s", item->valuedouble, item->string);
	}
	printf(": %s\n", cJSON_GetStringValue(cJSON_GetObjectItem(verdict, "verdict")));
}

static int print_json(const cJSON *verdict)
{
	_cleanup_free_ char *text = cJSON_PrintUnformatted(verdict);

	if (!text)
		return verb_fail(EXITCODE_FAILURE, "out of memory");
	puts(text);
	return 0;
}

/* No verdict: who reads JSON gets that, too. */
static int tell_error(enum exitcode code, const struct err *why, const char *path, bool json)
{
	_cleanup_json_ cJSON *o = cJSON_CreateObject();

	cJSON_AddStringToObject(o, "verdict", "error");
	cJSON_AddStringToObject(o, "reason", why->text);
	if (json && print_json(o))
		return EXITCODE_FAILURE;
	return verb_fail(code, "%s: %s", path, why->text);
}

/* Says the outcome, and returns the exit code that stands for it. */
static int tell(int code, const struct err *why, const char *path, const char *cell, bool json,
		cJSON *verdict)
{
	for (size_t i = 0; i < array_size(outcomes); i++) {
		if (outcomes[i].code != code)
			continue;
		cJSON_AddStringToObject(verdict, "verdict", outcomes[i].verdict);
		cJSON_AddStringToObject(verdict, "reason", code ? why->text : "");
		if (json && print_json(verdict))
			return EXITCODE_FAILURE;
		if (!json)
			print_text(verdict, cell);
		return code ? verb_fail(outcomes[i].exit, "%s: %s", path, why->text) : EXITCODE_OK;
	}
	return tell_error(code == -EINVAL ? EXITCODE_USAGE : EXITCODE_FAILURE, why, path, json);
}

static int replay(const struct registry *reg, const char *path, bool json)
{
	_cleanup_json_ cJSON *verdict = cJSON_CreateObject();
	_cleanup_(acks_free) struct acks acks = {.run = NULL};
	_cleanup_free_ char *text = NULL;
	const char *cell;
	struct err err;
	size_t len;

	int r = read_stream(path, &text, &len, &err);

	if (r < 0)
		return tell_error(EXITCODE_USAGE, &err, path, json);
	r = acks_newest(text, len, &acks, &err);
	if (r < 0 && r != -ENODATA)
		return tell_error(EXITCODE_USAGE, &err, path, json);
	cell = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(acks.run, "cell"));
	cell = cell ? cell : "no run";
	cJSON_AddStringToObject(verdict, "cell", cell);
	if (r == 0)
		r = judge(reg, &acks, verdict, &err);
	return tell(r, &err, path, cell, json, verdict);
}

static bool is_folder(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISDIR(st.st_mode);
}

static int replay_gate(const char *dir, bool json)
{
	_cleanup_json_ cJSON *verdicts = NULL;
	struct err err = {""};
	int r;

	if (!paired_is_folder(dir)) {
		err_set(&err, 0, "the folder holds no gate: it has no gate.json");
		return tell_error(EXITCODE_USAGE, &err, dir, json);
	}
	r = paired_analyse(dir, &verdicts, &err);
	if (r)
		return tell_error(EXITCODE_FAILURE, &err, dir, json);
	if (json && print_json(verdicts))
		return EXITCODE_FAILURE;
	if (!json)
		printf("%s: %s\n",
		       cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(verdicts, "verdict")),
		       cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(verdicts, "line")));
	return (int)cJSON_GetObjectItemCaseSensitive(verdicts, "exit_code")->valuedouble;
}

struct replay_options {
	bool json;
};

static const struct option_row replay_rows[] = {
	{.name = "json",
	 .kind = OPTION_FLAG,
	 .offset = offsetof(struct replay_options, json),
	 .help = "print JSON: a gate's verdicts.json, or {cell, verdict, reason, acknowledged, replayed, missing, ...}, or {verdict: error, reason}"},
	OPTION_END,
};

static int replay_run(const struct registry *reg, int argc, char **argv)
{
	struct replay_options o = {.json = false};
	const char *operands[1];
	int rc = verb_parse(&cmd_replay, argc, argv, &o, operands);

	if (rc != VERB_GO_ON)
		return rc;
	if (is_folder(operands[0]))
		return replay_gate(operands[0], o.json);
	return replay(reg, operands[0], o.json);
}

const struct verb cmd_replay = {
	.name = "replay",
	.help = "judge again: a gate by its pairs (DIR), or the log of a run that died by the "
		"acknowledgements it had sent (wal: `acks`)",
	.operands = "DIR|ACKS",
	.operands_min = 1,
	.operands_max = 1,
	.options = replay_rows,
	.run = replay_run,
};

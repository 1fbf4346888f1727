// SPDX-License-Identifier: MIT
/* Reading a stream of acknowledgements; see the header. */
#include "harness/util/acks.h"

#include <errno.h>
#include <string.h>

size_t acks_whole(const char *text, size_t len)
{
	const char *last = len ? memrchr(text, '\n', len) : NULL;

	return last ? (size_t)(last - text) + 1 : 0;
}

/* The start of the last line that opens a run; NULL when there is none. */
static const char *last_head(const char *text, size_t len)
{
	const char *head = len && *text == '#' ? text : NULL, *at = text;

	while ((at = memmem(at, (size_t)(text + len - at), "\n#", 2)))
		head = ++at;
	return head;
}

/* "# NAME JSON\n" */
static int read_head(const char *head, const char *end, struct acks *acks, struct err *err)
{
	const char *name = head + 2, *space = memchr(head, '\n', (size_t)(end - head));
	size_t line = (size_t)(space - head);

	space = line > 2 && head[1] == ' ' ? memchr(name, ' ', line - 2) : NULL;
	if (!space || space == name || space - name >= ACKS_NAME_MAX)
		return err_set(err, -EBADMSG, "\"%.*s\" is not \"# WORKLOAD JSON\"",
			       (int)(line < 60 ? line : 60), head);
	memcpy(acks->name, name, (size_t)(space - name));
	acks->run = cJSON_ParseWithLength(space + 1, line - (size_t)(space + 1 - head));
	if (!cJSON_IsObject(acks->run))
		return err_set(err, -EBADMSG, "what follows \"# %s\" is no JSON object",
			       acks->name);
	acks->lines = head + line + 1;
	acks->len = (size_t)(end - acks->lines);
	return 0;
}

int acks_newest(const char *text, size_t len, struct acks *ret, struct err *err)
{
	struct acks acks = {.run = NULL};
	const char *head;
	int r;

	len = acks_whole(text, len);
	if (!len)
		return err_set(err, -ENODATA, "no run has begun");
	if (*text != '#')
		return err_set(err, -EBADMSG,
			       "this is no stream of acknowledgements: it begins "
			       "with \"# WORKLOAD JSON\"");
	head = last_head(text, len);
	r = read_head(head, text + len, &acks, err);
	if (r < 0) {
		acks_free(&acks);
		return r;
	}
	*ret = acks;
	return 0;
}

void acks_free(struct acks *acks)
{
	cJSON_Delete(acks->run);
	acks->run = NULL;
}

// SPDX-License-Identifier: MIT
/* One word says of which kind the condition is; what follows it is checked here and used by the
 * targets. */
#include "workloads/command_ready.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "harness/util/cleanup.h"
#include "harness/util/json.h"
#include "harness/util/units.h"

static const struct {
	const char *prefix;
	enum command_ready_kind kind;
} kinds[] = {
	{"path:", READY_PATH}, {"tcp:", READY_TCP}, {"udp:", READY_UDP}, {"line:", READY_LINE}};

/* HOST:PORT, [ADDRESS]:PORT, or :PORT for this machine. */
static int read_address(const char *text, struct command_ready *ready, struct err *err)
{
	const char *colon = strrchr(text, ':'), *host = text;
	char shown[JSON_SHOW_MAX];
	uint64_t port;
	size_t len;

	if (!colon || units_parse_uint(colon + 1, &port) || !port || port > 65535)
		return err_set(err, -EINVAL, "%s is not HOST:PORT with a port of 1 to 65535",
			       json_quote(text, shown));
	len = (size_t)(colon - text);
	if (len >= 2 && host[0] == '[' && host[len - 1] == ']') {
		host++;
		len -= 2;
	} else if (memchr(host, ':', len)) {
		return err_set(err, -EINVAL, "%s: an IPv6 address stands in [ ]",
			       json_quote(text, shown));
	}
	memcpy(ready->host, len ? host : "127.0.0.1", len ? len : strlen("127.0.0.1"));
	strcpy(ready->port, colon + 1 + strspn(colon + 1, "0"));
	return 0;
}

static int read_line(const char *text, struct command_ready *ready, struct err *err)
{
	char why[160];
	int code = regcomp(&ready->line, text, REG_EXTENDED | REG_NOSUB);

	if (!code)
		return 0;
	ready->kind = READY_AT_ONCE; /* nothing to free */
	regerror(code, &ready->line, why, sizeof(why));
	return err_set(err, -EINVAL, "not a regular expression: %s", why);
}

int command_ready_read(const char *text, struct command_ready *ret, struct err *err)
{
	char shown[JSON_SHOW_MAX];
	const char *rest = NULL;

	memset(ret, 0, sizeof(*ret));
	if (!*text)
		return 0;
	strncpy(ret->text, text, sizeof(ret->text) - 1);
	for (size_t i = 0; i < array_size(kinds); i++) {
		if (strncmp(text, kinds[i].prefix, strlen(kinds[i].prefix)))
			continue;
		ret->kind = kinds[i].kind;
		rest = text + strlen(kinds[i].prefix);
	}
	if (!rest)
		return err_set(err, -EINVAL, "%s does not begin with path:, tcp:, udp: or line:",
			       json_quote(text, shown));
	if (!*rest)
		return err_set(err, -EINVAL, "nothing follows %s", text);
	if (ret->kind == READY_LINE)
		return read_line(rest, ret, err);
	if (ret->kind == READY_PATH) {
		strncpy(ret->path, rest, sizeof(ret->path) - 1);
		return 0;
	}
	return read_address(rest, ret, err);
}

void command_ready_clear(struct command_ready *ready)
{
	if (ready->kind == READY_LINE)
		regfree(&ready->line);
	ready->kind = READY_AT_ONCE;
}

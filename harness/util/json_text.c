// SPDX-License-Identifier: MIT
/* JSON for people: paths, places, values in messages; and reading a file that may be anything. */
#include "harness/util/json.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "harness/util/cleanup.h"
#include "harness/util/fs.h"

void json_path_key(struct json_path *path, const char *key)
{
	size_t n = strnlen(key, JSON_KEY_MAX);

	/* Whole characters only, and none that would steer a terminal. */
	while (n && key[n] && ((unsigned char)key[n] & 0xc0) == 0x80)
		n--;
	if (path->len + 1 + n >= sizeof(path->text))
		return;
	if (path->len)
		path->text[path->len++] = '.';
	for (size_t i = 0; i < n; i++)
		path->text[path->len++] = iscntrl((unsigned char)key[i]) ? '?' : key[i];
	path->text[path->len] = 0;
}

void json_path_index(struct json_path *path, size_t index)
{
	size_t room = sizeof(path->text) - path->len;
	int n = snprintf(path->text + path->len, room, "[%zu]", index);

	path->len += min_of((size_t)n, room - 1);
}

void json_path_cut(struct json_path *path, size_t len)
{
	path->len = len;
	path->text[len] = 0;
}

struct json_place json_place_of(const char *text, size_t len, size_t offset)
{
	struct json_place place = {.line = 1, .column = 1};

	for (size_t i = 0; i < min_of(len, offset); i++) {
		if (text[i] == '\n') {
			place.line++;
			place.column = 1;
		} else if (((unsigned char)text[i] & 0xc0) != 0x80) {
			place.column++;
		}
	}
	return place;
}

int json_read(const char *path, char **ret, size_t *ret_len, struct err *err)
{
	_cleanup_close_ int opened = -1;
	int fd = STDIN_FILENO, rc;

	if (strcmp(path, "-")) {
		fd = opened = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			return err_sys(err, -errno, "cannot open it");
	}
	rc = fs_read_all(fd, JSON_BYTES_MAX, ret, ret_len);
	if (rc == -EFBIG)
		return err_set(err, rc, "it is larger than %zu MiB", JSON_BYTES_MAX >> 20);
	if (rc < 0)
		return err_sys(err, rc, "cannot read it");
	return 0;
}

const char *json_quote(const char *text, char buf[static JSON_SHOW_MAX])
{
	size_t len = 0, room = JSON_SHOW_MAX - 8; /* for an escape, dots, quote and NUL */

	buf[len++] = '"';
	for (; *text && len < room; text++) {
		unsigned char c = (unsigned char)*text;

		/* A terminal must not be steered by what a file holds. */
		if (c < 0x20 || c == 0x7f)
			len += (size_t)snprintf(buf + len, JSON_SHOW_MAX - len, "\\u%04x", c);
		else
			buf[len++] = *text;
	}
	/* Not in the middle of a character. */
	while (*text && ((unsigned char)*text & 0xc0) == 0x80 && len > 1) {
		text--;
		len--;
	}
	strcpy(buf + len, *text ? "...\"" : "\"");
	return buf;
}

const char *json_show(const cJSON *value, char buf[static JSON_SHOW_MAX])
{
	if (cJSON_IsString(value))
		return json_quote(value->valuestring, buf);
	if (cJSON_IsNumber(value))
		/* Exact for whatever json_check lets pass: 16 digits if whole, else 15. */
		snprintf(buf, JSON_SHOW_MAX, "%.*g",
			 value->valuedouble == floor(value->valuedouble) ? 16 : 15,
			 value->valuedouble);
	else if (cJSON_IsBool(value))
		snprintf(buf, JSON_SHOW_MAX, "%s", cJSON_IsTrue(value) ? "true" : "false");
	else
		snprintf(buf, JSON_SHOW_MAX, "%s",
			 cJSON_IsArray(value)	 ? "a list"
			 : cJSON_IsObject(value) ? "an object"
						 : "null");
	return buf;
}

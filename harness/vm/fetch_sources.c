// SPDX-License-Identifier: MIT
/*
 * Reads apt's sources in both of their formats (sources.list(5)) for one thing: the entry from
 * which this machine's own release comes, with the key that it is signed by. Everything else in
 * them (other repositories, options we have no use for) is passed over.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "harness/util/cleanup.h"
#include "harness/util/fs.h"
#include "harness/vm/fetch.h"
#include "harness/vm/tool.h"

#define FILE_MAX ((size_t)1 << 20)

/* An entry in pieces, each a value as the field has it. */
struct entry {
	char *types, *uris, *suites, *components, *signed_by, *enabled;
};

static void entry_free(struct entry *e)
{
	char **all[] = {&e->types,	&e->uris,      &e->suites,
			&e->components, &e->signed_by, &e->enabled};

	for (size_t i = 0; i < array_size(all); i++)
		free(*all[i]);
	*e = (struct entry){NULL};
}

/* Is `word` among words with space between? */
static bool has_word(const char *words, const char *word)
{
	size_t n = strlen(word);

	while (words && *words) {
		size_t k;

		words += strspn(words, " \t\n");
		k = strcspn(words, " \t\n");
		if (k == n && !strncmp(words, word, n))
			return true;
		words += k;
	}
	return false;
}

/* 1 when it is the one, 0 when not. */
static int judge(const struct entry *e, const char *codename, struct fetch_archive *ret)
{
	static const char *const release_names[] = {"stable", "oldstable", "testing", "unstable"};
	const char *suite = has_word(e->suites, codename) ? codename : NULL;

	for (size_t i = 0; i < array_size(release_names) && !suite; i++)
		if (has_word(e->suites, release_names[i]))
			suite = release_names[i];
	if (!suite || !has_word(e->types, "deb") || !has_word(e->components, "main") || !e->uris ||
	    !strncmp(e->uris, "cdrom:", 6) || (e->enabled && !strcasecmp(e->enabled, "no")))
		return 0;
	if (snprintf(ret->uris, sizeof(ret->uris), "%s", e->uris) >= (int)sizeof(ret->uris) ||
	    snprintf(ret->suite, sizeof(ret->suite), "%s", suite) >= (int)sizeof(ret->suite))
		return -ENAMETOOLONG;
	if (e->signed_by) {
		ret->signed_by = strdup(e->signed_by);
		if (!ret->signed_by)
			return -ENOMEM;
	}
	return 1;
}

/* A value ends before the first line that does not begin with a space; comments in between go. */
static char *field_value(const char *at, const char **next)
{
	const char *between = "";
	char *value = NULL;
	size_t len;
	FILE *f = open_memstream(&value, &len);

	if (!f)
		return NULL;
	at += strspn(at, " \t");
	do {
		size_t n = strcspn(at, "\n");

		if (*at != '#')
			fprintf(f, "%s%.*s", between, (int)n, at);
		between = "\n";
		at += n + (at[n] == '\n');
	} while (*at == ' ' || *at == '\t' || *at == '#');
	*next = at;
	return fclose(f) ? NULL : value;
}

static int read_stanzas(const char *text, const char *codename, struct fetch_archive *ret)
{
	_cleanup_(entry_free) struct entry e = {NULL};
	const struct {
		const char *name;
		char **value;
	} fields[] = {{"Types:", &e.types},	    {"URIs:", &e.uris},
		      {"Suites:", &e.suites},	    {"Components:", &e.components},
		      {"Signed-By:", &e.signed_by}, {"Enabled:", &e.enabled}};
	int r = 0;

	while (*text && !r) {
		size_t i = 0;

		if (*text == '\n') { /* ends a stanza */
			r = judge(&e, codename, ret);
			entry_free(&e);
			text++;
			continue;
		}
		while (i < array_size(fields) &&
		       strncasecmp(text, fields[i].name, strlen(fields[i].name)))
			i++;
		if (i < array_size(fields)) {
			free(*fields[i].value);
			*fields[i].value = field_value(text + strlen(fields[i].name), &text);
		} else {
			text += strcspn(text, "\n");
			text += *text == '\n';
		}
	}
	return r ? r : judge(&e, codename, ret);
}

/* "deb [arch=amd64 signed-by=/a,/b] URI SUITE COMPONENT..." */
static int read_line(char *line, const char *codename, struct fetch_archive *ret)
{
	_cleanup_(entry_free) struct entry e = {NULL};
	char *rest, *word, *options;

	line[strcspn(line, "#")] = 0;
	options = strchr(line, '[');
	if (options) {
		char *end = strchr(options, ']'), *by = strcasestr(options, "signed-by=");

		if (!end)
			return 0;
		if (by && by < end)
			e.signed_by = strndup(by + 10, strcspn(by + 10, " \t]"));
		for (char *c = e.signed_by; c && *c; c++)
			*c = *c == ',' ? ' ' : *c;
		memset(options, ' ', (size_t)(end - options) + 1);
	}
	word = strtok_r(line, " \t", &rest);
	e.types = word ? strdup(word) : NULL;
	word = word ? strtok_r(NULL, " \t", &rest) : NULL;
	e.uris = word ? strdup(word) : NULL;
	word = word ? strtok_r(NULL, " \t", &rest) : NULL;
	e.suites = word ? strdup(word) : NULL;
	e.components = word ? strdup(rest) : NULL;
	return judge(&e, codename, ret);
}

static int read_lines(char *text, const char *codename, struct fetch_archive *ret)
{
	char *rest;
	int r = 0;

	for (char *l = strtok_r(text, "\n", &rest); l && !r; l = strtok_r(NULL, "\n", &rest))
		r = read_line(l, codename, ret);
	return r;
}

/* 1 when the archive is in there, 0 when not or when there is no such file. */
static int read_file(const char *path, bool stanzas, const char *codename,
		     struct fetch_archive *ret, struct err *err)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	_cleanup_free_ char *text = NULL;
	int r = fd < 0 ? -errno : fs_read_all(fd, FILE_MAX, &text, NULL);

	if (r == -ENOENT)
		return 0;
	if (!r)
		r = stanzas ? read_stanzas(text, codename, ret) : read_lines(text, codename, ret);
	return r < 0 ? err_sys(err, r, "%s", path) : r;
}

static bool ends_in(const char *name, const char *end)
{
	size_t n = strlen(name), k = strlen(end);

	return n > k && !strcmp(name + n - k, end);
}

static int read_parts(const char *parts, const char *codename, struct fetch_archive *ret,
		      struct err *err)
{
	struct dirent **names;
	int n = scandir(parts, &names, NULL, alphasort), r = 0;

	for (int i = 0; i < n; i++) {
		const char *name = names[i]->d_name;
		char path[PATH_MAX];

		snprintf(path, sizeof(path), "%s/%s", parts, name);
		if (!r && (ends_in(name, ".sources") || ends_in(name, ".list")))
			r = read_file(path, ends_in(name, ".sources"), codename, ret, err);
		free(names[i]);
	}
	if (n >= 0)
		free(names);
	return r;
}

int fetch_archive_in(const char *list, const char *parts, const char *codename,
		     struct fetch_archive *ret, struct err *err)
{
	int r;

	*ret = (struct fetch_archive){.signed_by = NULL};
	r = read_file(list, false, codename, ret, err);
	if (!r)
		r = read_parts(parts, codename, ret, err);
	if (!r)
		return err_set(err, -ENOPKG,
			       "apt has no source of Debian's release %s, component main (%s, %s)",
			       codename, list, parts);
	return r < 0 ? r : 0;
}

void fetch_archive_free(struct fetch_archive *a)
{
	free(a->signed_by);
	a->signed_by = NULL;
}

/* The value of NAME='value' or NAME=value among lines. */
static void shell_value(const char *text, const char *name, char *value, size_t size)
{
	size_t n = strlen(name);

	*value = 0;
	for (; *text; text += strcspn(text, "\n"), text += *text == '\n') {
		const char *at = text + n + 1;

		if (strncmp(text, name, n) || text[n] != '=')
			continue;
		at += *at == '\'' || *at == '"';
		snprintf(value, size, "%.*s", (int)strcspn(at, "'\"\n"), at);
		return;
	}
}

int fetch_archive(struct fetch_archive *ret, struct err *err)
{
	_cleanup_free_ char *paths = NULL;
	char release[4096], codename[64], list[PATH_MAX], parts[PATH_MAX];
	int r = tool_run((const char *[]){"apt-config", "shell", "LIST", "Dir::Etc::sourcelist/f",
					  "PARTS", "Dir::Etc::sourceparts/d", NULL},
			 -1, &paths, NULL, err);

	if (r)
		return err_wrap(err, r, "kernels by name come from Debian by apt");
	shell_value(paths, "LIST", list, sizeof(list));
	shell_value(paths, "PARTS", parts, sizeof(parts));
	if (fs_read("/etc/os-release", release, sizeof(release)) <= 0)
		release[0] = 0;
	shell_value(release, "VERSION_CODENAME", codename, sizeof(codename));
	return fetch_archive_in(list, parts, *codename ? codename : "stable", ret, err);
}

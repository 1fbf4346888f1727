// SPDX-License-Identifier: MIT
/*
 * apt with a configuration file of its own (APT_CONFIG, apt.conf(5)): how to reach the network is
 * taken from the machine's configuration, where state, cache and sources are is not, and neither
 * are its hooks, which would work on the machine's own state.
 */
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "harness/util/cleanup.h"
#include "harness/util/fs.h"
#include "harness/vm/fetch.h"
#include "harness/vm/tool.h"

#define PREFIX "linux-image-"
#define SUFFIX "-cloud-amd64"

/* apt-get or another program of apt, in the folder, with our configuration. */
static int run(const struct fetch_apt *apt, const char *const *words, char **ret, struct err *err)
{
	char config[PATH_MAX];
	const char *argv[16] = {"env", "-C", apt->folder, config};
	unsigned n = 4;

	snprintf(config, sizeof(config), "APT_CONFIG=%s/apt.conf", apt->folder);
	while (*words && n < array_size(argv) - 1)
		argv[n++] = *words++;
	return tool_run(argv, -1, ret, NULL, err);
}

/* What the machine's configuration says on the network. */
static void keep_network(FILE *f, char *dump)
{
	char *rest;

	for (char *l = strtok_r(dump, "\n", &rest); l; l = strtok_r(NULL, "\n", &rest))
		if (!strncmp(l, "Acquire", 7) && strncmp(l, "Acquire::IndexTargets", 21))
			fprintf(f, "%s\n", l);
}

static int write_config(const struct fetch_apt *apt, struct err *err)
{
	_cleanup_free_ char *dump = NULL, *text = NULL;
	char path[PATH_MAX];
	size_t len;
	FILE *f;
	int r = tool_run((const char *[]){"apt-config", "dump", NULL}, -1, &dump, NULL, err);

	if (r)
		return r;
	f = open_memstream(&text, &len);
	if (!f)
		return err_set(err, -ENOMEM, "out of memory");
	keep_network(f, dump);
	fprintf(f,
		"Dir::Etc::main \"/dev/null\";\nDir::Etc::parts \"/dev/null\";\n"
		"Dir::Etc::sourcelist \"/dev/null\";\nDir::Etc::sourceparts \"%s/sources\";\n"
		"Dir::State \"%s/state\";\nDir::State::status \"/dev/null\";\n"
		"Dir::Cache \"%s/cache\";\nAPT::Architecture \"amd64\";\n"
		"APT::Sandbox::User \"root\";\n",
		apt->folder, apt->folder, apt->folder);
	if (fclose(f))
		return err_set(err, -ENOMEM, "out of memory");
	snprintf(path, sizeof(path), "%s/apt.conf", apt->folder);
	r = fs_replace(path, text, len);
	return r ? err_sys(err, r, "%s", path) : 0;
}

static int write_sources(const struct fetch_apt *apt, const struct fetch_archive *a,
			 struct err *err)
{
	_cleanup_free_ char *text = NULL;
	char path[PATH_MAX];
	int len = asprintf(&text, "Types: deb\nURIs: %s\nSuites: %s\nComponents: main\n%s%s\n",
			   a->uris, apt->suite, a->signed_by ? "Signed-By: " : "",
			   a->signed_by ? a->signed_by : ""),
	    r;

	if (len < 0)
		return err_set(err, -ENOMEM, "out of memory");
	snprintf(path, sizeof(path), "%s/sources/archive.sources", apt->folder);
	r = fs_replace(path, text, (size_t)len);
	return r ? err_sys(err, r, "%s", path) : 0;
}

static int make_folders(const struct fetch_apt *apt, struct err *err)
{
	static const char *const below[] = {"sources", "state/lists/partial",
					    "cache/archives/partial", "download"};
	int r = 0;

	for (size_t i = 0; i < array_size(below) && !r; i++) {
		char path[PATH_MAX];

		snprintf(path, sizeof(path), "%s/%s", apt->folder, below[i]);
		r = fs_mkdir_p(path);
		if (r)
			err_sys(err, r, "%s", path);
	}
	return r;
}

int fetch_apt_open(struct fetch_apt *apt, const char *cache, const struct fetch_archive *archive,
		   const char *suite, struct err *err)
{
	int r;

	if (snprintf(apt->folder, sizeof(apt->folder), "%s/apt/%s", cache, suite) >=
		    (int)sizeof(apt->folder) ||
	    snprintf(apt->suite, sizeof(apt->suite), "%s", suite) >= (int)sizeof(apt->suite))
		return err_set(err, -ENAMETOOLONG, "%s: too long a name", suite);
	r = make_folders(apt, err);
	if (!r)
		r = write_config(apt, err);
	if (!r)
		r = write_sources(apt, archive, err);
	if (!r)
		r = run(apt, (const char *[]){"apt-get", "-q", "--error-on=any", "update", NULL},
			NULL, err);
	return r ? err_wrap(err, r, "the lists of Debian's suite %s", suite) : 0;
}

/* "6.12.95+deb12" of "linux-image-6.12.95+deb12-cloud-amd64". False: it is no such package. */
static bool version_of(const char *package, char version[static FETCH_PACKAGE_MAX])
{
	size_t n = strlen(package), head = strlen(PREFIX), tail = strlen(SUFFIX);

	if (n >= FETCH_PACKAGE_MAX || n <= head + tail || strncmp(package, PREFIX, head) ||
	    strcmp(package + n - tail, SUFFIX) || !isdigit((unsigned char)package[head]))
		return false;
	snprintf(version, FETCH_PACKAGE_MAX, "%.*s", (int)(n - head - tail), package + head);
	return true;
}

static bool is_of(const char *version, const char *wanted)
{
	size_t n = strlen(wanted);

	return !n || (!strncmp(version, wanted, n) && !isdigit((unsigned char)version[n]) &&
		      (!version[n] || strchr(".-+~", version[n])));
}

/* Adds " 6.12" of "6.12.95+deb12" unless it is there. */
static int add_version(char **versions, const char *version)
{
	char word[32], *more, *at;
	size_t n = strcspn(version, ".");

	n += version[n] == '.' ? 1 + strspn(version + n + 1, "0123456789") : 0;
	snprintf(word, sizeof(word), " %.*s", (int)n, version);
	at = *versions ? strstr(*versions, word) : NULL;
	if (at && (!at[strlen(word)] || at[strlen(word)] == ' '))
		return 0;
	if (asprintf(&more, "%s%s", *versions ? *versions : "", word) < 0)
		return -ENOMEM;
	free(*versions);
	*versions = more;
	return 0;
}

int fetch_apt_newest(const struct fetch_apt *apt, const char *version,
		     char package[static FETCH_PACKAGE_MAX], char **versions, struct err *err)
{
	_cleanup_free_ char *names = NULL;
	char best[FETCH_PACKAGE_MAX] = "", have[FETCH_PACKAGE_MAX], *rest;
	int r = run(apt, (const char *[]){"apt-cache", "pkgnames", PREFIX, NULL}, &names, err);

	if (r)
		return r;
	for (char *n = strtok_r(names, "\n", &rest); n; n = strtok_r(NULL, "\n", &rest)) {
		if (!version_of(n, have))
			continue;
		if (add_version(versions, have))
			return err_set(err, -ENOMEM, "out of memory");
		if (is_of(have, version) && strverscmp(have, best) > 0) {
			snprintf(best, sizeof(best), "%s", have);
			snprintf(package, FETCH_PACKAGE_MAX, "%s", n);
		}
	}
	return *best ? 0 : -ENOENT;
}

int fetch_apt_unpack(const struct fetch_apt *apt, const char *package, const char *folder,
		     struct err *err)
{
	/* The folder of downloads is ours alone: the cache is locked. From Linux 6.16 or so on the
	 * image and its modules are packages of their own, beside the one that brings them
	 * together. */
	static const char script[] =
		"set -e; rm -rf download; mkdir download; cd download; "
		"more=$(apt-cache pkgnames linux- | "
		"sed -n \"/^linux-\\(binary\\|modules\\)-${1#linux-image-}\\$/p\"); "
		"apt-get -q download \"$1\" $more; "
		"for deb in ./*.deb; do dpkg-deb -x \"$deb\" \"$2\"; done; rm -f ./*.deb; cd \"$2\"; "
		"find . -type f ! -name SUMS.tmp -exec sha256sum {} + >SUMS.tmp; mv SUMS.tmp SUMS";
	int r = run(apt, (const char *[]){"sh", "-c", script, "sh", package, folder, NULL}, NULL,
		    err);

	return r ? err_wrap(err, r, "package %s", package) : 0;
}

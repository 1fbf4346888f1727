// SPDX-License-Identifier: MIT
/*
 * Takes the wanted modules and, over and over, what those need, until nothing is missing. A module
 * is named by its file, with "_" for "-", as the kernel names it. Unpacking costs little outside
 * and a lot inside an emulated machine, so it is done here.
 */
#include "harness/vm/modules.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "harness/util/cleanup.h"
#include "harness/util/fs.h"
#include "harness/util/nearest.h"
#include "harness/vm/modinfo.h"
#include "harness/vm/tool.h"

#define NAME_MAX_MODULE 64

/* Loaded at once: without the first ones nothing comes in or out; nobody asks for the others by a
 * name that modprobe could be called for. */
static const char *const loaded[] = {
	"virtio_pci", "virtio_console", "configfs", "loop", "null_blk nr_devices=0", "ublk_drv",
};

/* There for the kernel to load when something asks for it. */
static const char *const on_demand[] = {
	"virtio_blk", "ext4",	    "xfs",	    "tcp_diag",	      "udp_diag",   "unix_diag",
	"raw_diag",   "veth",	    "sch_tbf",	    "sch_fq",	      "sch_netem",  "sch_htb",
	"nbd",	      "brd",	    "dm_mod",	    "dm_log_writes",  "dm_flakey",  "tun",
	"af_packet",  "dummy",	    "ifb",	    "netlink_diag",   "scsi_debug", "zram",
	"rng_core",   "virtio_rng", "crc32c_intel", "crc32c_generic",
};

struct module {
	char name[NAME_MAX_MODULE];
	char *file;  /* outside */
	char *needs; /* names, a comma after each */
	bool wanted, taken;
};

struct set {
	struct module *all;
	size_t n, room;
	const char *release;
	FILE *dep, *alias;
};

static void set_free(struct set *s)
{
	for (size_t i = 0; i < s->n; i++) {
		free(s->all[i].file);
		free(s->all[i].needs);
	}
	free(s->all);
	if (s->dep)
		fclose(s->dep);
	if (s->alias)
		fclose(s->alias);
}

/* "crc32c-intel.ko.xz" is crc32c_intel. False when it is no module. */
static bool name_of(const char *file, char name[static NAME_MAX_MODULE])
{
	const char *end = strstr(file, ".ko");

	if (!end || end - file >= NAME_MAX_MODULE || (end[3] && end[3] != '.'))
		return false;
	snprintf(name, NAME_MAX_MODULE, "%.*s", (int)(end - file), file);
	for (char *c = name; *c; c++)
		if (*c == '-')
			*c = '_';
	return true;
}

static struct module *find(struct set *s, const char *name, size_t len)
{
	for (size_t i = 0; i < s->n; i++) {
		const char *have = s->all[i].name;
		size_t k = 0;

		while (k < len && have[k] == (name[k] == '-' ? '_' : name[k]))
			k++;
		if (k == len && !have[len])
			return &s->all[i];
	}
	return NULL;
}

static int remember(struct set *s, const char *path, const char *file)
{
	struct module m = {.wanted = false};

	if (!name_of(file, m.name))
		return 0;
	if (s->n == s->room) {
		size_t room = s->room ? 2 * s->room : 256;
		struct module *all = realloc(s->all, room * sizeof(*all));

		if (!all)
			return -ENOMEM;
		s->all = all;
		s->room = room;
	}
	m.file = strdup(path);
	if (!m.file)
		return -ENOMEM;
	s->all[s->n++] = m;
	return 0;
}

static int scan(struct set *s, const char *dir, struct err *err)
{
	char *roots[] = {(char *)dir, NULL};
	FTS *fts = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	FTSENT *e;
	int r = 0;

	if (!fts)
		return err_sys(err, -errno, "%s", dir);
	while (!r && (e = fts_read(fts)))
		if (e->fts_info == FTS_F)
			r = remember(s, e->fts_path, e->fts_name);
	fts_close(fts);
	return r ? err_sys(err, r, "%s", dir) : 0;
}

static int unpack(const char *file, char **data, size_t *len, struct err *err)
{
	static const struct {
		const char *suffix, *tool;
	} rows[] = {{".xz", "xz"}, {".zst", "zstd"}, {".gz", "gzip"}};
	_cleanup_close_ int fd = open(file, O_RDONLY | O_CLOEXEC);
	const char *suffix = strrchr(file, '.');
	int r;

	if (fd < 0)
		return err_sys(err, -errno, "%s", file);
	for (size_t i = 0; i < array_size(rows); i++)
		if (!strcmp(suffix, rows[i].suffix)) {
			r = tool_run((const char *[]){rows[i].tool, "-dc", NULL}, fd, data, len,
				     err);
			return r ? err_wrap(err, r, "%s", file) : 0;
		}
	r = fs_read_all(fd, TOOL_OUTPUT_MAX, data, len);
	return r ? err_sys(err, r, "%s", file) : 0;
}

struct reading {
	struct set *set;
	struct module *module;
};

/* A list "a,b,c" of modules, or of aliases, among which only names are looked at. */
static int read_needs(struct reading *r, const char *list)
{
	for (; *list; list += strspn(list, ", ")) {
		size_t n = strcspn(list, ", ");
		struct module *m = find(r->set, list, n);
		char *more;

		if (m &&
		    asprintf(&more, "%s%s,", r->module->needs ? r->module->needs : "", m->name) < 0)
			return -ENOMEM;
		if (m) {
			m->wanted = true;
			free(r->module->needs);
			r->module->needs = more;
		}
		list += n;
	}
	return 0;
}

static int read_entry(void *arg, const char *entry)
{
	struct reading *r = arg;
	const char *value = modinfo_value(entry, "depends");

	if (value)
		return read_needs(r, value);
	value = modinfo_value(entry, "softdep");
	if (value && !strncmp(value, "pre: ", 5))
		return read_needs(r, value + 5);
	value = modinfo_value(entry, "alias");
	if (value)
		fprintf(r->set->alias, "alias %s %s\n", value, r->module->name);
	return 0;
}

static int take(struct set *s, size_t index, struct tree *tree, struct err *err)
{
	struct reading reading = {s, &s->all[index]};
	struct module *m = reading.module;
	_cleanup_free_ char *data = NULL;
	char path[PATH_MAX];
	size_t len;
	int r = unpack(m->file, &data, &len, err);

	m->taken = true;
	if (r)
		return r;
	r = modinfo_each(data, len, read_entry, &reading);
	if (r)
		return err_sys(err, r, "%s: cannot read what it needs", m->file);
	snprintf(path, sizeof(path), "/lib/modules/%s/%s.ko", s->release, m->name);
	return tree_data(tree, path, take_ptr(data), len, err);
}

static int take_wanted(struct set *s, struct tree *tree, struct err *err)
{
	bool more = true;
	int r = 0;

	while (more && !r) {
		more = false;
		for (size_t i = 0; i < s->n && !r; i++)
			if (s->all[i].wanted && !s->all[i].taken) {
				more = true;
				r = take(s, i, tree, err);
			}
	}
	return r;
}

/* All that a module needs, those first that others need: modprobe loads from the last one on. */
static void write_needs(struct set *s, const struct module *m, unsigned depth)
{
	for (const char *list = m->needs; list && *list; list += strcspn(list, ",") + 1) {
		const struct module *need = find(s, list, strcspn(list, ","));

		fprintf(s->dep, " %s.ko", need->name);
		if (depth < 16)
			write_needs(s, need, depth + 1);
	}
}

static int add_index(struct tree *tree, const char *release, const char *file, const char *text,
		     struct err *err)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "/lib/modules/%s/%s", release, file);
	return tree_text(tree, path, text, err);
}

static int want(struct set *s, const char *line, FILE *load)
{
	struct module *m = find(s, line, strcspn(line, " "));

	if (!m)
		return -ENOENT;
	m->wanted = true;
	if (load)
		fprintf(load, "%s%s\n", m->name, line + strcspn(line, " "));
	return 0;
}

static int unknown(struct set *s, const char *line, const char *release, struct err *err)
{
	_cleanup_free_ char *name = strndup(line, strcspn(line, " "));
	struct nearest n = nearest_to(name ? name : line);
	char hint[NEAREST_HINT_MAX];

	for (size_t i = 0; i < s->n; i++)
		nearest_offer(&n, s->all[i].name);
	return err_set(err, -ENOENT, "kernel %s has no module \"%s\" (built in, perhaps)%s",
		       release, n.word, nearest_hint(&n, hint));
}

static bool is_among(struct set *s, const char *line, const char *const *more, unsigned n_more)
{
	const struct module *m = find(s, line, strcspn(line, " "));

	for (unsigned i = 0; i < n_more; i++)
		if (m && m == find(s, more[i], strcspn(more[i], " ")))
			return true;
	return false;
}

/* A module that the user names has the user's parameters, and none of ours. */
static int want_all(struct set *s, const char *const *more, unsigned n_more, FILE *load,
		    struct err *err)
{
	for (size_t i = 0; i < array_size(loaded); i++)
		if (!is_among(s, loaded[i], more, n_more))
			want(s, loaded[i], load);
	for (size_t i = 0; i < array_size(on_demand); i++)
		want(s, on_demand[i], NULL);
	for (unsigned i = 0; i < n_more; i++)
		if (want(s, more[i], load))
			return unknown(s, more[i], s->release, err);
	return 0;
}

int modules_add(struct tree *tree, const char *dir, const char *release, const char *const *more,
		unsigned n_more, struct err *err)
{
	_cleanup_free_ char *dep = NULL, *alias = NULL, *load = NULL;
	_cleanup_(set_free) struct set s = {.release = release};
	size_t size[3];
	FILE *lines = open_memstream(&load, &size[0]);
	int r;

	s.dep = open_memstream(&dep, &size[1]);
	s.alias = open_memstream(&alias, &size[2]);
	if (!lines || !s.dep || !s.alias)
		r = err_set(err, -ENOMEM, "out of memory");
	else
		r = dir ? scan(&s, dir, err) : 0;
	if (!r)
		r = want_all(&s, more, n_more, lines, err);
	if (!r)
		r = take_wanted(&s, tree, err);
	for (size_t i = 0; i < s.n && !r; i++)
		if (s.all[i].taken) {
			fprintf(s.dep, "%s.ko:", s.all[i].name);
			write_needs(&s, &s.all[i], 0);
			fputc('\n', s.dep);
		}
	if (lines)
		fclose(lines);
	if (r)
		return r;
	if (fflush(s.dep) || fflush(s.alias))
		return err_set(err, -ENOMEM, "out of memory");
	r = add_index(tree, release, "modules.dep", dep, err);
	if (!r)
		r = add_index(tree, release, "modules.alias", alias, err);
	return r ? r : tree_text(tree, MODULES_LOAD_FILE, load, err);
}

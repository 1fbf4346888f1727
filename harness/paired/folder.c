// SPDX-License-Identifier: MIT
/*
 * A line is parsed back from its text before it is judged: what a number loses when it is printed
 * is then lost for the live gate and for its replay alike.
 */
#include "harness/paired/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/session/store.h"
#include "harness/util/cleanup.h"
#include "harness/util/fs.h"
#include "harness/util/jsonl.h"

#define GATE_FILE  "gate.json"
#define PAIRS_FILE "pairs.jsonl"

struct folder {
	char dir[PATH_MAX];
	cJSON *gate; /* the caller's */
	unsigned lines;
	int fd;
};

static int path_in(const char *dir, const char *name, char path[static PATH_MAX], struct err *err)
{
	if (snprintf(path, PATH_MAX, "%s/%s", dir, name) >= PATH_MAX)
		return err_sys(err, -ENAMETOOLONG, "%s", dir);
	return 0;
}

int folder_prepare(const char *dir, struct err *err)
{
	static const char *const names[] = {GATE_FILE, PAIRS_FILE};
	char path[PATH_MAX];
	int r = store_prepare(dir, err);

	for (unsigned i = 0; !r && i < array_size(names); i++) {
		r = path_in(dir, names[i], path, err);
		if (!r && !access(path, F_OK))
			r = err_set(err, -EEXIST, "%s holds a gate already: choose another folder",
				    dir);
	}
	return r;
}

static int write_gate(const struct folder *f, struct err *err)
{
	_cleanup_free_ char *text = cJSON_Print(f->gate);
	char path[PATH_MAX];
	int r = path_in(f->dir, GATE_FILE, path, err);

	if (r)
		return r;
	r = text ? fs_replace(path, text, strlen(text)) : -ENOMEM;
	return r ? err_sys(err, r, "%s", path) : 0;
}

static int open_pairs(struct folder *f, struct err *err)
{
	char path[PATH_MAX];
	int r = path_in(f->dir, PAIRS_FILE, path, err);

	if (r)
		return r;
	f->fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC | O_CREAT | O_EXCL, 0644);
	return f->fd < 0 ? err_sys(err, -errno, "%s", path) : 0;
}

int folder_open(const char *dir, cJSON *gate, struct folder **ret, struct err *err)
{
	struct folder *f = calloc(1, sizeof(*f));
	int r;

	if (!f)
		return err_sys(err, -ENOMEM, "%s", dir);
	f->fd = -1;
	f->gate = gate;
	snprintf(f->dir, sizeof(f->dir), "%s", dir);
	r = write_gate(f, err);
	if (!r)
		r = open_pairs(f, err);
	if (r) {
		folder_close(f);
		return r;
	}
	*ret = f;
	return 0;
}

int folder_append(struct folder *f, const cJSON *pair, cJSON **ret, char place[static 64],
		  struct err *err)
{
	_cleanup_free_ char *text = cJSON_PrintUnformatted(pair);
	cJSON *again = text ? cJSON_Parse(text) : NULL;
	int r;

	if (!again)
		return err_sys(err, -ENOMEM, "pair");
	r = jsonl_append(f->fd, pair, NULL);
	if (r) {
		cJSON_Delete(again);
		return err_sys(err, r, "%s/%s", f->dir, PAIRS_FILE);
	}
	snprintf(place, 64, "%s:%u", PAIRS_FILE, ++f->lines);
	*ret = again;
	return 0;
}

int folder_end(struct folder *f, const char *ended, struct err *err)
{
	cJSON_ReplaceItemInObjectCaseSensitive(f->gate, "ended", cJSON_CreateString(ended));
	cJSON_ReplaceItemInObjectCaseSensitive(f->gate, "pairs", cJSON_CreateNumber(f->lines));
	return write_gate(f, err);
}

void folder_close(struct folder *f)
{
	if (!f)
		return;
	cleanup_close(&f->fd);
	free(f);
}

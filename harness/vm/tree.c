// SPDX-License-Identifier: MIT
/*
 * A search tree by path: in its order every folder comes before what is in it, which is the order
 * that the archive needs. Files are read only when it is packed. The archive lies in memory, so
 * that there is nothing to remove however this process ends.
 */
#include "harness/vm/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <limits.h>
#include <search.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/util/cleanup.h"
#include "harness/util/fs.h"
#include "harness/vm/cpio.h"
#include "harness/vm/libraries.h"

#define FILE_MAX ((size_t)2 << 30)

enum kind { KIND_FOLDER, KIND_LINK, KIND_DATA, KIND_FILE };

struct node {
	enum kind kind;
	char *path;  /* absolute */
	char *value; /* a link's target, data, or where the file is outside */
	size_t len;
	mode_t mode;
};

struct tree {
	void *root;
};

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct node *)a)->path, ((const struct node *)b)->path);
}

static void node_free(void *p)
{
	struct node *n = p;

	if (!n)
		return;
	free(n->path);
	free(n->value);
	free(n);
}

int tree_new(struct tree **ret, struct err *err)
{
	struct tree *t = calloc(1, sizeof(*t));

	if (!t)
		return err_set(err, -ENOMEM, "out of memory");
	*ret = t;
	return 0;
}

void tree_free(struct tree *tree)
{
	if (!tree)
		return;
	tdestroy(tree->root, node_free);
	free(tree);
}

static bool is_there(const struct tree *t, const char *path)
{
	const struct node key = {.path = (char *)path};

	return tfind(&key, &t->root, compare) != NULL;
}

/* Adds a node and the folders above it. Takes `value` over. */
static int insert(struct tree *t, struct node n, const char *path, struct err *err)
{
	_cleanup_free_ char *value = n.value, *above = strdup(path);
	struct node *copy;
	char *slash = above ? strrchr(above, '/') : NULL;
	int r;

	if (path[0] != '/' || (path[1] && path[strlen(path) - 1] == '/'))
		return err_set(err, -EINVAL, "%s: not an absolute path of a file", path);
	if (!path[1] || is_there(t, path))
		return 0;
	if (slash && slash != above) {
		*slash = 0;
		r = insert(t, (struct node){.kind = KIND_FOLDER, .mode = 0755}, above, err);
		if (r)
			return r;
	}
	copy = malloc(sizeof(*copy));
	if (!copy || !above)
		return err_set(err, -ENOMEM, "out of memory");
	*copy = n;
	copy->path = strdup(path);
	copy->value = take_ptr(value);
	if (!copy->path || !tsearch(copy, &t->root, compare)) {
		node_free(copy);
		return err_set(err, -ENOMEM, "out of memory");
	}
	return 0;
}

int tree_folder(struct tree *tree, const char *path, struct err *err)
{
	return insert(tree, (struct node){.kind = KIND_FOLDER, .mode = 0755}, path, err);
}

static int insert_text(struct tree *t, enum kind kind, const char *path, const char *text,
		       struct err *err)
{
	struct node n = {.kind = kind, .value = strdup(text), .len = strlen(text), .mode = 0644};

	if (!n.value)
		return err_set(err, -ENOMEM, "out of memory");
	return insert(t, n, path, err);
}

int tree_link(struct tree *tree, const char *path, const char *target, struct err *err)
{
	return insert_text(tree, KIND_LINK, path, target, err);
}

int tree_text(struct tree *tree, const char *path, const char *text, struct err *err)
{
	return insert_text(tree, KIND_DATA, path, text, err);
}

int tree_data(struct tree *tree, const char *path, char *data, size_t len, struct err *err)
{
	return insert(tree, (struct node){KIND_DATA, NULL, data, len, 0644}, path, err);
}

static int add_library(void *tree, const char *path, struct err *err)
{
	return tree_file(tree, path, path, err);
}

int tree_file(struct tree *tree, const char *path, const char *from, struct err *err)
{
	struct node n = {.kind = KIND_FILE};
	struct stat st;
	int r;

	if (is_there(tree, path))
		return 0;
	if (stat(from, &st))
		return err_sys(err, -errno, "%s", from);
	if (!S_ISREG(st.st_mode))
		return err_set(err, -EINVAL, "%s is not a file", from);
	n.mode = st.st_mode & 07777;
	n.value = strdup(from);
	if (!n.value)
		return err_set(err, -ENOMEM, "out of memory");
	r = insert(tree, n, path, err);
	return r ? r : libraries_of(from, add_library, tree, err);
}

/* One entry below a folder `from`, whose place inside is `path`. */
static int add_entry(struct tree *t, const char *path, const char *from, const FTSENT *e,
		     struct err *err)
{
	char inside[PATH_MAX];

	if (snprintf(inside, sizeof(inside), "%s%s", path, e->fts_path + strlen(from)) >=
	    (int)sizeof(inside))
		return err_set(err, -ENAMETOOLONG, "%s: too long a path", e->fts_path);
	switch (e->fts_info) {
	case FTS_D:
		return tree_folder(t, inside, err);
	case FTS_F:
		return tree_file(t, inside, e->fts_path, err);
	case FTS_DNR:
	case FTS_ERR:
	case FTS_NS:
		return err_sys(err, -e->fts_errno, "%s", e->fts_path);
	case FTS_DC:
		return err_set(err, -ELOOP, "%s: a link to a folder that it lies in", e->fts_path);
	default: /* the way back from a folder; sockets, pipes, devices, links to nothing */
		return 0;
	}
}

int tree_add(struct tree *tree, const char *path, const char *from, struct err *err)
{
	char *roots[] = {(char *)from, NULL};
	struct stat st;
	FTSENT *e;
	FTS *fts;
	int r = 0;

	if (stat(from, &st))
		return err_sys(err, -errno, "%s", from);
	if (!S_ISDIR(st.st_mode))
		return tree_file(tree, path, from, err);
	fts = fts_open(roots, FTS_LOGICAL | FTS_NOCHDIR, NULL);
	if (!fts)
		return err_sys(err, -errno, "%s", from);
	while (!r && (e = fts_read(fts)))
		r = add_entry(tree, path, from, e, err);
	fts_close(fts);
	return r;
}

struct packing {
	struct cpio cpio;
	struct err *err;
	int result;
};

static int pack_file(struct cpio *c, const struct node *n, struct err *err)
{
	_cleanup_close_ int fd = open(n->value, O_RDONLY | O_CLOEXEC);
	_cleanup_free_ char *data = NULL;
	size_t len = 0;
	int r = fd < 0 ? -errno : fs_read_all(fd, FILE_MAX, &data, &len);

	if (r)
		return err_sys(err, r, "%s", n->value);
	r = cpio_file(c, n->path + 1, n->mode, data, len);
	return r ? err_sys(err, r, "initramfs: %s", n->path) : 0;
}

static int pack_node(struct packing *p, const struct node *n)
{
	const char *name = n->path + 1;
	int r;

	switch (n->kind) {
	case KIND_FOLDER:
		r = cpio_folder(&p->cpio, name, n->mode);
		break;
	case KIND_LINK:
		r = cpio_link(&p->cpio, name, n->value);
		break;
	case KIND_DATA:
		r = cpio_file(&p->cpio, name, n->mode, n->value, n->len);
		break;
	default:
		return pack_file(&p->cpio, n, p->err);
	}
	return r ? err_sys(p->err, r, "initramfs: %s", n->path) : 0;
}

static void pack_visit(const void *node, VISIT visit, void *arg)
{
	struct packing *p = arg;

	if ((visit == postorder || visit == leaf) && !p->result)
		p->result = pack_node(p, *(const struct node *const *)node);
}

int tree_pack(struct tree *tree, int *ret_fd, struct err *err)
{
	_cleanup_close_ int fd = memfd_create("initramfs", MFD_CLOEXEC);
	_cleanup_fclose_ FILE *out = fd < 0 ? NULL : fdopen(dup(fd), "w");
	struct packing p = {.cpio = {.out = out}, .err = err};

	if (!out)
		return err_sys(err, -errno, "initramfs");
	twalk_r(tree->root, pack_visit, &p);
	if (p.result)
		return p.result;
	/* The kernel opens it for PID 1 before anybody could mount anything. */
	p.result = cpio_device(&p.cpio, "dev/console", 0600, 5, 1);
	if (!p.result)
		p.result = cpio_end(&p.cpio);
	if (p.result)
		return err_sys(err, p.result, "initramfs");
	*ret_fd = take_fd(fd);
	return 0;
}

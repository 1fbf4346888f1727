// SPDX-License-Identifier: MIT
/*
 * A child is asked for its protocol by a request of a version that there is none of: every build
 * there ever was answers that with its own, and does nothing else.
 */
#include "harness/paired/builds.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/protocol.h"
#include "harness/session/launch.h"
#include "harness/util/cleanup.h"
#include "harness/util/fs.h"
#include "harness/util/nsec.h"

#define ASK_NS (10 * NSEC_PER_SEC)

static int copy_bytes(int from, int to)
{
	ssize_t n;

	do
		n = sendfile(to, from, NULL, 1 << 30);
	while (n > 0);
	return n < 0 ? -errno : 0;
}

/* On disk before it is run: writing it back later would be somebody's run. */
static int copy_file(const char *from, const char *to)
{
	_cleanup_close_ int in = open(from, O_RDONLY | O_CLOEXEC), out = -1;
	struct stat st;
	int r;

	if (in < 0 || fstat(in, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
	out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	if (out < 0)
		return -errno;
	r = copy_bytes(in, out);
	return !r && fsync(out) ? -errno : r;
}

static int hash_file(const char *path, char hex[static SHA256_HEX])
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : sha256_fd(fd, hex);
}

/* What is wrong with the program is wrong with the command line; what is with its copy is not. */
static int copy_failed(int r, const struct build *build, int side, struct err *err)
{
	if (r == -ENOSPC || r == -EDQUOT || r == -EIO || r == -EROFS)
		return err_set(err, r, "%s, the copy of --%s: %s", build->copy, side_names[side],
			       strerror(-r));
	return err_set(err, -EINVAL, "--%s %s: %s", side_names[side], build->path, strerror(-r));
}

static int copy_build(struct build *build, const char *path, const char *dir, int side, unsigned i,
		      struct err *err)
{
	int r;

	build->path = path;
	if (access(path, X_OK))
		return err_set(err, -EINVAL, "--%s %s: %s", side_names[side], path,
			       errno == EACCES ? "not a program that can be executed"
					       : strerror(errno));
	snprintf(build->copy, sizeof(build->copy), "%.4000s/%s.%02u", dir, side_names[side], i);
	snprintf(build->control, sizeof(build->control), "%.4000s/copy.%02u", dir, i);
	r = copy_file(path, build->copy);
	if (!r && side == SIDE_BASE)
		r = copy_file(path, build->control);
	if (!r)
		r = hash_file(build->copy, build->sha256);
	return r ? copy_failed(r, build, side, err) : 0;
}

/* Two copies differ by where their pages lie in memory, one file does not. */
static int copy_one(struct builds *b, const char *own, const char *dir, struct err *err)
{
	struct build *build = &b->side[SIDE_BASE][0];
	int r = copy_build(build, own, dir, SIDE_BASE, 0, err);

	b->one = true;
	b->n[SIDE_BASE] = b->n[SIDE_HEAD] = 1;
	snprintf(build->control, sizeof(build->control), "%s", build->copy);
	b->side[SIDE_HEAD][0] = *build;
	return r;
}

int builds_copy(struct builds *b, const struct paired_options *opt, const char *dir,
		struct err *err)
{
	int r = 0;

	if (!opt->sides[SIDE_BASE].n_paths)
		return copy_one(b, opt->own_binary, dir, err);
	for (int side = 0; !r && side < SIDES; side++) {
		b->n[side] = opt->sides[side].n_paths;
		for (unsigned i = 0; !r && i < b->n[side]; i++)
			r = copy_build(&b->side[side][i], opt->sides[side].paths[i], dir, side, i,
				       err);
	}
	return r;
}

static void copy_text(const cJSON *o, const char *key, char *to, size_t size)
{
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o, key));

	snprintf(to, size, "%s", text ? text : "");
}

static int judge_answer(struct build *build, const struct outcome *o, struct err *err)
{
	const cJSON *protocol = cJSON_GetObjectItemCaseSensitive(o->response, "protocol");
	int version = cJSON_IsNumber(protocol) ? protocol->valueint : -1;

	if (o->interrupted)
		return err_set(err, -EINTR, "interrupted");
	if (version < 0)
		return err_set(err, -EINVAL,
			       "%s is no uhbench: it does not answer as one does (%s). Programs of "
			       "other kinds are compared by cells of the workload `command` "
			       "whose `run` or `server` has ${bin}",
			       build->path, o->reason);
	if (version < PROTOCOL_OLDEST)
		return err_set(err, -EINVAL,
			       "%s is too old: it speaks protocol %d, the oldest that this "
			       "uhbench can compare with is %d",
			       build->path, version, PROTOCOL_OLDEST);
	if (version > PROTOCOL_VERSION)
		return err_set(err, -EINVAL,
			       "%s is newer than this uhbench: it speaks protocol %d, not %d. Let "
			       "the newer one compare the two",
			       build->path, version, PROTOCOL_VERSION);
	build->asked = true;
	build->protocol = (unsigned)version;
	copy_text(o->response, "uhbench", build->uhbench, sizeof(build->uhbench));
	copy_text(o->response, "revision", build->revision, sizeof(build->revision));
	return 0;
}

static int ask(struct build *build, const volatile sig_atomic_t *interrupted, struct err *err)
{
	_cleanup_json_ cJSON *request = cJSON_CreateObject();
	struct launch l = {.binary = build->copy,
			   .request = request,
			   .deadline_ns = ASK_NS,
			   .interrupted = interrupted};
	struct outcome o;
	int r;

	cJSON_AddNumberToObject(request, "protocol", 0);
	r = launch(&l, &o, err);
	if (r)
		return err_wrap(err, r == -ENOEXEC ? -EINVAL : r, "%s", build->path);
	r = judge_answer(build, &o, err);
	outcome_free(&o);
	return r;
}

int builds_ask(struct builds *b, const volatile sig_atomic_t *interrupted, struct err *err)
{
	int r = 0;

	for (int side = 0; !r && side < SIDES; side++)
		for (unsigned i = 0; !r && i < b->n[side]; i++)
			r = ask(&b->side[side][i], interrupted, err);
	return r;
}

/* What a report calls the side: the name it was given, its settings, the revision where that tells
 * the two apart, or the path. */
static cJSON *name_side(const struct builds *b, int side, const struct paired_side_options *opt)
{
	const char *mine = b->side[side][0].revision, *other = b->side[!side][0].revision;
	char text[256];
	size_t len = 0;

	if (opt->name)
		return cJSON_CreateString(opt->name);
	if (!opt->n_sets)
		return cJSON_CreateString(b->one			   ? "as the matrix says"
					  : mine[0] && strcmp(mine, other) ? mine
									   : b->side[side][0].path);
	for (unsigned i = 0; i < opt->n_sets && len < sizeof(text); i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s", i ? " " : "",
					opt->sets[i]);
	return cJSON_CreateString(text);
}

static void add_text(cJSON *o, const char *key, const char *text)
{
	cJSON_AddItemToObject(o, key, text[0] ? cJSON_CreateString(text) : cJSON_CreateNull());
}

cJSON *builds_describe(const struct builds *b, int side, const struct paired_side_options *opt)
{
	const struct build *first = &b->side[side][0];
	cJSON *o = cJSON_CreateObject(), *list;

	cJSON_AddItemToObject(o, "name", name_side(b, side, opt));
	list = cJSON_AddArrayToObject(o, "paths");
	for (unsigned i = 0; i < opt->n_paths; i++)
		cJSON_AddItemToArray(list, cJSON_CreateString(opt->paths[i]));
	list = cJSON_AddArrayToObject(o, "sha256");
	for (unsigned i = 0; i < b->n[side]; i++)
		cJSON_AddItemToArray(list, cJSON_CreateString(b->side[side][i].sha256));
	add_text(o, "uhbench", first->uhbench);
	cJSON_AddItemToObject(o, "protocol",
			      first->asked ? cJSON_CreateNumber(first->protocol)
					   : cJSON_CreateNull());
	add_text(o, "revision", first->revision);
	list = cJSON_AddArrayToObject(o, "set");
	for (unsigned i = 0; i < opt->n_sets; i++)
		cJSON_AddItemToArray(list, cJSON_CreateString(opt->sets[i]));
	return o;
}

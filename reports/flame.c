// SPDX-License-Identifier: MIT
/* Stacks into a tree, and the tree onto a line of width 1. */
#include "reports/flame.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/util/cleanup.h"
#include "reports/get.h"

static struct flame *new_node(enum flame_kind kind, const char *name, const char *class_key)
{
	struct flame *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->kind = kind;
	f->class_key = class_key;
	f->name = strdup(name);
	if (f->name)
		return f;
	free(f);
	return NULL;
}

void flame_free(struct flame *f)
{
	while (f) {
		struct flame *next = f->next;

		flame_free(f->child);
		free(f->name);
		free(f);
		f = next;
	}
}

/* Goes one level down, to the child of that name, which then has more time. NULL: no memory. */
static struct flame *step(struct flame *at, enum flame_kind kind, const char *name,
			  const cJSON *row)
{
	struct flame *f;

	if (!at)
		return NULL;
	for (f = at->child; f; f = f->next)
		if (f->kind == kind && !strcmp(f->name, name))
			break;
	if (!f) {
		f = new_node(kind, name, kind > FLAME_ROLE ? get_text(row, "class") : "");
		if (!f)
			return NULL;
		f->next = at->child;
		at->child = f;
	}
	f->ns += get_number(row, "sum_ns");
	f->count += fmax(get_number(row, "count"), 0);
	return f;
}

/* Frames are innermost first. */
static struct flame *step_frames(struct flame *at, enum flame_kind kind, const cJSON *stack,
				 const cJSON *row)
{
	for (int i = cJSON_GetArraySize(stack) - 1; at && i >= 0; i--) {
		const cJSON *frame = cJSON_GetArrayItem(stack, i);

		at = step(at, kind, cJSON_IsString(frame) ? frame->valuestring : "?", row);
	}
	return at;
}

static int add_stack(struct flame *root, const cJSON *row)
{
	const char *role = get_text(row, "role");
	struct flame *at = step(root, FLAME_ROLE, role, row);

	at = step(at, FLAME_CLASS, get_text(row, "class"), row);
	if (cJSON_IsArray(get(row, "user")))
		at = step_frames(at, FLAME_USER, get(row, "user"), row);
	else if (strncmp(role, "kernel:", 7))
		at = step(at, FLAME_USER, "(no user stack)", row);
	at = step_frames(at, FLAME_KERNEL, get(row, "kernel"), row);
	return at ? 0 : -ENOMEM;
}

static bool of_harness(const cJSON *row)
{
	return !strcmp(get_text(row, "role"), "harness");
}

static bool any_other(const cJSON *stacks)
{
	const cJSON *row;

	cJSON_ArrayForEach (row, stacks)
		if (!of_harness(row) && get_number(row, "sum_ns") > 0)
			return true;
	return false;
}

int flame_build(const cJSON *stacks, struct flame **ret, double *ret_left_out_ns)
{
	struct flame *root = new_node(FLAME_ROOT, "", "");
	bool others = any_other(stacks);
	const cJSON *row;
	int err = root ? 0 : -ENOMEM;

	*ret_left_out_ns = 0;
	cJSON_ArrayForEach (row, stacks) {
		if (err || !(get_number(row, "sum_ns") > 0))
			continue;
		if (others && of_harness(row)) {
			*ret_left_out_ns += get_number(row, "sum_ns");
			continue;
		}
		err = add_stack(root, row);
		root->ns += get_number(row, "sum_ns");
		root->count += fmax(get_number(row, "count"), 0);
	}
	if (err) {
		flame_free(root);
		return err;
	}
	*ret = root;
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct flame *x = *(struct flame *const *)a, *y = *(struct flame *const *)b;

	if ((x->kind == FLAME_SMALL) != (y->kind == FLAME_SMALL))
		return x->kind == FLAME_SMALL ? 1 : -1;
	if (x->ns != y->ns)
		return x->ns < y->ns ? 1 : -1;
	return strcmp(x->name, y->name);
}

/* Most time first; "(small)" is last, whatever it came to. */
static int sort_children(struct flame *f)
{
	_cleanup_free_ struct flame **list = NULL;
	size_t n = 0, i = 0;

	for (struct flame *c = f->child; c; c = c->next)
		n++;
	if (n < 2)
		return 0;
	list = calloc(n, sizeof(*list));
	if (!list)
		return -ENOMEM;
	for (struct flame *c = f->child; c; c = c->next)
		list[i++] = c;
	qsort(list, n, sizeof(*list), compare);
	for (i = 0; i < n; i++)
		list[i]->next = i + 1 < n ? list[i + 1] : NULL;
	f->child = list[0];
	return 0;
}

/* Replaces the sorted tail of children narrower than `least_ns` by one node. The one of an earlier
 * round is in that tail. */
static int merge_small(struct flame *f, double least_ns)
{
	struct flame **at = &f->child, *small;

	while (*at && (*at)->ns >= least_ns)
		at = &(*at)->next;
	if (!*at)
		return 0;
	small = new_node(FLAME_SMALL, "(small)", (*at)->class_key);
	if (!small)
		return -ENOMEM;
	for (struct flame *c = *at; c; c = c->next) {
		small->ns += c->ns;
		small->count += c->count;
	}
	flame_free(*at);
	*at = small;
	return 0;
}

static int lay(struct flame *f, double whole, double least)
{
	int err = sort_children(f), deepest = 0;
	double x = f->x;

	err = err ? err : merge_small(f, least * whole);
	for (struct flame *c = f->child; !err && c; c = c->next) {
		int depth;

		c->x = x;
		c->width = c->ns / whole;
		x += c->width;
		depth = lay(c, whole, least);
		err = depth < 0 ? depth : 0;
		deepest = max_of(deepest, depth + 1);
	}
	return err ? err : deepest;
}

int flame_layout(struct flame *root, double least)
{
	root->width = 1;
	return root->ns > 0 ? lay(root, root->ns, least) : 0;
}

unsigned flame_count(const struct flame *root)
{
	unsigned n = 0;

	for (const struct flame *c = root->child; c; c = c->next)
		n += 1 + flame_count(c);
	return n;
}

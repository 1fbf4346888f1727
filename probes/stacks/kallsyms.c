// SPDX-License-Identifier: MIT
/*
 * Functions of /proc/kallsyms in an array sorted by address, names in one pool. The table has no
 * sizes: an address belongs to the function before it, unless that begins further away than any
 * function is long. Of several names for one address the one that people use is kept: global
 * before local before weak, then the one with fewer leading underscores.
 */
#include "probes/stacks/kallsyms.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "harness/util/cleanup.h"

#define FUNCTION_MAX (1u << 20)

struct symbol {
	uint64_t address;
	uint32_t name;	 /* in the pool */
	uint32_t module; /* in the pool; 0: the kernel itself */
	uint8_t rank;	 /* of several at one address the lowest is kept */
};

struct kallsyms {
	struct symbol *symbols;
	size_t n, room;
	char *pool; /* begins with an empty name */
	size_t pool_used, pool_room;
};

static int pool_add(struct kallsyms *k, const char *text, uint32_t *ret)
{
	size_t len = strlen(text) + 1;

	if (k->pool_used + len > k->pool_room) {
		size_t room = max_of(k->pool_room * 2, (size_t)1 << 16);
		char *grown = realloc(k->pool, room);

		if (!grown)
			return -ENOMEM;
		k->pool = grown;
		k->pool_room = room;
	}
	memcpy(k->pool + k->pool_used, text, len);
	*ret = (uint32_t)k->pool_used;
	k->pool_used += len;
	return 0;
}

static struct symbol *symbol_new(struct kallsyms *k)
{
	if (k->n == k->room) {
		size_t room = max_of(k->room * 2, (size_t)4096);
		struct symbol *grown = reallocarray(k->symbols, room, sizeof(*grown));

		if (!grown)
			return NULL;
		k->symbols = grown;
		k->room = room;
	}
	return &k->symbols[k->n];
}

static uint8_t rank_of(char type, const char *name)
{
	size_t underscores = strspn(name, "_");
	uint8_t binding = type == 'T' ? 0 : type == 't' ? 1 : 2;

	return (uint8_t)(binding << 4 | min_of(underscores, (size_t)15));
}

/* Modules come one after the other, so their names are shared with the symbol before. */
static int add(struct kallsyms *k, uint64_t address, char type, const char *name,
	       const char *module)
{
	struct symbol *s = symbol_new(k);
	int r;

	if (!s)
		return -ENOMEM;
	*s = (struct symbol){.address = address, .rank = rank_of(type, name)};
	r = pool_add(k, name, &s->name);
	if (r || !*module) {
		k->n += !r;
		return r;
	}
	if (k->n && strcmp(k->pool + s[-1].module, module) == 0)
		s->module = s[-1].module;
	else
		r = pool_add(k, module, &s->module);
	k->n += !r;
	return r;
}

static int by_address(const void *a, const void *b)
{
	const struct symbol *x = a, *y = b;

	if (x->address != y->address)
		return x->address < y->address ? -1 : 1;
	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	return (x->name > y->name) - (x->name < y->name);
}

static void sort(struct kallsyms *k)
{
	size_t kept = 0;

	qsort(k->symbols, k->n, sizeof(*k->symbols), by_address);
	for (size_t i = 0; i < k->n; i++)
		if (!kept || k->symbols[kept - 1].address != k->symbols[i].address)
			k->symbols[kept++] = k->symbols[i];
	k->n = kept;
}

/* One line: "ffffffff81000000 T name\t[module]". Returns whether it is one; adds functions. */
static int read_line(struct kallsyms *k, const char *line, uint64_t *seen)
{
	char name[512], module[64] = "", type;
	unsigned long long address;
	int n = sscanf(line, "%llx %c %511s [%63[^]]", &address, &type, name, module);

	if (n < 3)
		return -EINVAL;
	*seen |= address;
	return address && strchr("tTwW", type) ? add(k, address, type, name, module) : 0;
}

static void cleanup_kallsyms(struct kallsyms **k)
{
	kallsyms_close(*k);
}

int kallsyms_read(FILE *f, struct kallsyms **ret, struct err *err)
{
	_cleanup_(cleanup_kallsyms) struct kallsyms *k = calloc(1, sizeof(*k));
	_cleanup_free_ char *line = NULL;
	size_t size = 0, lines = 0;
	uint64_t seen = 0;
	uint32_t empty;

	if (!k || pool_add(k, "", &empty))
		return err_sys(err, -ENOMEM, "kernel symbols");
	for (; getline(&line, &size, f) > 0; lines++) {
		int r = read_line(k, line, &seen);

		if (r == -EINVAL)
			return err_set(err, r, "kernel symbols: line %zu is not one", lines + 1);
		if (r)
			return err_sys(err, r, "kernel symbols");
	}
	if (ferror(f))
		return err_sys(err, -EIO, "kernel symbols");
	if (!lines)
		return err_set(err, -EINVAL, "kernel symbols: the table is empty");
	if (!seen)
		return err_set(err, -EPERM,
			       "kernel symbols: all addresses are 0: CAP_SYSLOG is missing, or "
			       "kernel.kptr_restrict is 2");
	sort(k);
	*ret = take_ptr(k);
	return 0;
}

int kallsyms_open(const char *path, struct kallsyms **ret, struct err *err)
{
	_cleanup_fclose_ FILE *f = fopen(path, "re");

	if (!f)
		return err_sys(err, -errno, "kernel symbols: %s", path);
	return kallsyms_read(f, ret, err);
}

int kallsyms_name(const struct kallsyms *k, uint64_t address, char *buf, size_t size)
{
	size_t low = 0, high = k->n;
	const struct symbol *s;

	/* The first symbol above the address is at `low` in the end. */
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (k->symbols[mid].address <= address)
			low = mid + 1;
		else
			high = mid;
	}
	if (!low)
		return -ENOENT;
	s = &k->symbols[low - 1];
	if (address - s->address >= FUNCTION_MAX)
		return -ENOENT;
	if (s->module)
		snprintf(buf, size, "%s [%s]", k->pool + s->name, k->pool + s->module);
	else
		snprintf(buf, size, "%s", k->pool + s->name);
	return 0;
}

void kallsyms_close(struct kallsyms *k)
{
	if (!k)
		return;
	free(k->symbols);
	free(k->pool);
	free(k);
}

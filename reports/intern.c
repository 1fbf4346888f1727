// SPDX-License-Identifier: MIT
/*
 * String pool: open addressing with linear probing, FNV-1a, at most half full. Strings that do not
 * repeat (reasons, notes) are not for it.
 */
#include "reports/intern.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static uint64_t hash_text(const char *text)
{
	uint64_t h = 0xcbf29ce484222325ull;

	for (; *text; text++)
		h = (h ^ (unsigned char)*text) * 0x100000001b3ull;
	return h;
}

static struct intern_entry **find_slot(struct intern_entry **slots, size_t n, const char *text)
{
	size_t i = hash_text(text) & (n - 1);

	while (slots[i] && strcmp(slots[i]->text, text))
		i = (i + 1) & (n - 1);
	return &slots[i];
}

static int grow(struct intern *pool)
{
	size_t n = pool->n_slots ? pool->n_slots * 2 : 256;
	struct intern_entry **slots = calloc(n, sizeof(struct intern_entry *));

	if (!slots)
		return -ENOMEM;
	for (size_t i = 0; i < pool->n_slots; i++)
		if (pool->slots[i])
			*find_slot(slots, n, pool->slots[i]->text) = pool->slots[i];
	free(pool->slots);
	pool->slots = slots;
	pool->n_slots = n;
	return 0;
}

struct intern_entry *intern_entry(struct intern *pool, const char *text)
{
	struct intern_entry **slot;
	size_t len = strlen(text) + 1;

	if (pool->n_used * 2 >= pool->n_slots && grow(pool))
		return NULL;
	slot = find_slot(pool->slots, pool->n_slots, text);
	if (*slot)
		return *slot;
	*slot = malloc(sizeof(struct intern_entry) + len);
	if (!*slot)
		return NULL;
	(*slot)->data = NULL;
	memcpy((*slot)->text, text, len);
	pool->n_used++;
	return *slot;
}

const char *intern_text(struct intern *pool, const char *text)
{
	struct intern_entry *entry = intern_entry(pool, text);

	return entry ? entry->text : NULL;
}

void intern_free(struct intern *pool)
{
	for (size_t i = 0; i < pool->n_slots; i++)
		free(pool->slots[i]);
	free(pool->slots);
	*pool = (struct intern){0};
}

// SPDX-License-Identifier: MIT
/*
 * Section headers of an ELF file (elf(5)), every offset checked against the file's length: a module
 * may come from anywhere.
 */
#include "harness/vm/modinfo.h"

#include <elf.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

static bool within(size_t len, uint64_t offset, uint64_t size)
{
	return offset <= len && size <= len - offset;
}

static const Elf64_Shdr *section(const char *image, size_t len, const Elf64_Ehdr *head,
				 unsigned index)
{
	uint64_t at = head->e_shoff + index * (uint64_t)sizeof(Elf64_Shdr);

	if (index >= head->e_shnum || head->e_shentsize != sizeof(Elf64_Shdr) ||
	    !within(len, at, sizeof(Elf64_Shdr)))
		return NULL;
	return (const Elf64_Shdr *)(image + at);
}

static const Elf64_Shdr *find(const char *image, size_t len, const char *name)
{
	const Elf64_Ehdr *head = (const Elf64_Ehdr *)image;
	const Elf64_Shdr *names, *s;

	if (len < sizeof(*head) || memcmp(head->e_ident, ELFMAG, SELFMAG) ||
	    head->e_ident[EI_CLASS] != ELFCLASS64)
		return NULL;
	names = section(image, len, head, head->e_shstrndx);
	if (!names || !within(len, names->sh_offset, names->sh_size))
		return NULL;
	for (unsigned i = 0; (s = section(image, len, head, i)); i++) {
		size_t n = strlen(name) + 1;

		if (s->sh_name < names->sh_size && names->sh_size - s->sh_name >= n &&
		    !memcmp(image + names->sh_offset + s->sh_name, name, n) &&
		    within(len, s->sh_offset, s->sh_size))
			return s;
	}
	return NULL;
}

int modinfo_each(const char *image, size_t len, int (*fn)(void *arg, const char *entry), void *arg)
{
	const Elf64_Shdr *s = find(image, len, ".modinfo");
	const char *at, *end;
	int r = 0;

	if (!s)
		return -ENOEXEC;
	at = image + s->sh_offset;
	end = at + s->sh_size;
	while (at < end && !r) {
		size_t n = strnlen(at, (size_t)(end - at));

		if (at + n == end) /* not ended: not an entry */
			break;
		if (n)
			r = fn(arg, at);
		at += n + 1;
	}
	return r;
}

const char *modinfo_value(const char *entry, const char *key)
{
	size_t n = strlen(key);

	return !strncmp(entry, key, n) && entry[n] == '=' ? entry + n + 1 : NULL;
}

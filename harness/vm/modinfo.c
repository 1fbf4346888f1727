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

/* Copied, since nothing in an image needs to be aligned. */
static bool section(const char *image, size_t len, const Elf64_Ehdr *head, unsigned index,
		    Elf64_Shdr *ret)
{
	uint64_t at = head->e_shoff + index * (uint64_t)sizeof(*ret);

	if (index >= head->e_shnum || head->e_shentsize != sizeof(*ret) ||
	    !within(len, at, sizeof(*ret)))
		return false;
	memcpy(ret, image + at, sizeof(*ret));
	return true;
}

static bool find(const char *image, size_t len, const char *name, Elf64_Shdr *ret)
{
	Elf64_Shdr names;
	Elf64_Ehdr head;

	if (len < sizeof(head))
		return false;
	memcpy(&head, image, sizeof(head));
	if (memcmp(head.e_ident, ELFMAG, SELFMAG) || head.e_ident[EI_CLASS] != ELFCLASS64)
		return false;
	if (!section(image, len, &head, head.e_shstrndx, &names) ||
	    !within(len, names.sh_offset, names.sh_size))
		return false;
	for (unsigned i = 0; section(image, len, &head, i, ret); i++) {
		size_t n = strlen(name) + 1;

		if (ret->sh_name < names.sh_size && names.sh_size - ret->sh_name >= n &&
		    !memcmp(image + names.sh_offset + ret->sh_name, name, n) &&
		    within(len, ret->sh_offset, ret->sh_size))
			return true;
	}
	return false;
}

int modinfo_each(const char *image, size_t len, int (*fn)(void *arg, const char *entry), void *arg)
{
	const char *at, *end;
	Elf64_Shdr s;
	int r = 0;

	if (!find(image, len, ".modinfo", &s))
		return -ENOEXEC;
	at = image + s.sh_offset;
	end = at + s.sh_size;
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

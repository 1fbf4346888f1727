// SPDX-License-Identifier: MIT
/*
 * Function and line of a code address. With debug information the chain of inlined functions is
 * followed: the line table says where the innermost one stands, and every inlined function says
 * where it was called (DWARF 5, 3.3.8.2). Without it the symbol table gives a name, and without a
 * symbol the file and the address in it remain.
 */
#include "probes/stacks/frame_name.h"

#include <dwarf.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "harness/util/cleanup.h"

#define TEXT_MAX 512

struct place {
	const char *file; /* may be NULL */
	int line;
};

int frame_open_file(const char *path, char **ret_name)
{
	_cleanup_close_ int fd = -1;
	struct stat st;

	if (*path != '/' || stat(path, &st) || !S_ISREG(st.st_mode))
		return -1;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	*ret_name = strdup(path);
	return *ret_name ? take_fd(fd) : -1;
}

static const char *base_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static bool append(cJSON *out, const char *text)
{
	cJSON *item = cJSON_CreateString(text);

	if (item && cJSON_AddItemToArray(out, item))
		return true;
	cJSON_Delete(item);
	return false;
}

static bool append_function(cJSON *out, const char *name, const char *module, struct place at)
{
	char text[TEXT_MAX];

	if (at.file && strstr(module, ".so"))
		snprintf(text, sizeof(text), "%s (%s:%d) [%s]", name, base_of(at.file), at.line,
			 module);
	else if (at.file)
		snprintf(text, sizeof(text), "%s (%s:%d)", name, base_of(at.file), at.line);
	else
		snprintf(text, sizeof(text), "%s [%s]", name, module);
	return append(out, text);
}

/* The compilation unit at an address. The index of addresses is gcc's only: without it every unit
 * is asked. */
static Dwarf_Die *unit_of(Dwfl_Module *mod, uint64_t address, Dwarf_Addr *bias)
{
	Dwarf_Die *cu = dwfl_module_addrdie(mod, address, bias);

	if (cu)
		return cu;
	while ((cu = dwfl_module_nextcu(mod, cu, bias)))
		if (dwarf_haspc(cu, address - *bias) > 0)
			return cu;
	return NULL;
}

static struct place line_of(Dwarf_Die *cu, uint64_t address)
{
	Dwarf_Line *line = cu ? dwarf_getsrc_die(cu, address) : NULL;
	struct place at = {NULL, 0};

	if (line && dwarf_lineno(line, &at.line) == 0)
		at.file = dwarf_linesrc(line, NULL, NULL);
	return at;
}

static bool attribute(Dwarf_Die *die, unsigned name, Dwarf_Word *ret)
{
	Dwarf_Attribute attr;

	return dwarf_attr(die, name, &attr) && dwarf_formudata(&attr, ret) == 0;
}

/* Where an inlined function was called. */
static struct place call_of(Dwarf_Die *inlined)
{
	struct place at = {NULL, 0};
	Dwarf_Word file, line;
	Dwarf_Files *files;
	Dwarf_Die cu;
	size_t n;

	if (!attribute(inlined, DW_AT_call_file, &file) ||
	    !attribute(inlined, DW_AT_call_line, &line) || !dwarf_diecu(inlined, &cu, NULL, NULL) ||
	    dwarf_getsrcfiles(&cu, &files, &n) || file >= n)
		return at;
	at.file = dwarf_filesrc(files, file, NULL, NULL);
	at.line = (int)line;
	return at;
}

static bool is_function(Dwarf_Die *die)
{
	int tag = dwarf_tag(die);

	return tag == DW_TAG_inlined_subroutine || tag == DW_TAG_subprogram;
}

/* The entries around the innermost function at an address, from the inside out as they lie in the
 * file. dwarf_getscopes() alone leaves an inlined function towards its definition. */
static int scopes_of(Dwarf_Die *cu, uint64_t address, Dwarf_Die **ret)
{
	_cleanup_free_ Dwarf_Die *inner = NULL;
	int n = cu ? dwarf_getscopes(cu, address, &inner) : 0;

	for (int i = 0; i < n; i++)
		if (is_function(&inner[i]))
			return dwarf_getscopes_die(&inner[i], ret);
	return 0;
}

/* `address`: in the file. Returns how many were added, or -1 without memory. */
static int append_chain(cJSON *out, Dwarf_Die *cu, const char *module, uint64_t address)
{
	_cleanup_free_ Dwarf_Die *scopes = NULL;
	int n = scopes_of(cu, address, &scopes), added = 0;
	struct place at = line_of(cu, address);

	for (int i = 0; i < n; i++) {
		const char *name = dwarf_diename(&scopes[i]);

		if (!is_function(&scopes[i]) || !name)
			continue;
		if (!append_function(out, name, module, at))
			return -1;
		added++;
		if (dwarf_tag(&scopes[i]) == DW_TAG_subprogram)
			break;
		at = call_of(&scopes[i]);
	}
	return added;
}

/* Assembler has lines, but no functions in its debug information. */
static bool append_symbol(cJSON *out, Dwfl_Module *mod, const char *module, uint64_t address,
			  struct place at)
{
	GElf_Off offset;
	GElf_Sym sym;
	const char *name = dwfl_module_addrinfo(mod, address, &offset, &sym, NULL, NULL, NULL);
	char text[TEXT_MAX];
	GElf_Addr bias = 0;

	if (name)
		return append_function(out, name, module, at);
	dwfl_module_getelf(mod, &bias);
	snprintf(text, sizeof(text), "[%s+0x%llx]", module, (unsigned long long)(address - bias));
	return append(out, text);
}

/* Code that was made at run time, or the vDSO: by its mapping. */
static bool append_mapping(cJSON *out, const struct procmap *map, uint64_t address)
{
	const char *name = map && map->name_len ? map->name : "anon";
	int len = map && map->name_len ? map->name_len : 4;
	char text[TEXT_MAX];

	if (*name == '[') {
		name++;
		len -= 2;
	}
	snprintf(text, sizeof(text), "[%.*s+0x%llx]", len, name,
		 (unsigned long long)(map ? address - map->start : address));
	return append(out, text);
}

cJSON *frame_names(Dwfl *dwfl, const struct procmap *map, uint64_t address)
{
	_cleanup_json_ cJSON *out = cJSON_CreateArray();
	Dwfl_Module *mod = dwfl_addrmodule(dwfl, address);
	Dwarf_Addr bias = 0;
	const char *module;
	Dwarf_Die *cu;
	int n;

	if (!out)
		return NULL;
	if (!mod)
		return append_mapping(out, map, address) ? take_ptr(out) : NULL;
	module = base_of(dwfl_module_info(mod, NULL, NULL, NULL, NULL, NULL, NULL, NULL));
	cu = unit_of(mod, address, &bias);
	n = append_chain(out, cu, module, address - bias);
	if (n < 0 || (!n && !append_symbol(out, mod, module, address, line_of(cu, address - bias))))
		return NULL;
	return take_ptr(out);
}

// SPDX-License-Identifier: MIT
/*
 * One Dwfl for the mapped files of a process; its "thread" is whatever sample is at hand: registers
 * come from there, and memory is the copied stack and nothing else. libdwfl follows .eh_frame or
 * .debug_frame, and the frame pointer where there is neither; since the latter invents addresses,
 * a frame counts only when it lies in code, and a stack is complete only when call frame
 * information says so. An address that was seen keeps its names: finding inlined functions walks
 * all of a compilation unit.
 */
#include "probes/stacks/unwind.h"

#include <elfutils/libdwfl.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "harness/util/cleanup.h"
#include "probes/stacks/frame_name.h"
#include "probes/stacks/procmaps.h"

#define TID	 1 /* the only thread there ever is */
#define REGS_MAX 32

const char *const unwind_end_text[UNWIND_ENDS] = {
	[UNWIND_COMPLETE] = "complete",
	[UNWIND_COPY_ENDS] = "copied stack too short",
	[UNWIND_TOO_DEEP] = "too many frames",
	[UNWIND_NO_CFI] = "code without call frame information",
	[UNWIND_LOST] = "return address outside code",
};

/* Which word of the kernel's struct pt_regs is DWARF register i (x86-64: psABI, figure 3.36; the
 * last one is the return address column, which libdwfl takes as the program counter). */
struct arch {
	const char *name;
	unsigned n_regs, sp;  /* sp: DWARF's number */
	unsigned system_call; /* word that is not negative in a system call */
	uint8_t word[REGS_MAX];
};

#if defined(__x86_64__)
static const struct arch arch = {
	.name = "x86-64",
	.n_regs = 17,
	.sp = 7,
	.system_call = 15,
	.word = {10, 12, 11, 5, 13, 14, 4, 19, 9, 8, 7, 6, 3, 2, 1, 0, 16},
};
#else
static const struct arch arch = {.name = NULL};
#endif

struct known {
	uint64_t address;
	cJSON *names;
};

struct unwinder {
	Dwfl *dwfl;
	struct procmap *maps;
	size_t n_maps;
	struct known *known;
	size_t n_known, room_known;
	/* of the sample at hand */
	const struct unwind_sample *sample;
	cJSON *frames;
	unsigned n_frames;
	uint64_t last_pc;
	/* of the step from the last frame on: libdwfl takes a return address that it cannot read
	 * for the end of the stack */
	bool not_read, copy_ended;
	bool no_memory;
	enum unwind_end end;
};

/* Regular files only: opening a device can hang or do things. */
static int find_elf(Dwfl_Module *mod, void **userdata, const char *name, Dwarf_Addr base,
		    char **file_name, Elf **elf)
{
	(void)mod;
	(void)userdata;
	(void)base;
	(void)elf;
	return frame_open_file(name, file_name);
}

static pid_t next_thread(Dwfl *dwfl, void *arg, void **thread_arg)
{
	(void)dwfl;
	if (*thread_arg)
		return 0;
	*thread_arg = arg;
	return TID;
}

static bool set_registers(Dwfl_Thread *thread, void *arg)
{
	const struct unwinder *u = arg;
	Dwarf_Word regs[REGS_MAX];

	for (unsigned i = 0; i < arch.n_regs; i++)
		regs[i] = u->sample->regs[arch.word[i]];
	return dwfl_thread_state_registers(thread, 0, arch.n_regs, regs);
}

static bool memory_read(Dwfl *dwfl, Dwarf_Addr address, Dwarf_Word *result, void *arg)
{
	struct unwinder *u = arg;
	const struct unwind_sample *s = u->sample;
	uint64_t offset = address - s->stack_base;
	const struct procmap *m;

	(void)dwfl;
	if (address >= s->stack_base && s->stack_bytes >= sizeof(*result) &&
	    offset <= s->stack_bytes - sizeof(*result)) {
		memcpy(result, (const char *)s->stack + offset, sizeof(*result));
		return true;
	}
	m = procmaps_find(u->maps, u->n_maps, s->regs[arch.word[arch.sp]]);
	u->not_read = true;
	u->copy_ended = m && address >= s->stack_base && address < m->end;
	return false;
}

static const Dwfl_Callbacks file_callbacks = {
	.find_elf = find_elf,
	.find_debuginfo = dwfl_build_id_find_debuginfo,
	.section_address = dwfl_offline_section_address,
};

static const Dwfl_Thread_Callbacks thread_callbacks = {
	.next_thread = next_thread,
	.memory_read = memory_read,
	.set_initial_registers = set_registers,
};

static int report_maps(Dwfl *dwfl, const char *maps)
{
	_cleanup_fclose_ FILE *f = fmemopen((void *)(uintptr_t)maps, strlen(maps), "r");

	if (!f)
		return -errno;
	dwfl_report_begin(dwfl);
	return dwfl_linux_proc_maps_report(dwfl, f) || dwfl_report_end(dwfl, NULL, NULL) ? -EINVAL
											 : 0;
}

static void cleanup_unwinder(struct unwinder **u)
{
	unwinder_close(*u);
}

int unwinder_open(const char *maps, struct unwinder **ret, struct err *err)
{
	_cleanup_(cleanup_unwinder) struct unwinder *u = NULL;

	if (!arch.name)
		return err_set(err, -ENOTSUP,
			       "user stacks: no table of registers for this architecture");
	u = calloc(1, sizeof(*u));
	if (!u)
		return err_sys(err, -ENOMEM, "user stacks");
	if (procmaps_parse(maps, &u->maps, &u->n_maps))
		return err_set(err, -EINVAL, "user stacks: these are no memory maps");
	u->dwfl = dwfl_begin(&file_callbacks);
	if (!u->dwfl || report_maps(u->dwfl, maps))
		return err_set(err, -EINVAL, "user stacks: %s", dwfl_errmsg(-1));
	if (!dwfl_attach_state(u->dwfl, NULL, TID, &thread_callbacks, u))
		return err_set(err, -ENOEXEC,
			       "user stacks: none of the mapped files can be read: %s",
			       dwfl_errmsg(-1));
	*ret = take_ptr(u);
	return 0;
}

void unwinder_close(struct unwinder *u)
{
	if (!u)
		return;
	for (size_t i = 0; i < u->n_known; i++)
		cJSON_Delete(u->known[i].names);
	free(u->known);
	if (u->dwfl)
		dwfl_end(u->dwfl);
	free(u->maps);
	free(u);
}

/* Names of one address: taken from what is known, or looked up and then known. */
static const cJSON *names_of(struct unwinder *u, uint64_t address)
{
	for (size_t i = 0; i < u->n_known; i++)
		if (u->known[i].address == address)
			return u->known[i].names;
	if (u->n_known == u->room_known) {
		size_t room = max_of(u->room_known * 2, (size_t)64);
		struct known *grown = reallocarray(u->known, room, sizeof(*grown));

		if (!grown)
			return NULL;
		u->known = grown;
		u->room_known = room;
	}
	u->known[u->n_known].address = address;
	u->known[u->n_known].names =
		frame_names(u->dwfl, procmaps_find(u->maps, u->n_maps, address), address);
	return u->known[u->n_known].names ? u->known[u->n_known++].names : NULL;
}

static int stop(struct unwinder *u, enum unwind_end end)
{
	u->end = end;
	return DWARF_CB_ABORT;
}

/* Several when functions were inlined. */
static bool add_frames(struct unwinder *u, uint64_t address)
{
	const cJSON *names = names_of(u, address), *name;

	if (!names)
		return false;
	cJSON_ArrayForEach (name, names) {
		cJSON *copy = cJSON_CreateString(name->valuestring);

		if (!copy || !cJSON_AddItemToArray(u->frames, copy)) {
			cJSON_Delete(copy);
			return false;
		}
	}
	return true;
}

/* A return address may belong to the next line, or to the next function. So may the innermost
 * one, behind the instruction that made a system call. */
static uint64_t standing_at(const struct unwinder *u, uint64_t pc, bool exact)
{
	if (!u->n_frames && (int64_t)u->sample->regs[arch.system_call] >= 0)
		exact = false;
	return exact ? pc : pc - 1;
}

static int on_frame(Dwfl_Frame *frame, void *arg)
{
	struct unwinder *u = arg;
	const struct procmap *m;
	bool exact;
	Dwarf_Addr pc;

	u->not_read = u->copy_ended = false;
	if (u->n_frames == UNWIND_FRAMES)
		return stop(u, UNWIND_TOO_DEEP);
	if (!dwfl_frame_pc(frame, &pc, &exact))
		return stop(u, UNWIND_LOST);
	u->last_pc = standing_at(u, pc, exact);
	m = procmaps_find(u->maps, u->n_maps, u->last_pc);
	if (!m || !m->exec)
		return stop(u, UNWIND_LOST);
	u->no_memory = !add_frames(u, u->last_pc);
	u->n_frames++;
	return u->no_memory ? DWARF_CB_ABORT : DWARF_CB_OK;
}

static bool has_cfi(struct unwinder *u, uint64_t address)
{
	Dwfl_Module *mod = dwfl_addrmodule(u->dwfl, address);
	_cleanup_free_ Dwarf_Frame *frame = NULL;
	Dwarf_Addr bias;
	Dwarf_CFI *cfi;

	if (!mod)
		return false;
	cfi = dwfl_module_eh_cfi(mod, &bias);
	if (cfi && dwarf_cfi_addrframe(cfi, address - bias, &frame) == 0)
		return true;
	cfi = dwfl_module_dwarf_cfi(mod, &bias);
	return cfi && dwarf_cfi_addrframe(cfi, address - bias, &frame) == 0;
}

/* Why there was no further frame. */
static enum unwind_end end_of(struct unwinder *u, int r)
{
	if (u->copy_ended)
		return UNWIND_COPY_ENDS;
	if (u->not_read)
		return UNWIND_LOST;
	return r == 0 && has_cfi(u, u->last_pc) ? UNWIND_COMPLETE : UNWIND_NO_CFI;
}

cJSON *unwinder_frames(struct unwinder *u, const struct unwind_sample *sample,
		       enum unwind_end *ret_end)
{
	_cleanup_json_ cJSON *frames = cJSON_CreateArray();
	int r;

	if (!frames)
		return NULL;
	u->sample = sample;
	u->frames = frames;
	u->n_frames = 0;
	u->last_pc = 0;
	u->not_read = u->copy_ended = u->no_memory = false;
	r = dwfl_getthread_frames(u->dwfl, TID, on_frame, u);
	u->sample = NULL;
	u->frames = NULL;
	if (u->no_memory)
		return NULL;
	*ret_end = r == DWARF_CB_ABORT ? u->end : end_of(u, r);
	return take_ptr(frames);
}

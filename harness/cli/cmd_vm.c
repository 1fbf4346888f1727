// SPDX-License-Identifier: MIT
/*
 * uhbench vm: a command in a virtual machine. It works as if it ran here: the files that it names
 * go in, stdout, stderr and the exit code come out, and so do the results. Everything about the
 * machine itself is said on stderr, behind "vm: ".
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/cli/history_write.h"
#include "harness/cli/interrupt.h"
#include "harness/cli/verbs.h"
#include "harness/cli/vm_command.h"
#include "harness/cli/vm_power.h"
#include "harness/util/cleanup.h"
#include "harness/util/nsec.h"
#include "harness/util/units.h"
#include "harness/vm/console.h"
#include "harness/vm/data_disk.h"
#include "harness/vm/vm.h"

#define MEMORY_DEFAULT "2G"
#define CPUS_MAX       255
#define TAIL_LINES     20

struct vm_verb_options {
	const char *kernel, *memory, *accel;
	uint64_t cpus, timeout_ns;
	struct option_words add, back, modules;
	struct vm_power_words power;
};

static const char *const accel_names[] = {"auto", "kvm", "tcg", "tcg-single", NULL};

static const struct option_row vm_rows[] = {
	{.name = "kernel",
	 .letter = 'k',
	 .arg = "KERNEL",
	 .kind = OPTION_STRING,
	 .offset = offsetof(struct vm_verb_options, kernel),
	 .help = "6.12 or 6.1: Debian's cloud kernel of that version; suite:NAME[:VERSION] from "
		 "another suite; or the path of a bzImage (default " VM_KERNEL_DEFAULT ")"},
	{.name = "cpus",
	 .arg = "N",
	 .kind = OPTION_UINT,
	 .offset = offsetof(struct vm_verb_options, cpus),
	 .min = 1,
	 .max = CPUS_MAX,
	 .help = "CPUs of the guest (default: as many as are online here)"},
	{.name = "memory",
	 .letter = 'm',
	 .arg = "SIZE",
	 .kind = OPTION_STRING,
	 .offset = offsetof(struct vm_verb_options, memory),
	 .help = "memory of the guest, half of which its files may fill (default " MEMORY_DEFAULT
		 ")"},
	{.name = "accel",
	 .arg = "ACCEL",
	 .kind = OPTION_CHOICE,
	 .choices = accel_names,
	 .offset = offsetof(struct vm_verb_options, accel),
	 .help = "kvm; tcg: software emulation, a thread for each CPU; tcg-single: one for all; auto: "
		 "kvm where a boot with it works, else tcg, or tcg-single for probes in an "
		 "emulator before QEMU 8.1 (default auto)"},
	{.name = "add",
	 .letter = 'a',
	 .arg = "FILE[:DEST]",
	 .kind = OPTION_WORDS,
	 .offset = offsetof(struct vm_verb_options, add),
	 .help = "a file, folder or program (with its libraries) that the guest needs too; may be "
		 "repeated"},
	{.name = "back",
	 .arg = "PATH",
	 .kind = OPTION_WORDS,
	 .offset = offsetof(struct vm_verb_options, back),
	 .help = "a file or folder that the command writes and that comes back; what -o names "
		 "does by itself; may be repeated"},
	{.name = "module",
	 .arg = "'NAME [P=V ...]'",
	 .kind = OPTION_WORDS,
	 .offset = offsetof(struct vm_verb_options, modules),
	 .help = "load this module too, with these parameters; may be repeated"},
	{.name = "disk",
	 .arg = "SIZE[,fs=FS]",
	 .kind = OPTION_STRING,
	 .offset = offsetof(struct vm_verb_options, power.disk),
	 .help = "a disk with a file system, ext4 or xfs, mounted at " DATA_DISK_FOLDER
		 " (with --power-cut 512M,fs=ext4 unless given)"},
	{.name = "power-cut",
	 .arg = "AFTER[..UNTIL]",
	 .kind = OPTION_STRING,
	 .offset = offsetof(struct vm_verb_options, power.cut),
	 .help = "cut the power that long (or a random time between the two) after a run's first "
		 "acknowledgement, and judge in a second boot what the disk kept"},
	{.name = "cuts",
	 .arg = "N",
	 .kind = OPTION_UINT,
	 .offset = offsetof(struct vm_verb_options, power.cuts),
	 .min = 1,
	 .max = CUTTER_MAX,
	 .help = "with more than one the machine goes on, and each run gives up to N images of "
		 "what the disk would have kept, as long apart (default 1)"},
	{.name = "seed",
	 .arg = "SEED",
	 .kind = OPTION_UINT,
	 .offset = offsetof(struct vm_verb_options, power.seed),
	 .help = "draw times and losses of power cuts from this (default: by chance, and told)"},
	{.name = "verdicts",
	 .arg = "FILE",
	 .kind = OPTION_STRING,
	 .offset = offsetof(struct vm_verb_options, power.verdicts),
	 .help = "write what became of each power cut to FILE, a line of JSON each"},
	{.name = "timeout",
	 .letter = 't',
	 .arg = "TIME",
	 .kind = OPTION_TIME,
	 .offset = offsetof(struct vm_verb_options, timeout_ns),
	 .min = NSEC_PER_MSEC,
	 .help = "end the command after TIME: SIGTERM, after 10 s the machine (default 1h)"},
	OPTION_END,
};

/* The first signal goes to the command; the second one ends us, and the machine. */
static void catch_signals(void)
{
	interrupt_catch(SIGINT);
	interrupt_catch(SIGTERM);
	interrupt_catch(SIGHUP);
	signal(SIGPIPE, SIG_IGN);
}

static void say(const char *text)
{
	fprintf(stderr, "vm: %s\n", text);
}

static enum exitcode exit_code_of(int error)
{
	switch (error) {
	case -EINVAL:
	case -ENOENT:
	case -ENOEXEC:
	case -EEXIST:
		return EXITCODE_USAGE;
	case -ENOPKG:
		return EXITCODE_NOTHING_RAN;
	default:
		return EXITCODE_VM;
	}
}

static void print_console(const char *console)
{
	const char *tail = console_tail(console, TAIL_LINES);

	if (!*tail) {
		fputs("vm: its console says nothing\n", stderr);
		return;
	}
	fputs("vm: the end of its console:\n", stderr);
	while (*tail) {
		size_t n = strcspn(tail, "\n");

		fprintf(stderr, "  | %.*s\n", (int)n, tail);
		tail += n + (tail[n] == '\n');
	}
}

/* A command's own end, as a shell would tell it. */
static int command_ended(const struct vm_outcome *o)
{
	int sig = WTERMSIG(o->status);

	if (o->status && strstr(o->console, "Out of memory: Killed process"))
		say("the guest had run out of memory: --memory gives more");
	if (WIFEXITED(o->status))
		return WEXITSTATUS(o->status);
	fprintf(stderr, "vm: the command was killed by signal %d (%s)\n", sig, strsignal(sig));
	return 128 + sig;
}

static int tell(const struct vm_outcome *o)
{
	switch (o->end) {
	case VM_EXITED:
		return command_ended(o);
	case VM_CUT:
		say("the power was cut");
		return EXITCODE_OK;
	case VM_NO_COMMAND:
		return verb_fail(EXITCODE_USAGE, "vm: in the guest: %s", o->text);
	case VM_INTERRUPTED:
		return verb_fail(EXITCODE_INTERRUPTED, "vm: %s", o->text);
	default:
		verb_fail(EXITCODE_VM, "vm: %s", o->text);
		print_console(o->console);
		return EXITCODE_VM;
	}
}

/* The guest's files are in its memory, and come out at the end. */
static void tell_lost(const struct vm_outcome *o, const struct vm_command *command)
{
	if (o->end != VM_PANIC && o->end != VM_HUNG && o->end != VM_LOST && o->end != VM_BROKEN)
		return;
	for (unsigned i = 0; i < command->n_back; i++)
		fprintf(stderr, "vm: %s went with the machine, whatever was in it by then\n",
			command->back[i]);
}

/* `p`: NULL when there is no disk. */
static int boot_in(struct vm *vm, const struct vm_command *command, const struct vm_verb_options *o,
		   struct power *p, const struct power_options *po)
{
	struct vm_boot boot = {.command = command->words,
			       .back = command->back,
			       .timeout_ns = o->timeout_ns,
			       .interrupted = &interrupt_seen,
			       .wake_fd = -1};
	_cleanup_free_ struct vm_outcome *outcome = calloc(1, sizeof(*outcome));
	char *words[POWER_WORDS_MAX];
	struct err err = {""};
	int r = outcome ? 0 : err_set(&err, -ENOMEM, "out of memory");

	if (!r && p)
		r = power_attach(p, &boot, words, &err);
	if (!r)
		r = vm_boot(vm, &boot, outcome, &err);
	if (r)
		return verb_fail(exit_code_of(r), "vm: %s", err.text);
	r = tell(outcome);
	tell_lost(outcome, command);
	return p ? vm_power_judge(p, po, o->power.verdicts, vm, &boot, outcome, r) : r;
}

static int run_in(const struct vm_options *options, const struct vm_command *command,
		  const struct vm_verb_options *o)
{
	struct power_options po;
	struct power *p = NULL;
	struct vm *vm = NULL;
	struct err err = {""};
	time_t since = time(NULL);
	int r = vm_power_make(&o->power, &po, &p, &err);

	if (!r)
		r = vm_prepare(options, &vm, &err);
	if (r) {
		r = verb_fail(exit_code_of(r), "vm: %s", err.text);
	} else {
		catch_signals();
		r = boot_in(vm, command, o, p, &po);
		history_note_since(command->back, since);
	}
	power_free(p);
	vm_free(vm);
	return r;
}

static int choose(const struct vm_verb_options *o, struct vm_options *vm)
{
	uint64_t machine = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);

	for (unsigned i = 0; accel_names[i]; i++)
		if (!strcmp(o->accel, accel_names[i]))
			vm->accel = (enum vm_accel)i;
	if (units_parse_size(o->memory, &vm->memory_bytes))
		return verb_fail(EXITCODE_USAGE,
				 "vm: --memory: \"%s\" is not a size (512M, 2G, ...)", o->memory);
	if (vm->memory_bytes < VM_MEMORY_MIN || vm->memory_bytes & ((1u << 20) - 1))
		return verb_fail(EXITCODE_USAGE,
				 "vm: --memory: %s is not whole megabytes from 256M on", o->memory);
	if (vm->memory_bytes > machine)
		return verb_fail(EXITCODE_USAGE, "vm: --memory: %s is more than this machine has",
				 o->memory);
	vm->kernel = o->kernel;
	vm->cpus = (unsigned)o->cpus;
	vm->modules = o->modules.words;
	vm->n_modules = o->modules.n;
	vm->say = say;
	return VERB_GO_ON;
}

static int vm_run(const struct registry *reg, int argc, char **argv)
{
	struct vm_verb_options o = {.kernel = VM_KERNEL_DEFAULT,
				    .memory = MEMORY_DEFAULT,
				    .accel = "auto",
				    .cpus = (uint64_t)sysconf(_SC_NPROCESSORS_ONLN),
				    .timeout_ns = 3600 * NSEC_PER_SEC,
				    .power.seed = VM_POWER_NO_SEED};
	struct vm_command command = {{NULL}};
	struct vm_options options = {.accel = VM_ACCEL_AUTO};
	const char *operands[VM_OPERANDS_MAX];
	char **words = NULL;
	struct err err = {""};
	int rc, r;

	(void)reg;
	for (int i = 1; i < argc && !words; i++)
		if (!strcmp(argv[i], "--"))
			words = &argv[i];
	rc = verb_parse(&cmd_vm, words ? (int)(words - argv) : argc, argv, &o, operands);
	if (rc == VERB_GO_ON && operands[0])
		rc = verb_fail(EXITCODE_USAGE, "vm: the command stands behind \"--\": -- %s ...",
			       operands[0]);
	if (rc == VERB_GO_ON && (!words || !words[1]))
		rc = verb_fail(EXITCODE_USAGE, "vm: there is no command: -- and a verb of uhbench, "
					       "or a program");
	if (rc == VERB_GO_ON)
		rc = choose(&o, &options);
	if (rc != VERB_GO_ON)
		return rc;
	r = vm_command_make(words + 1, &o.add, &o.back, &command, &err);
	if (r)
		return verb_fail(exit_code_of(r), "vm: %s", err.text);
	options.add = command.add;
	options.n_add = command.n_add;
	options.patches_code = command.probes;
	return run_in(&options, &command, &o);
}

const struct verb cmd_vm = {
	.name = "vm",
	.help = "run any of this, or a program, in a virtual machine with a kernel of your choice",
	.operands = "[options] -- COMMAND...",
	.operands_max = VM_OPERANDS_MAX,
	.options = vm_rows,
	.run = vm_run,
};

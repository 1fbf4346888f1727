// SPDX-License-Identifier: MIT
/*
 * What a machine is made of, and booting it. The guest's init is this very program, so both ends of
 * the port are always of one build. A file from outside lies inside where it lies outside, and the
 * command runs in the caller's folder, so that a command line means the same on both sides.
 */
#include "harness/vm/vm.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/util/cleanup.h"
#include "harness/util/nsec.h"
#include "harness/vm/accel.h"
#include "harness/vm/busybox.h"
#include "harness/vm/kernel.h"
#include "harness/vm/modules.h"
#include "harness/vm/path.h"
#include "harness/vm/qemu.h"
#include "harness/vm/tool.h"
#include "harness/vm/tree.h"
#include "harness/vm/watch.h"

#define INIT		"/bin/uhbench"
#define INIT_ARGUMENT	"vm-guest"
#define BOOT_TIMEOUT_NS (240 * NSEC_PER_SEC) /* some 4 s where nothing else runs */
#define KVM_TRY_NS	(8 * NSEC_PER_SEC)
#define BOOT_TRIES	3 /* of a guest that never comes up */

struct vm {
	struct vm_options options;
	struct kernel kernel;
	int initramfs;
};

static int add_base(struct tree *tree, struct err *err)
{
	static const char *const folders[] = {"/dev", "/proc", "/sys", "/tmp",	  "/run",
					      "/mnt", "/root", "/var", "/var/tmp"};
	static const struct {
		const char *path, *text;
	} texts[] = {
		{"/etc/passwd", "root:x:0:0:root:/root:/bin/sh\n"
				"nobody:x:65534:65534:nobody:/:/bin/false\n"},
		{"/etc/group", "root:x:0:\nnogroup:x:65534:\n"},
		{"/etc/hosts", "127.0.0.1 localhost\n::1 localhost\n"},
	};
	int r = 0;

	for (size_t i = 0; i < array_size(folders) && !r; i++)
		r = tree_folder(tree, folders[i], err);
	for (size_t i = 0; i < array_size(texts) && !r; i++)
		r = tree_text(tree, texts[i].path, texts[i].text, err);
	return r;
}

/* This very program, where init is and where it is outside. */
static int add_self(struct tree *tree, struct err *err)
{
	char self[PATH_MAX], running[32];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	int r;

	if (n < 0)
		return err_sys(err, -errno, "/proc/self/exe");
	self[n] = 0;
	/* It may be replaced at any time; what runs stays a file. */
	snprintf(running, sizeof(running), "/proc/%d/exe", getpid());
	r = tree_file(tree, INIT, running, err);
	return r || access(self, X_OK) ? r : tree_link(tree, self, INIT, err);
}

/* "PATH" or "PATH:DEST". */
static int add_named(struct tree *tree, const char *word, struct err *err)
{
	_cleanup_free_ char *from = strdup(word);
	char inside[PATH_MAX], found[PATH_MAX];
	char *colon = from ? strrchr(from, ':') : NULL;
	int r;

	if (!from)
		return err_set(err, -ENOMEM, "out of memory");
	if (access(word, F_OK) && colon) {
		*colon = 0;
		if (colon[1] != '/')
			return err_set(err, -EINVAL,
				       "--add %s: where it goes has to begin with a slash", word);
	} else {
		colon = NULL;
	}
	if (access(from, F_OK) && !tool_find(from, found, sizeof(found))) {
		free(from);
		from = strdup(found); /* a program's name, as a shell would find it */
	}
	if (!from || access(from, R_OK))
		return err_sys(err, from ? -errno : -ENOMEM, "--add %s", word);
	r = path_inside(colon ? word + (colon - from) + 1 : from, inside, sizeof(inside), err);
	return r ? r : tree_add(tree, inside, from, err);
}

static int gather(const struct vm_options *o, const struct kernel *k, struct tree *tree,
		  struct err *err)
{
	_cleanup_free_ char *folder = getcwd(NULL, 0);
	int r = folder ? add_base(tree, err) : err_sys(err, -errno, "this folder");

	if (!r && !path_is_kernels(folder))
		r = tree_folder(tree, folder, err);
	if (!r)
		r = add_self(tree, err);
	for (unsigned i = 0; i < o->n_add && !r; i++)
		r = add_named(tree, o->add[i], err);
	if (!r)
		r = busybox_add(tree, err);
	if (!r)
		r = modules_add(tree, k->modules[0] ? k->modules : NULL, k->release, o->modules,
				o->n_modules, err);
	return r;
}

static void cleanup_tree(struct tree **t)
{
	tree_free(*t);
}

static void cleanup_vm(struct vm **vm)
{
	vm_free(*vm);
}

/* Before anything is fetched. */
static int check_machine(const struct vm_options *o, struct err *err)
{
	char path[PATH_MAX];

	if (o->memory_bytes < VM_MEMORY_MIN)
		return err_set(err, -EINVAL, "memory: less than 256M is not enough for a guest");
	if (tool_find(QEMU_PROGRAM, path, sizeof(path)))
		return err_set(err, -ENOPKG,
			       "there is no " QEMU_PROGRAM " here (Debian: qemu-system-x86)");
	return 0;
}

/* The kernel gives at most half of the memory to what it unpacks. */
static int check_room(const struct vm_options *o, int initramfs, struct err *err)
{
	struct stat st;

	if (fstat(initramfs, &st))
		return err_sys(err, -errno, "initramfs");
	if ((uint64_t)st.st_size <= o->memory_bytes / 2)
		return 0;
	return err_set(err, -EINVAL,
		       "memory: the files for the guest are %llu MiB, and may fill half of its "
		       "%llu MiB",
		       (unsigned long long)st.st_size >> 20,
		       (unsigned long long)o->memory_bytes >> 20);
}

int vm_prepare(const struct vm_options *options, struct vm **ret, struct err *err)
{
	_cleanup_(cleanup_vm) struct vm *vm = calloc(1, sizeof(*vm));
	_cleanup_(cleanup_tree) struct tree *tree = NULL;
	int r;

	if (!vm)
		return err_set(err, -ENOMEM, "out of memory");
	vm->initramfs = -1;
	vm->options = *options;
	r = check_machine(options, err);
	if (!r)
		r = kernel_find(options->kernel, options->say, &vm->kernel, err);
	if (!r)
		r = tree_new(&tree, err);
	if (!r)
		r = gather(options, &vm->kernel, tree, err);
	if (!r)
		r = tree_pack(tree, &vm->initramfs, err);
	if (!r)
		r = check_room(options, vm->initramfs, err);
	if (!r)
		*ret = take_ptr(vm);
	return r;
}

void vm_free(struct vm *vm)
{
	if (!vm)
		return;
	cleanup_close(&vm->initramfs);
	free(vm);
}

const char *vm_release(const struct vm *vm)
{
	return vm->kernel.release;
}

static void say(const struct vm *vm, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void say(const struct vm *vm, const char *fmt, ...)
{
	char text[ERR_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (vm->options.say)
		vm->options.say(text);
}

struct booting {
	const struct vm *vm;
	enum qemu_how how;
	const char *no_kvm; /* a reason; "": it was not wanted */
};

static void is_up(void *arg, double up_s)
{
	static const char *const by[] = {
		[QEMU_KVM] = "by KVM",
		[QEMU_THREADS] = "emulated: times inside are relative",
		[QEMU_ONE_THREAD] = "emulated in one thread: times inside are relative"};
	const struct booting *b = arg;

	say(b->vm, "%s up after %.1f s, %s%s%s%s", vm_release(b->vm), up_s, by[b->how],
	    *b->no_kvm ? " (" : "", b->no_kvm, *b->no_kvm ? ")" : "");
}

static int boot_once(struct vm *vm, const struct vm_boot *boot, struct booting booting,
		     uint64_t timeout_ns, struct vm_outcome *ret, struct err *err)
{
	struct qemu_options qo = {.kernel = vm->kernel.image,
				  .initramfs = vm->initramfs,
				  .cpus = vm->options.cpus,
				  .memory_bytes = vm->options.memory_bytes,
				  .how = booting.how,
				  .init = INIT,
				  .init_argument = INIT_ARGUMENT,
				  .more = boot->qemu,
				  .ports = boot->ports,
				  .n_ports = boot->n_ports};
	struct watch_options wo = {.boot = boot,
				   .boot_timeout_ns = timeout_ns,
				   .up = is_up,
				   .arg = &booting,
				   .say = vm->options.say};
	_cleanup_(qemu_close) struct qemu q = {.pidfd = -1, .console = -1, .port = -1};
	int r = qemu_start(&q, &qo, err);

	if (!r)
		r = watch(&q, &wo, ret, err);
	return r;
}

/* Did it fail before the command began, and by no will of anybody? */
static bool never_came_up(const struct vm_outcome *o)
{
	return !o->up_s &&
	       (o->end == VM_HUNG || o->end == VM_LOST || o->end == VM_PANIC || o->end == VM_CLOCK);
}

/* KVM, where it is there and was not found to be broken. 1 when it was booted, and *ret is true; 0
 * with the reason why not. */
static int try_kvm(struct vm *vm, const struct vm_boot *boot, enum accel_answer answer,
		   struct vm_outcome *ret, struct err *why, struct err *err)
{
	uint64_t patience = answer == ACCEL_TRY ? KVM_TRY_NS : BOOT_TIMEOUT_NS;
	int r;

	if (answer == ACCEL_NO)
		return 0;
	r = boot_once(vm, boot, (struct booting){vm, QEMU_KVM, ""}, patience, ret, err);
	if (r)
		return r;
	if (!never_came_up(ret)) {
		if (ret->up_s && answer == ACCEL_TRY)
			accel_keep(true);
		return 1;
	}
	err_set(why, 0, "KVM did not bring it up: %s", ret->text);
	return 0;
}

static enum qemu_how emulation(const struct vm *vm)
{
	if (vm->options.accel == VM_ACCEL_ONE_THREAD)
		return QEMU_ONE_THREAD;
	if (vm->options.accel == VM_ACCEL_TCG || !vm->options.patches_code || qemu_keeps_code())
		return QEMU_THREADS;
	return QEMU_ONE_THREAD;
}

/* Kernels change their own code while they boot, too, which an old emulator may run stale; and on a
 * busy machine a guest may take too long. Nothing has happened in it yet, so it is tried again: as
 * before, then in one thread, unless threads were asked for. */
static int emulate(struct vm *vm, const struct vm_boot *boot, const char *no_kvm,
		   struct vm_outcome *ret, struct err *err)
{
	enum qemu_how how = emulation(vm);
	int r;

	for (unsigned tries = 1;; tries++) {
		r = boot_once(vm, boot, (struct booting){vm, how, no_kvm}, BOOT_TIMEOUT_NS, ret,
			      err);
		if (r || !never_came_up(ret) || tries == BOOT_TRIES)
			return r;
		if (tries == BOOT_TRIES - 1 && vm->options.accel != VM_ACCEL_TCG)
			how = QEMU_ONE_THREAD;
		say(vm, "the guest did not come up: %s: once more%s", ret->text,
		    how == QEMU_ONE_THREAD ? ", in one thread" : "");
	}
}

/* KVM is to blame when the same machine comes up without it, and was never seen to work. */
static void blame_kvm(const struct vm *vm, enum accel_answer answer, const struct vm_outcome *o)
{
	if (vm->options.accel == VM_ACCEL_AUTO && answer == ACCEL_TRY && o->up_s)
		accel_keep(false);
}

int vm_boot(struct vm *vm, const struct vm_boot *boot, struct vm_outcome *ret, struct err *err)
{
	enum accel_answer answer = ACCEL_NO;
	struct err why = {""};
	int r;

	if (vm->options.accel == VM_ACCEL_KVM)
		return boot_once(vm, boot, (struct booting){vm, QEMU_KVM, ""}, BOOT_TIMEOUT_NS, ret,
				 err);
	if (vm->options.accel == VM_ACCEL_AUTO) {
		answer = accel_kvm(&why);
		r = try_kvm(vm, boot, answer, ret, &why, err);
		if (r)
			return min_of(r, 0);
	}
	r = emulate(vm, boot, why.text, ret, err);
	if (r)
		return r;
	blame_kvm(vm, answer, ret);
	if (ret->end == VM_PANIC && ret->up_s && emulation(vm) == QEMU_THREADS &&
	    !qemu_keeps_code())
		say(vm,
		    "this emulator, from before QEMU 8.1, may run stale code where a kernel changes "
		    "its own, as probes make it do: if that can be it, --accel tcg-single");
	return 0;
}

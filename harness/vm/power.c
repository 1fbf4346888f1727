// SPDX-License-Identifier: MIT
/*
 * The two boots. In the second one the images lie behind one another on one disk, and behind the
 * last of them the stream of acknowledgements, of which each image has a share of its own: what had
 * come by the time of its cut. A loop device makes a disk of each image in turn.
 */
#include "harness/vm/power.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness/util/cleanup.h"
#include "harness/vm/data_disk.h"

#define ACKS_PORT    "acks"
#define VERDICT_PORT "verdicts"
#define NUMBER_MAX   24

/* The driver may be a module, which nobody else asks for, or part of the kernel. */
#define FIND_DISK                           \
	"modprobe virtio_blk 2>/dev/null\n" \
	"mkdir -p " DATA_DISK_FOLDER "\n"

/* $1: file system. */
#define MOUNT_SCRIPT                                                                 \
	FIND_DISK "mount -t \"$1\" " DATA_DISK_DEVICE " " DATA_DISK_FOLDER " || {\n" \
		  "	echo \"vm: the disk cannot be mounted\" >&2; exit 125; }\n"      \
		  "shift\n"                                                          \
		  "exec \"$@\"\n"

/* $1: file system, $2: bytes of an image, $3...: bytes of the stream that go with each. One line
 * for each: JSON, or why it could not be judged. */
#define JUDGE_SCRIPT                                                                         \
	FIND_DISK "exec >/dev/virtio-ports/" VERDICT_PORT "\n"                               \
		  "set -f\n"                                                                 \
		  "fs=$1 size=$2 at=0\n"                                                     \
		  "shift 2\n"                                                                \
		  "stream=$((size * $# / 4096))\n"                                           \
		  "judge() {\n"                                                              \
		  "	dd if=" DATA_DISK_DEVICE " bs=4096 skip=$stream 2>/dev/null |\n"     \
		  "		head -c $1 >/tmp/acks\n"                                                \
		  "	uhbench replay --json /tmp/acks 2>/tmp/said\n"                           \
		  "	case $? in 0 | 4 | 7) ;; *) echo unjudged: $(cat /tmp/said) ;; esac\n"   \
		  "}\n"                                                                      \
		  "for acks; do\n"                                                           \
		  "	if why=$(losetup -o $at /dev/loop0 " DATA_DISK_DEVICE " 2>&1 &&\n"   \
		  "		 mount -t $fs /dev/loop0 " DATA_DISK_FOLDER " 2>&1); then\n" \
		  "		judge $acks\n"                                                          \
		  "		umount " DATA_DISK_FOLDER "\n"                               \
		  "	else\n"                                                                  \
		  "		echo unmountable: $why\n"                                               \
		  "	fi\n"                                                                    \
		  "	losetup -d /dev/loop0\n"                                                 \
		  "	at=$((at + size))\n"                                                     \
		  "done\n"

struct power {
	struct power_options o;
	struct data_disk *disk;
	struct cutter *cutter; /* NULL: no failures */
	struct vm_port port;
};

int power_new(const struct power_options *o, struct power **ret, struct err *err)
{
	struct cutter_options c = {.after_ns = o->after_ns,
				   .until_ns = o->until_ns,
				   .cuts = o->cuts,
				   .seed = o->seed,
				   .disk_bytes = o->disk_bytes};
	struct power *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return err_set(err, -ENOMEM, "out of memory");
	*p = (struct power){.o = *o};
	r = data_disk_new(o->fs, o->disk_bytes, &p->disk, err);
	if (!r && o->cuts)
		r = cutter_start(&c, data_disk_volatile(p->disk), &p->cutter, err);
	if (!r)
		*ret = p;
	else
		power_free(p);
	return r;
}

void power_free(struct power *p)
{
	struct err ignored;

	if (!p)
		return;
	cutter_free(p->cutter);
	data_disk_end(p->disk, &ignored);
	free(p);
}

/* "sh -c SCRIPT sh FS" and the rest. */
static int wrap(const char *script, const char *fs, char *const *rest, char **words,
		struct err *err)
{
	const char *const head[] = {"sh", "-c", script, "sh", fs};
	unsigned n = 0;

	for (; n < array_size(head); n++)
		words[n] = (char *)head[n];
	for (; *rest && n < POWER_WORDS_MAX - 1; n++)
		words[n] = *rest++;
	words[n] = NULL;
	return *rest ? err_set(err, -E2BIG, "more than %d words for the guest", POWER_WORDS_MAX)
		     : 0;
}

int power_attach(struct power *p, struct vm_boot *boot, char **words, struct err *err)
{
	int r = wrap(MOUNT_SCRIPT, p->o.fs, boot->command, words, err);

	if (r)
		return r;
	boot->command = words;
	boot->qemu = data_disk_qemu(p->disk);
	boot->wake_fd = -1;
	if (!p->cutter)
		return 0;
	p->port = (struct vm_port){.name = ACKS_PORT, .fd = cutter_port(p->cutter)};
	boot->ports = &p->port;
	boot->n_ports = 1;
	boot->cut = cutter_is_done;
	boot->arg = p->cutter;
	boot->wake_fd = cutter_wake_fd(p->cutter);
	return 0;
}

int power_end(struct power *p, struct err *err)
{
	struct err second;
	int r = p->cutter ? cutter_stop(p->cutter, err) : 0;
	int e = data_disk_end(take_ptr(p->disk), &second);

	if (!r && e)
		*err = second;
	return r ? r : e;
}

unsigned power_runs(const struct power *p)
{
	return p->cutter ? cutter_runs(p->cutter) : 0;
}

void power_each_run(const struct power *p, cutter_run_fn fn, void *arg)
{
	if (p->cutter)
		cutter_each_run(p->cutter, fn, arg);
}

const struct cut *power_cuts(const struct power *p, unsigned *ret_n)
{
	*ret_n = 0;
	return p->cutter ? cutter_cuts(p->cutter, ret_n) : NULL;
}

/* Writes the stream behind the images, and rounds up. Returns the bytes of it all in *ret. */
static int add_acks(const struct power *p, unsigned n, uint64_t *ret, struct err *err)
{
	uint64_t at = n * p->o.disk_bytes;
	int fd = cutter_images(p->cutter);
	size_t len, done = 0;
	const char *text = cutter_acks(p->cutter, &len);

	*ret = at + (len + 4095) / 4096 * 4096;
	if (ftruncate(fd, (off_t)*ret))
		return err_sys(err, -errno, "images");
	while (done < len) {
		ssize_t w = pwrite(fd, text + done, len - done, (off_t)(at + done));

		if (w < 0 && errno != EINTR)
			return err_sys(err, -errno, "images");
		done += w > 0 ? (size_t)w : 0;
	}
	return 0;
}

/* What the guest has said by now. */
struct judged {
	int port[2];
	FILE *f;
	char *text;
	size_t len;
};

static bool listen_to_judge(void *arg)
{
	struct judged *j = arg;
	char data[4096];
	ssize_t n;

	while ((n = recv(j->port[0], data, sizeof(data), MSG_DONTWAIT)) > 0)
		fwrite(data, 1, (size_t)n, j->f);
	return false;
}

static int judged_open(struct judged *j, struct err *err)
{
	j->f = open_memstream(&j->text, &j->len);
	if (!j->f || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, j->port))
		return err_sys(err, -errno, "verdicts");
	return 0;
}

static void judged_close(struct judged *j)
{
	if (j->f)
		fclose(j->f);
	free(j->text);
	cleanup_close(&j->port[0]);
	cleanup_close(&j->port[1]);
}

/* A line that is no JSON begins with the verdict's name and a colon. */
static cJSON *read_verdict(const char *line)
{
	cJSON *o = cJSON_Parse(line);
	const char *colon = strchr(line, ':');
	bool unmountable = !strncmp(line, "unmountable:", 12);

	if (cJSON_IsObject(o))
		return o;
	cJSON_Delete(o);
	o = cJSON_CreateObject();
	cJSON_AddStringToObject(o, "verdict", unmountable ? "unmountable" : "unjudged");
	cJSON_AddStringToObject(o, "reason", colon ? colon + 1 + (colon[1] == ' ') : line);
	return o;
}

/* Where the judge ended too early the rest has none. */
static int read_verdicts(struct judged *j, unsigned n, cJSON **verdicts, struct err *err)
{
	char *rest, *line;
	unsigned i = 0;

	listen_to_judge(j);
	if (fflush(j->f))
		return err_set(err, -ENOMEM, "out of memory");
	rest = j->text;
	while (i < n && (line = strsep(&rest, "\n")) && rest)
		verdicts[i++] = read_verdict(line);
	while (i < n)
		verdicts[i++] = read_verdict("unjudged: the judge ended before it came to this");
	return 0;
}

static int boot_judge(struct power *p, struct vm *vm, const struct vm_boot *like,
		      struct data_disk *disk, struct judged *j, struct vm_outcome *outcome,
		      struct err *err)
{
	unsigned n;
	const struct cut *cuts = power_cuts(p, &n);
	char numbers[CUTTER_MAX + 1][NUMBER_MAX], *rest[CUTTER_MAX + 2] = {NULL};
	char *words[POWER_WORDS_MAX];
	struct vm_port port = {.name = VERDICT_PORT, .fd = j->port[1]};
	struct vm_boot boot = {.command = words,
			       .timeout_ns = like->timeout_ns,
			       .interrupted = like->interrupted,
			       .qemu = data_disk_qemu(disk),
			       .ports = &port,
			       .n_ports = 1,
			       .cut = listen_to_judge,
			       .arg = j,
			       .wake_fd = j->port[0]};
	int r;

	for (unsigned i = 0; i <= n; i++) {
		snprintf(numbers[i], NUMBER_MAX, "%llu",
			 i ? (unsigned long long)cuts[i - 1].acks
			   : (unsigned long long)p->o.disk_bytes);
		rest[i] = numbers[i];
	}
	r = wrap(JUDGE_SCRIPT, p->o.fs, rest, words, err);
	return r ? r : vm_boot(vm, &boot, outcome, err);
}

int power_judge(struct power *p, struct vm *vm, const struct vm_boot *like, cJSON **verdicts,
		struct vm_outcome *outcome, struct err *err)
{
	_cleanup_(judged_close) struct judged j = {.port = {-1, -1}};
	struct data_disk *disk = NULL;
	struct err second;
	uint64_t bytes;
	unsigned n;
	int r, e;

	power_cuts(p, &n);
	r = add_acks(p, n, &bytes, err);
	if (!r)
		r = judged_open(&j, err);
	if (!r)
		r = data_disk_of_file(cutter_images(p->cutter), bytes, &disk, err);
	if (r)
		return r;
	r = boot_judge(p, vm, like, disk, &j, outcome, err);
	e = data_disk_end(disk, &second);
	if (!r && e)
		*err = second;
	r = r ? r : e;
	return r || outcome->end != VM_EXITED ? r : read_verdicts(&j, n, verdicts, err);
}

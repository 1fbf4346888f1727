// SPDX-License-Identifier: MIT
/* The parts of a virtual machine that need none: frames, paths, what may come back, the console,
 * the archive, what modules and sources of apt say. */
#include <elf.h>
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/util/cleanup.h"
#include "harness/util/fs.h"
#include "harness/util/nsec.h"
#include "harness/vm/console.h"
#include "harness/vm/cpio.h"
#include "harness/vm/fetch.h"
#include "harness/vm/guest_clock.h"
#include "harness/vm/guest_kmsg.h"
#include "harness/vm/modinfo.h"
#include "harness/vm/path.h"
#include "harness/vm/receive.h"
#include "harness/vm/tool.h"
#include "harness/vm/wire.h"

static struct wire_reader reader;

static int read_frame(int fd)
{
	int r;

	do
		r = wire_read(fd, &reader);
	while (!r);
	return r;
}

static void test_frames(void **state)
{
	struct wire_head head = {WIRE_EXIT + 1, 0};
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(wire_text(fds[1], WIRE_STDOUT, "some"), 0);
	assert_int_equal(wire_send(fds[1], WIRE_BEAT, NULL, 0), 0);
	assert_int_equal(wire_send(fds[1], WIRE_DATA, "", WIRE_MAX + 1), -EMSGSIZE);
	assert_int_equal(read_frame(fds[0]), 1);
	assert_int_equal(reader.head.type, WIRE_STDOUT);
	assert_string_equal(reader.payload, "some");
	assert_int_equal(read_frame(fds[0]), 1);
	assert_int_equal(reader.head.type, WIRE_BEAT);
	assert_int_equal(reader.head.len, 0);
	/* one that cannot be: by its type, by its length */
	assert_int_equal(write(fds[1], &head, sizeof(head)), sizeof(head));
	assert_int_equal(read_frame(fds[0]), -EPROTO);
	memset(&reader, 0, sizeof(reader));
	head = (struct wire_head){WIRE_DATA, WIRE_MAX + 1};
	assert_int_equal(write(fds[1], &head, sizeof(head)), sizeof(head));
	assert_int_equal(read_frame(fds[0]), -EPROTO);
	memset(&reader, 0, sizeof(reader));
	close(fds[1]);
	assert_int_equal(read_frame(fds[0]), -EPIPE);
	close(fds[0]);
}

static void test_paths(void **state)
{
	static const struct {
		const char *path, *inside;
	} rows[] = {
		{"/a/b", "/a/b"},    {"/a//b/", "/a/b"},  {"/a/./b/../c", "/a/c"},
		{"/../a", "/a"},     {"/dev/null", NULL}, {"/proc", NULL},
		{"/", NULL},	     {"/a/..", NULL},	  {"/device", "/device"},
		{"/a/../sys", NULL},
	};
	char inside[PATH_MAX], here[PATH_MAX];

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		int r = path_inside(rows[i].path, inside, sizeof(inside), NULL);

		assert_int_equal(r, rows[i].inside ? 0 : -EINVAL);
		if (!r)
			assert_string_equal(inside, rows[i].inside);
	}
	assert_non_null(getcwd(here, sizeof(here)));
	assert_int_equal(path_inside("x/../y", inside, sizeof(inside), NULL), 0);
	assert_int_equal(strncmp(inside, here, strlen(here)), 0);
	assert_string_equal(inside + strlen(here), "/y");
	assert_int_equal(path_inside("/long/path", inside, 8, NULL), -ENAMETOOLONG);
}

static void test_only_what_was_asked_for_comes_back(void **state)
{
	static const char *const wrong[] = {"/etc/x",		"../x",	   "out/../x",
					    "out/a/../../../x", "outer/x", ""};
	static const char *const back[] = {"out", NULL};
	struct receive r = {.back = back, .fd = -1};
	char dir[] = "/tmp/uhbench-receive-XXXXXX", text[16];

	(void)state;
	assert_non_null(mkdtemp(dir));
	assert_int_equal(chdir(dir), 0);
	for (size_t i = 0; i < array_size(wrong); i++)
		assert_int_equal(receive_file(&r, wrong[i], 0644, NULL), -EPROTO);
	assert_int_equal(receive_data(&r, "x", 1, NULL), -EPROTO);
	assert_int_equal(receive_end(&r, NULL), -EPROTO);
	assert_int_equal(receive_folder(&r, "out/sub", NULL), 0);
	assert_int_equal(receive_file(&r, "out/a/..b", 0600, NULL), 0);
	assert_int_equal(receive_file(&r, "out/c", 0600, NULL), -EPROTO);
	assert_int_equal(receive_data(&r, "some", 4, NULL), 0);
	assert_int_equal(receive_end(&r, NULL), 0);
	assert_int_equal(fs_read("out/a/..b", text, sizeof(text)), 4);
	assert_string_equal(text, "some");
	/* the guest cannot write through a link that is there already */
	assert_int_equal(symlink("/dev/null", "out/link"), 0);
	assert_int_equal(receive_file(&r, "out/link", 0600, NULL), -ELOOP);
	assert_int_equal(chdir("/"), 0);
	assert_int_equal(fs_remove_tree(dir), 0);
}

static void test_a_slash_at_the_end(void **state)
{
	static const char *const back[] = {"out//", NULL};
	struct receive r = {.back = back, .fd = -1};
	char dir[] = "/tmp/uhbench-receive-XXXXXX";

	(void)state;
	assert_non_null(mkdtemp(dir));
	assert_int_equal(chdir(dir), 0);
	assert_int_equal(receive_folder(&r, "out//", NULL), 0);
	assert_int_equal(receive_file(&r, "out/a", 0600, NULL), 0);
	assert_int_equal(receive_end(&r, NULL), 0);
	assert_int_equal(access("out/a", F_OK), 0);
	assert_int_equal(receive_file(&r, "outer", 0600, NULL), -EPROTO);
	assert_int_equal(receive_file(&r, "out/../x", 0600, NULL), -EPROTO);
	assert_int_equal(chdir("/"), 0);
	assert_int_equal(fs_remove_tree(dir), 0);
}

#define MS NSEC_PER_MSEC

static void test_clocks(void **state)
{
	static const struct {
		struct guest_clock_mark a, b;
		double rate; /* 0: they agree */
	} rows[] = {
		{{0, 0, 1 * MS}, {10000 * MS, 10000 * MS, 10001 * MS}, 0},
		{{0, 0, 1 * MS}, {50000 * MS, 10000 * MS, 10001 * MS}, 5},
		{{0, 0, 1 * MS}, {5000 * MS, 10000 * MS, 10001 * MS}, 0.5},
		/* too soon to tell */
		{{0, 0, 1 * MS}, {9000 * MS, 1000 * MS, 1900 * MS}, 0},
		/* answers that came late prove nothing, in one direction or the other */
		{{0, 0, 1 * MS}, {10000 * MS, 3000 * MS, 10000 * MS}, 0},
		{{0, 0, 7000 * MS}, {3000 * MS, 10000 * MS, 10001 * MS}, 0},
		/* of the boot it is not known when it began, but not before the emulator */
		{{0, 5000 * MS, UINT64_MAX}, {1 * MS, 45000 * MS, 45001 * MS}, 0},
		{{0, 5000 * MS, UINT64_MAX}, {201000 * MS, 45000 * MS, 45000 * MS}, 5.025},
		/* an error of 4 and of 6 per cent */
		{{0, 0, 0}, {10400 * MS, 10000 * MS, 10000 * MS}, 0},
		{{0, 0, 0}, {10600 * MS, 10000 * MS, 10000 * MS}, 1.06},
		{{0, 0, 0}, {9400 * MS, 10000 * MS, 10000 * MS}, 0.94},
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		double rate = 0;
		bool agree = guest_clock_agrees(&rows[i].a, &rows[i].b, &rate);

		if (agree != !rows[i].rate || rate < rows[i].rate - 0.01 ||
		    rate > rows[i].rate + 0.01)
			fail_msg("row %zu: %d, %f", i, agree, rate);
	}
}

/* It is constant, and looking at it is exact. */
static void test_counter(void **state)
{
	unsigned a = guest_clock_tsc_khz(), b = guest_clock_tsc_khz();

	(void)state;
	assert_in_range(a, b - b / 100, b + b / 100);
}

static void test_complaints_of_a_kernel(void **state)
{
	static const char *const bad[] = {
		"BUG: kernel NULL pointer dereference, address: 0000000000000000",
		"Oops: Oops: 0002 [#1] PREEMPT SMP NOPTI",
		"WARNING: CPU: 1 PID: 77 at fs/x.c:12 y+0x1/0x2",
		"INFO: task xfsaild/vda:99 blocked for more than 120 seconds."};
	static const char *const fine[] = {
		"watchdog: BUG: soft lockup - CPU#0 stuck for 22s! [swapper/0:0]",
		"rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:",
		"I/O error, dev vda, sector 8 op 0x1:(WRITE) flags 0x800", "debug: ok", ""};

	(void)state;
	for (size_t i = 0; i < array_size(bad); i++)
		assert_true(guest_kmsg_is_complaint(bad[i]));
	for (size_t i = 0; i < array_size(fine); i++)
		assert_false(guest_kmsg_is_complaint(fine[i]));
}

static void test_console(void **state)
{
	static struct console c;
	char line[64];

	(void)state;
	console_add(&c, "one\r\n\x1b[1mtwo\n", 14);
	assert_string_equal(c.text, "one\n[1mtwo\n");
	assert_false(console_panic(&c, line, sizeof(line)));
	for (int i = 0; i < 2000; i++)
		console_add(&c, "0123456789012345678901234567890123456789\n", 41);
	assert_in_range(strlen(c.text), CONSOLE_MAX / 2 - 64, CONSOLE_MAX - 1);
	console_add(&c, "[ 1.0] Kernel panic - not syncing: why\nlast\n", 44);
	assert_true(console_panic(&c, line, sizeof(line)));
	assert_string_equal(line, "Kernel panic - not syncing: why");
	assert_string_equal(console_tail(c.text, 1), "last\n");
	assert_string_equal(console_tail("", 5), "");
	assert_string_equal(console_tail("a\nb", 5), "a\nb");
}

/* Byte by byte, as cpio(5) has it. */
static void test_archive(void **state)
{
	_cleanup_free_ char *text = NULL;
	struct cpio c = {.bytes = 0};
	size_t len;

	(void)state;
	c.out = open_memstream(&text, &len);
	assert_non_null(c.out);
	assert_int_equal(cpio_folder(&c, "dir", 0755), 0);
	assert_int_equal(cpio_file(&c, "dir/five", 0640, "12345", 5), 0);
	assert_int_equal(cpio_link(&c, "l", "dir/five"), 0);
	assert_int_equal(cpio_device(&c, "null", 0666, 1, 3), 0);
	assert_int_equal(cpio_end(&c), 0);
	assert_int_equal(fclose(c.out), 0);
	assert_int_equal(len % 4, 0);
	/* magic, inode, mode, owner, group, links, time, size, device, of what device, name, sum */
	assert_memory_equal(text,
			    "070701"
			    "00000001"
			    "000041ed"
			    "00000000"
			    "00000000"
			    "00000002"
			    "00000000"
			    "00000000"
			    "00000000"
			    "00000000"
			    "00000000"
			    "00000000"
			    "00000004"
			    "00000000"
			    "dir\0\0\0",
			    116);
	assert_memory_equal(text + 116,
			    "070701"
			    "00000002"
			    "000081a0",
			    22);
	assert_memory_equal(text + 116 + 110,
			    "dir/five\0\0"
			    "12345\0\0\0"
			    "070701",
			    24);
	assert_non_null(memmem(text, len,
			       "00000001"
			       "00000003"
			       "00000005"
			       "00000000"
			       "null",
			       36));
	assert_memory_equal(text + len - 14, "TRAILER!!!\0\0\0\0", 14);
}

static int collect(void *arg, const char *entry)
{
	char *all = arg;

	strcat(all, entry);
	strcat(all, ";");
	return 0;
}

/* A module of three sections: none, the names, .modinfo. */
struct tiny_module {
	Elf64_Ehdr head;
	Elf64_Shdr sections[3];
	char names[32], info[48];
};

static struct tiny_module tiny(void)
{
	struct tiny_module m = {.head = {.e_ident = ELFMAG,
					 .e_shoff = offsetof(struct tiny_module, sections),
					 .e_shentsize = sizeof(Elf64_Shdr),
					 .e_shnum = 3,
					 .e_shstrndx = 1}};

	m.head.e_ident[EI_CLASS] = ELFCLASS64;
	memcpy(m.names, "\0.strtab\0.modinfo", 18);
	memcpy(m.info, "depends=a,b\0alias=x\0\0cut off", 28);
	m.sections[1] = (Elf64_Shdr){.sh_name = 1,
				     .sh_offset = offsetof(struct tiny_module, names),
				     .sh_size = sizeof(m.names)};
	m.sections[2] = (Elf64_Shdr){
		.sh_name = 9, .sh_offset = offsetof(struct tiny_module, info), .sh_size = 28};
	return m;
}

static void test_module(void **state)
{
	struct tiny_module m = tiny();
	char all[128] = "";

	(void)state;
	assert_int_equal(modinfo_each((char *)&m, sizeof(m), collect, all), 0);
	assert_string_equal(all, "depends=a,b;alias=x;");
	assert_string_equal(modinfo_value("depends=a,b", "depends"), "a,b");
	assert_null(modinfo_value("depends=a,b", "depend"));
	/* cut anywhere, or with offsets beyond its end, it is no module, and nothing is read */
	for (size_t len = 0; len < offsetof(struct tiny_module, info) + 28; len++)
		assert_int_equal(modinfo_each((char *)&m, len, collect, all), -ENOEXEC);
	m.sections[2].sh_offset = UINT64_MAX - 4;
	assert_int_equal(modinfo_each((char *)&m, sizeof(m), collect, all), -ENOEXEC);
	m = tiny();
	m.head.e_shoff = UINT64_MAX - 8;
	assert_int_equal(modinfo_each((char *)&m, sizeof(m), collect, all), -ENOEXEC);
}

static void put(const char *dir, const char *name, const char *text)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	assert_int_equal(fs_replace(path, text, strlen(text)), 0);
}

static const struct {
	const char *file, *text;
	const char *uris, *suite, *signed_by; /* uris NULL: none is found */
} sources[] = {
	{"d.sources",
	 "# a comment\nTypes: deb\nURIs: http://other/x\nSuites: stable-other\nComponents: main\n\n"
	 "Types: deb\nURIs: http://mirror/debian\nSuites: bookworm bookworm-updates\n"
	 "Components: main contrib\nSigned-By: /k.gpg\n",
	 "http://mirror/debian", "bookworm", "/k.gpg"},
	{"key.sources",
	 "Types: deb deb-src\nURIs: http://m\nSuites: bookworm\nComponents: main\n"
	 "Signed-By:\n -----BEGIN\n # no comment of ours\n .\n abc\n",
	 "http://m", "bookworm", "\n -----BEGIN\n # no comment of ours\n .\n abc"},
	{"off.sources",
	 "Enabled: no\nTypes: deb\nURIs: http://m\nSuites: bookworm\nComponents: main\n", NULL,
	 NULL, NULL},
	{"src.sources", "Types: deb-src\nURIs: http://m\nSuites: bookworm\nComponents: main\n",
	 NULL, NULL, NULL},
	{"line.list",
	 "# deb http://no bookworm main\ndeb-src http://m bookworm main\n"
	 "deb http://security bookworm-security main\n"
	 "deb [ arch=amd64 signed-by=/a.gpg,/b.gpg ] http://m/debian bookworm main # why\n",
	 "http://m/debian", "bookworm", "/a.gpg /b.gpg"},
	{"plain.list", "deb\thttp://m   stable   contrib main\n", "http://m", "stable", NULL},
	{"cd.list", "deb cdrom:[Debian]/ bookworm main\n", NULL, NULL, NULL},
	{"part.list", "deb http://m bookworm contrib\ndeb http://m\ndeb\n[\n", NULL, NULL, NULL},
	{"d.disabled", "deb http://m bookworm main\n", NULL, NULL, NULL},
};

static void test_sources(void **state)
{
	(void)state;
	for (size_t i = 0; i < array_size(sources); i++) {
		char dir[] = "/tmp/uhbench-sources-XXXXXX";
		struct fetch_archive a;
		struct err err;
		int r;

		assert_non_null(mkdtemp(dir));
		put(dir, sources[i].file, sources[i].text);
		r = fetch_archive_in("/no/sources.list", dir, "bookworm", &a, &err);
		assert_int_equal(r, sources[i].uris ? 0 : -ENOPKG);
		if (!r) {
			assert_string_equal(a.uris, sources[i].uris);
			assert_string_equal(a.suite, sources[i].suite);
			assert_string_equal(a.signed_by ? a.signed_by : "-",
					    sources[i].signed_by ? sources[i].signed_by : "-");
		}
		fetch_archive_free(&a);
		assert_int_equal(fs_remove_tree(dir), 0);
	}
}

static void test_tools(void **state)
{
	_cleanup_free_ char *text = NULL;
	struct err err;
	size_t len;

	(void)state;
	assert_int_equal(tool_run((const char *[]){"sh", "-c", "printf 'a\\0b'", NULL}, -1, &text,
				  &len, &err),
			 0);
	assert_int_equal(len, 3);
	assert_memory_equal(text, "a\0b", 4);
	assert_int_equal(
		tool_run((const char *[]){"sh", "-c", "echo one >&2; echo two >&2; exit 3", NULL},
			 -1, NULL, NULL, &err),
		-EIO);
	assert_string_equal(err.text, "sh: exit code 3: two");
	assert_int_equal(
		tool_run((const char *[]){"sh", "-c", "kill -9 $$", NULL}, -1, NULL, NULL, &err),
		-EIO);
	assert_string_equal(err.text, "sh: killed by signal 9");
	assert_int_equal(tool_run((const char *[]){"no-such-tool", NULL}, -1, NULL, NULL, &err),
			 -ENOPKG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_frames),
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_only_what_was_asked_for_comes_back),
		cmocka_unit_test(test_a_slash_at_the_end),
		cmocka_unit_test(test_clocks),
		cmocka_unit_test(test_counter),
		cmocka_unit_test(test_complaints_of_a_kernel),
		cmocka_unit_test(test_console),
		cmocka_unit_test(test_archive),
		cmocka_unit_test(test_module),
		cmocka_unit_test(test_sources),
		cmocka_unit_test(test_tools),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

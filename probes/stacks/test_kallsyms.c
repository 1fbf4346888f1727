// SPDX-License-Identifier: MIT
/* Kernel symbols and memory maps, from texts as the kernel writes them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "harness/util/cleanup.h"
#include "probes/stacks/kallsyms.h"
#include "probes/stacks/procmaps.h"

static int read_text(const char *text, struct kallsyms **ret, struct err *err)
{
	_cleanup_fclose_ FILE *f = fmemopen((void *)(uintptr_t)text, strlen(text), "r");

	assert_non_null(f);
	return kallsyms_read(f, ret, err);
}

/* Not in order, with data, aliases and two modules: as the real one. */
static const char symbols[] = "0000000000000000 A fixed_percpu_data\n"
			      "ffffffff81002000 t __do_futex\n"
			      "ffffffff81001000 T _stext\n"
			      "ffffffff81001000 T futex_wait\n"
			      "ffffffff81001000 W weak_wait\n"
			      "ffffffff81002000 T do_futex\n"
			      "ffffffff81002800 d some_data\n"
			      "ffffffff81003000 t schedule\n"
			      "ffffffffc0402000 t second_of\t[ext4]\n"
			      "ffffffffc0401000 t first_of\t[ext4]\n"
			      "ffffffffc0800000 t bpf_prog_6deef7357e7b4530_on_switch\t[bpf]\n";

static void names(void **state)
{
	static const struct {
		uint64_t address;
		const char *name; /* NULL: none */
	} rows[] = {
		{0xffffffff81000fff, NULL},
		{0xffffffff81001000, "futex_wait"},
		{0xffffffff81001fff, "futex_wait"},
		{0xffffffff81002000, "do_futex"},
		{0xffffffff81002900, "do_futex"},
		{0xffffffff81003000, "schedule"},
		{0xffffffff81102fff, "schedule"},
		{0xffffffff81103000, NULL},
		{0xffffffffc0401010, "first_of [ext4]"},
		{0xffffffffc0402010, "second_of [ext4]"},
		{0xffffffffc0800001, "bpf_prog_6deef7357e7b4530_on_switch [bpf]"},
		{0, NULL},
		{UINT64_MAX, NULL},
	};
	struct kallsyms *k;

	(void)state;
	assert_int_equal(read_text(symbols, &k, NULL), 0);
	for (size_t i = 0; i < array_size(rows); i++) {
		char name[64] = "";
		int r = kallsyms_name(k, rows[i].address, name, sizeof(name));

		assert_int_equal(r, rows[i].name ? 0 : -ENOENT);
		assert_string_equal(name, rows[i].name ? rows[i].name : "");
	}
	kallsyms_close(k);
}

static void many(void **state)
{
	enum { N = 100000 };
	char *text = malloc(N * 48), *at = text;
	struct kallsyms *k;

	(void)state;
	assert_non_null(text);
	/* 7919 has no factor in common with N: every one once, in wild order. */
	for (unsigned i = 0; i < N; i++) {
		unsigned n = (unsigned)((uint64_t)i * 7919 % N);

		at += sprintf(at, "%016llx t f%u\n", 0xffffffff81000000ull + n * 16ull, n);
	}
	assert_int_equal(read_text(text, &k, NULL), 0);
	for (unsigned n = 0; n < N; n += 97) {
		char name[64], want[64];

		snprintf(want, sizeof(want), "f%u", n);
		assert_int_equal(kallsyms_name(k, 0xffffffff81000000ull + n * 16ull + 15, name,
					       sizeof(name)),
				 0);
		assert_string_equal(name, want);
	}
	kallsyms_close(k);
	free(text);
}

static void no_symbols(void **state)
{
	struct kallsyms *k = NULL;
	struct err err = {""};

	(void)state;
	assert_int_equal(read_text("0000000000000000 T _stext\n"
				   "0000000000000000 t schedule\n"
				   "0000000000000000 t first_of\t[ext4]\n",
				   &k, &err),
			 -EPERM);
	assert_non_null(strstr(err.text, "kptr_restrict"));
	assert_int_equal(read_text("ffffffff81001000 T a\nnonsense\n", &k, &err), -EINVAL);
	assert_non_null(strstr(err.text, "line 2"));
	assert_int_equal(kallsyms_open("/nonexistent/kallsyms", &k, &err), -ENOENT);
	assert_int_equal(kallsyms_open("/dev/null", &k, &err), -EINVAL);
	assert_null(k);
}

static const char maps[] = "55d0c0a00000-55d0c0a01000 r--p 00000000 fe:01 1234 /usr/bin/a program\n"
			   "55d0c0a01000-55d0c0a05000 r-xp 00001000 fe:01 1234 /usr/bin/a program\n"
			   "55d0c1000000-55d0c1021000 rw-p 00000000 00:00 0    [heap]\n"
			   "7f0000000000-7f0000001000 r-xp 00000000 00:00 0 \n"
			   "7ffd00000000-7ffd00002000 r-xp 00000000 00:00 0    [vdso]";

static void mappings(void **state)
{
	static const struct {
		uint64_t address;
		const char *name;
		bool exec;
	} rows[] = {
		{0x55d0c0a00000, "/usr/bin/a program", false},
		{0x55d0c0a01000, "/usr/bin/a program", true},
		{0x55d0c0a04fff, "/usr/bin/a program", true},
		{0x55d0c0a05000, NULL, false},
		{0x55d0c1000010, "[heap]", false},
		{0x7f0000000fff, "", true},
		{0x7ffd00001fff, "[vdso]", true},
		{0x7ffd00002000, NULL, false},
		{0, NULL, false},
	};
	struct procmap *all;
	size_t n;

	(void)state;
	assert_int_equal(procmaps_parse(maps, &all, &n), 0);
	assert_int_equal(n, 5);
	for (size_t i = 0; i < array_size(rows); i++) {
		const struct procmap *m = procmaps_find(all, n, rows[i].address);

		assert_int_equal(!!m, !!rows[i].name);
		if (!m)
			continue;
		assert_int_equal(m->exec, rows[i].exec);
		assert_int_equal(m->name_len, strlen(rows[i].name));
		assert_memory_equal(m->name, rows[i].name, strlen(rows[i].name));
	}
	free(all);
	assert_int_equal(procmaps_parse("no map\n", &all, &n), -EINVAL);
}

static void own_maps(void **state)
{
	struct procmap *all;
	char *text;
	size_t n;

	(void)state;
	assert_int_equal(procmaps_snapshot(getpid(), &text), 0);
	assert_int_equal(procmaps_parse(text, &all, &n), 0);
	assert_true(procmaps_find(all, n, (uint64_t)(uintptr_t)own_maps)->exec);
	assert_false(procmaps_find(all, n, (uint64_t)(uintptr_t)&n)->exec);
	free(all);
	free(text);
	assert_int_equal(procmaps_snapshot(0x7fffffff, &text), -ESRCH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),      cmocka_unit_test(many),
		cmocka_unit_test(no_symbols), cmocka_unit_test(mappings),
		cmocka_unit_test(own_maps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

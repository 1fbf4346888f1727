// SPDX-License-Identifier: MIT
/* Which knobs of the server go together, and that a refusal names the one that does not. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "harness/util/cleanup.h"
#include "harness/workload.h"
#include "targets/targets.h"
#include "targets/ublk/ublk_device.h"
#include "targets/ublk/ublk_knobs.h"
#include "targets/ublk/ublk_process.h"

#define KNOBS_MAX 5

struct row {
	const char *knobs[KNOBS_MAX]; /* "name=value" */
	const char *refused;	      /* how the error begins; NULL: they go together */
};

static void set(struct ublk_target_config *c, const char *knob)
{
	char name[32];
	const char *equals = strchr(knob, '=');
	struct err err = {""};

	assert_non_null(equals);
	memcpy(name, knob, (size_t)(equals - knob));
	name[equals - knob] = '\0';
	assert_non_null(param_find(ublk_params, name));
	if (param_set_text(param_find(ublk_params, name), equals + 1, c, &err))
		fail_msg("%s: %s", knob, err.text);
}

static void check(const struct row *row)
{
	struct ublk_target_config c = {.port = {false}};
	struct err err = {""};
	int r;

	assert_int_equal(param_defaults(ublk_params, &c), 0);
	for (unsigned i = 0; i < KNOBS_MAX && row->knobs[i]; i++)
		set(&c, row->knobs[i]);
	r = ublk_knobs_check(&c.server, &err);
	assert_int_equal(r, row->refused ? -EINVAL : 0);
	if (row->refused && strncmp(err.text, row->refused, strlen(row->refused)))
		fail_msg("\"%s\" does not begin with \"%s\"", err.text, row->refused);
}

static void test_combinations(void **state)
{
	static const struct row rows[] = {
		{{NULL}, NULL},
		{{"backend=null", "copy=zero"}, NULL},
		{{"backend=file", "direct=true", "file=/x", "copy=auto"}, NULL},
		{{"lock=sharded", "shards=2", "copy=user"}, NULL},
		{{"queues=4", "queue_tasks=2", "server_threads=8"}, NULL},
		{{"fault=corrupt-reads"}, NULL},
		{{"fault=slow-queue", "slow_time=1ms"}, NULL},
		{{"backend=file", "file=/x", "destroy=true", "fill=false"}, NULL},
		{{"max_io_bytes=5000"}, "max_io_bytes:"},
		{{"file=/x"}, "file:"},
		{{"direct=true"}, "direct:"},
		{{"dir=/x"}, "dir:"},
		{{"backend=file", "dir=/x", "file=/x/y"}, "dir:"},
		{{"backend=file", "destroy=true"}, "destroy:"},
		{{"backend=null", "fill=false"}, "fill:"},
		{{"shards=2"}, "shards:"},
		{{"lock=global", "shards=2"}, "shards:"},
		{{"slow_time=1ms"}, "slow_time:"},
		{{"file_io=call"}, "file_io:"},
		{{"backend=file", "file_io=map", "direct=true"}, "direct:"},
		{{"backend=file", "file_io=map", "copy=zero"}, "copy:"},
		{{"backend=file", "file_io=map", "copy=user"}, NULL},
		{{"backend=null", "lock=global"}, "lock:"},
		{{"backend=file", "lock=sharded"}, "lock:"},
		{{"copy=zero"}, "copy:"},
		{{"copy=auto"}, "copy:"},
		{{"backend=file", "copy=zero", "file_io=call"}, "copy:"},
		{{"backend=file", "copy=auto", "encoding=legacy"}, "copy:"},
		{{"fault=corrupt-reads", "copy=user"}, "fault:"},
		{{"fault=corrupt-reads", "backend=null"}, "fault:"},
		{{"fault=lose-writes", "backend=null"}, "fault:"},
		{{"queue_depth=2", "queue_tasks=3"}, "queue_tasks:"},
		{{"queues=2", "server_threads=3"}, "server_threads:"},
	};

	(void)state;
	for (unsigned i = 0; i < array_size(rows); i++)
		check(&rows[i]);
}

/* A run's deadline leaves time for filling the device, and for every limit of the server's own. */
static void test_extra_time(void **state)
{
	struct ublk_target_config c = {.port = {false}};
	struct workload_ops workload = {.name = "block"};
	struct cell cell = {
		.workload = &workload, .target = &target_block_ublk, .target_config = &c};
	uint64_t hole_ns, filled_ns;

	(void)state;
	assert_int_equal(param_defaults(ublk_params, &c), 0);
	set(&c, "size=10G");
	filled_ns = target_block_ublk.extra_ns(&cell);
	set(&c, "fill=false");
	hole_ns = target_block_ublk.extra_ns(&cell);
	assert_true(filled_ns - hole_ns > 200 * NSEC_PER_SEC);
	assert_true(hole_ns >= UBLK_SERVE_NS + UBLK_START_NS + UBLK_STOP_NS);
	set(&c, "recovery=fail");
	assert_true(target_block_ublk.extra_ns(&cell) >= hole_ns + UBLK_RECOVERY_NS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_combinations),
		cmocka_unit_test(test_extra_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

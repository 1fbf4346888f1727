// SPDX-License-Identifier: MIT
/* A known chain of calls must come back by function and line, also when its process is dead, and
 * what cannot be followed must say where it ended. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <cmocka.h>

#include "harness/util/cleanup.h"
#include "probes/stacks/test_chain.h"

static cJSON *unwound(const struct chain *c, const struct unwind_sample *sample,
		      enum unwind_end *end)
{
	struct unwinder *u;
	struct err err = {""};
	cJSON *frames;

	if (unwinder_open(c->maps, &u, &err))
		fail_msg("%s", err.text);
	frames = unwinder_frames(u, sample, end);
	unwinder_close(u);
	assert_non_null(frames);
	return frames;
}

static void check_chain(const struct chain *c, const cJSON *frames)
{
	static const char *const names[] = {"inner", "inlined", "middle", "chain_outer"};

	for (int i = 0; i < 4; i++) {
		char want[64];

		snprintf(want, sizeof(want), "%s (test_chain.c:%d)", names[i], c->lines[i]);
		assert_string_equal(cJSON_GetStringValue(cJSON_GetArrayItem(frames, i)), want);
	}
}

static void main_thread_to_its_start(void **state)
{
	struct chain *c = calloc(1, sizeof(*c));
	_cleanup_json_ cJSON *frames = NULL;
	struct unwind_sample sample;
	enum unwind_end end;

	(void)state;
	chain_outer(c);
	sample = chain_sample(c);
	frames = unwound(c, &sample, &end);
	check_chain(c, frames);
	assert_int_equal(end, UNWIND_COMPLETE);
	free(c);
}

static void *in_thread(void *arg)
{
	chain_outer(arg);
	return NULL;
}

static void other_thread_to_its_start(void **state)
{
	struct chain *c = calloc(1, sizeof(*c));
	_cleanup_json_ cJSON *frames = NULL;
	struct unwind_sample sample;
	enum unwind_end end;
	const char *fifth;
	pthread_t thread;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, in_thread, c), 0);
	pthread_join(thread, NULL);
	sample = chain_sample(c);
	frames = unwound(c, &sample, &end);
	check_chain(c, frames);
	assert_int_equal(end, UNWIND_COMPLETE);
	fifth = cJSON_GetStringValue(cJSON_GetArrayItem(frames, 4));
	assert_int_equal(strncmp(fifth, "in_thread (test_unwind.c:", 25), 0);
	free(c);
}

static void process_that_is_dead(void **state)
{
	struct chain *c =
		mmap(NULL, sizeof(*c), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	_cleanup_json_ cJSON *frames = NULL;
	struct unwind_sample sample;
	enum unwind_end end;
	int status;
	pid_t pid;

	(void)state;
	assert_ptr_not_equal(c, MAP_FAILED);
	pid = fork();
	if (!pid) {
		chain_outer(c);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	sample = chain_sample(c);
	frames = unwound(c, &sample, &end);
	check_chain(c, frames);
	assert_int_equal(end, UNWIND_COMPLETE);
	munmap(c, sizeof(*c));
}

/* A unwinder serves many samples, and none changes what the next one gives. */
static void one_unwinder_many_samples(void **state)
{
	struct chain *c = calloc(1, sizeof(*c));
	struct unwind_sample sample;
	struct unwinder *u;

	(void)state;
	chain_outer(c);
	sample = chain_sample(c);
	assert_int_equal(unwinder_open(c->maps, &u, NULL), 0);
	for (int i = 0; i < 50; i++) {
		_cleanup_json_ cJSON *frames = NULL;
		struct unwind_sample some = sample;
		enum unwind_end end;

		if (i % 2)
			some.stack_bytes = 0;
		frames = unwinder_frames(u, &some, &end);
		if (i % 2) {
			assert_int_equal(end, UNWIND_COPY_ENDS);
			assert_int_equal(cJSON_GetArraySize(frames), 1);
		} else {
			assert_int_equal(end, UNWIND_COMPLETE);
			check_chain(c, frames);
		}
	}
	unwinder_close(u);
	free(c);
}

/* Each shorter copy gives a beginning of the whole stack, and says that it ended early. */
static void shorter_copies(void **state)
{
	struct chain *c = calloc(1, sizeof(*c));
	_cleanup_json_ cJSON *whole = NULL;
	struct unwind_sample sample;
	enum unwind_end end;
	int before = 0;

	(void)state;
	chain_outer(c);
	sample = chain_sample(c);
	whole = unwound(c, &sample, &end);
	for (sample.stack_bytes = 0; sample.stack_bytes < 2048; sample.stack_bytes += 256) {
		_cleanup_json_ cJSON *part = unwound(c, &sample, &end);
		int n = cJSON_GetArraySize(part);

		if (end == UNWIND_COMPLETE)
			break;
		assert_int_equal(end, UNWIND_COPY_ENDS);
		assert_in_range(n, before, cJSON_GetArraySize(whole) - 1);
		for (int i = 0; i < n; i++)
			assert_true(cJSON_Compare(cJSON_GetArrayItem(part, i),
						  cJSON_GetArrayItem(whole, i), true));
		before = n;
	}
	assert_true(sample.stack_bytes > 0);
	free(c);
}

static void overwritten_stack(void **state)
{
	struct chain *c = calloc(1, sizeof(*c));
	_cleanup_json_ cJSON *frames = NULL;
	struct unwind_sample sample;
	enum unwind_end end;

	(void)state;
	chain_outer(c);
	memset(c->stack, 0x41, sizeof(c->stack));
	sample = chain_sample(c);
	frames = unwound(c, &sample, &end);
	assert_int_equal(end, UNWIND_LOST);
	assert_int_equal(cJSON_GetArraySize(frames), 1);
	free(c);
}

static void maps_that_lead_nowhere(void **state)
{
	struct unwinder *u = NULL;
	struct err err;

	(void)state;
	assert_int_equal(unwinder_open("this is no map\n", &u, &err), -EINVAL);
	assert_int_equal(unwinder_open("", &u, &err), -ENOEXEC);
	assert_int_equal(unwinder_open("00400000-00401000 r-xp 00000000 00:00 0 \n"
				       "00500000-00501000 r-xp 00000000 08:01 7 /not/there\n",
				       &u, &err),
			 -ENOEXEC);
	assert_null(u);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(main_thread_to_its_start),
		cmocka_unit_test(other_thread_to_its_start),
		cmocka_unit_test(process_that_is_dead),
		cmocka_unit_test(one_unwinder_many_samples),
		cmocka_unit_test(shorter_copies),
		cmocka_unit_test(overwritten_stack),
		cmocka_unit_test(maps_that_lead_nowhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: MIT
/*
 * What a prober is told around runs that end in every way there is, and what the record then says.
 * The children are this program itself, which answers as the request tells it to; they are isolated
 * as in a session, so the page with the window goes the way that it goes there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness/matrix/plan.h"
#include "harness/matrix/test_load.h"
#include "harness/session/watch.h"
#include "harness/test_plugins.h"
#include "harness/test_prober.h"
#include "harness/util/cleanup.h"
#include "harness/util/fs.h"
#include "harness/util/nsec.h"

#define ROLE_ARMED "foreign arm(harness,0) "

enum { CALLS = 1, WAITS = 2, ALL = 7 };

static const char matrix_text[] =
	"{\"probe_knobs\":{\"threshold\":\"7us\"},\"cells\":["
	"{\"workload\":\"void\",\"target\":\"null\",\"threads\":[1,2],\"probes\":\"all\"},"
	"{\"workload\":\"void\",\"target\":\"null\",\"threads\":3,\"probes\":[\"calls\"]},"
	"{\"workload\":\"void\",\"target\":\"null\",\"threads\":4}]}";

struct box {
	struct matrix *matrix;
	struct plan *plan;
	volatile sig_atomic_t interrupted;
};

static int make_box(void **state)
{
	struct box *b = calloc(1, sizeof(*b));
	struct diag diag;
	struct err err;

	test_prober_reset();
	*state = b;
	if (!b || test_load(matrix_text, strlen(matrix_text), &diag, &b->matrix))
		return -1;
	return plan_make(b->matrix, 1, 2, NULL, &b->plan, &err);
}

static int drop_box(void **state)
{
	struct box *b = *state;

	plan_free(b->plan);
	matrix_free(b->matrix);
	free(b);
	return 0;
}

static struct watch *open_watch(const struct box *b)
{
	struct watch *w = NULL;
	struct err err = {""};

	assert_int_equal(watch_open(&test_prober_ops, b->matrix, b->plan, &w, &err), 0);
	test_prober.calls[0] = 0;
	return w;
}

/* Runs a child that does `what`. Returns the record's `probes` as text, NULL when there are none;
 * malloc'd. */
static char *run(struct box *b, unsigned set, const char *what, struct outcome *o)
{
	_cleanup_json_ cJSON *request = cJSON_CreateObject(), *probes = NULL;
	struct watch *w = open_watch(b);
	struct launch l = {.binary = "/proc/self/exe",
			   .request = request,
			   .deadline_ns = 10 * NSEC_PER_SEC,
			   .interrupted = &b->interrupted};
	struct err err = {""};

	if (!strcmp(what, "hang"))
		l.deadline_ns = 400 * NSEC_PER_MSEC;
	cJSON_AddStringToObject(request, "what", what);
	assert_int_equal(watch_launch(w, set, request, &l, o, &probes, &err), 0);
	assert_string_equal(err.text, "");
	watch_close(w);
	assert_int_equal(test_prober.n_open, 0);
	return probes ? cJSON_PrintUnformatted(probes) : NULL;
}

#define ALL_OK \
	"{\"calls\":{\"status\":\"ok\"},\"waits\":{\"status\":\"ok\"},\"blame\":{\"status\":\"ok\"}}"
#define WATCHED ROLE_ARMED "launched tick disarm "

static const struct {
	const char *what;
	enum status status;
	const char *calls, *probes;
	uint64_t begin_ns; /* of the window that the child told */
	const char *usage;
} endings[] = {
	{"answer", STATUS_OK, WATCHED "read close close ", ALL_OK, 20, "{\"driver\":1}"},
	{"refuse", STATUS_UNSUPPORTED, WATCHED "read close close ", ALL_OK, 20, "{\"driver\":1}"},
	{"crash", STATUS_FAILED, WATCHED "read close close ", ALL_OK, 20, ""},
	{"crash early", STATUS_FAILED, WATCHED "read close close ", ALL_OK, 0, ""},
	{"leave", STATUS_FAILED, WATCHED "read close close ", ALL_OK, 20, ""},
	{"hang", STATUS_STALLED, WATCHED "read close close ", ALL_OK, 20, ""},
};

static void test_every_ending(void **state)
{
	for (size_t i = 0; i < array_size(endings); i++) {
		struct outcome o;
		_cleanup_free_ char *probes = NULL;

		test_prober_reset();
		probes = run(*state, ALL, endings[i].what, &o);
		assert_int_equal(o.status, endings[i].status);
		assert_string_equal(test_prober.calls, endings[i].calls);
		assert_string_equal(probes, endings[i].probes);
		assert_int_equal(test_prober.window.begin_ns, endings[i].begin_ns);
		assert_string_equal(test_prober.usage, endings[i].usage);
		outcome_free(&o);
	}
}

static void test_interrupted(void **state)
{
	struct box *b = *state;
	struct outcome o;

	b->interrupted = 1;
	assert_null(run(b, ALL, "hang", &o));
	assert_true(o.interrupted);
	assert_string_equal(test_prober.calls, WATCHED "close close ");
	outcome_free(&o);
}

/* The child looks: no page without probes. */
static void test_unprobed(void **state)
{
	struct outcome o;
	_cleanup_free_ char *probes = run(*state, 0, "answer", &o);

	assert_int_equal(o.status, STATUS_OK);
	assert_string_equal(probes, "{}");
	assert_string_equal(test_prober.calls, "foreign close close ");
	outcome_free(&o);
}

static void test_no_such_binary(void **state)
{
	_cleanup_json_ cJSON *request = cJSON_CreateObject(), *probes = NULL;
	struct box *b = *state;
	struct watch *w = open_watch(b);
	struct launch l = {
		.binary = "/nonexistent", .request = request, .interrupted = &b->interrupted};
	struct outcome o;
	struct err err = {""};

	assert_true(watch_launch(w, ALL, request, &l, &o, &probes, &err) < 0);
	assert_non_null(strstr(err.text, "/nonexistent"));
	assert_string_equal(test_prober.calls, ROLE_ARMED "disarm ");
	assert_null(probes);
	watch_close(w);
}

/* A run that cannot be watched counts all the same, and its record says why. */
static void test_unwatchable(void **state)
{
	static const struct {
		bool *refuse;
		const char *calls, *reason;
	} ways[] = {
		{&test_prober.no_open, "foreign ", "no room for programs"},
		{&test_prober.no_arm, ROLE_ARMED "close close ", "hooks are taken"},
		{&test_prober.no_read, WATCHED "read close close ", "out of memory"},
	};

	for (size_t i = 0; i < array_size(ways); i++) {
		_cleanup_free_ char *probes = NULL, *expected = NULL;
		struct outcome o;

		test_prober_reset();
		*ways[i].refuse = true;
		probes = run(*state, CALLS, "answer", &o);
		assert_int_equal(o.status, STATUS_OK);
		assert_true(asprintf(&expected,
				     "{\"calls\":{\"status\":\"failed\",\"reason\":\"%s\"}}",
				     ways[i].reason) > 0);
		assert_string_equal(probes, expected);
		assert_string_equal(test_prober.calls, ways[i].calls);
		outcome_free(&o);
	}
}

/* A prober without programs has no page either: the child is not told of one. */
static void test_without_a_window(void **state)
{
	struct outcome o;
	_cleanup_free_ char *probes = NULL;

	test_prober.no_window = true;
	probes = run(*state, CALLS, "answer", &o);
	assert_int_equal(o.status, STATUS_OK);
	assert_int_equal(test_prober.window.begin_ns, 0);
	assert_string_equal(probes, "{\"calls\":{\"status\":\"ok\"}}");
	outcome_free(&o);
}

/* Called again when it wants to be: an idle wait would have called once in 400 ms. */
static void test_ticks(void **state)
{
	struct outcome o;

	test_prober.tick_ns = 100 * NSEC_PER_MSEC;
	free(run(*state, CALLS, "hang", &o));
	assert_in_range(test_prober.n_ticks, 2, 5);
	outcome_free(&o);
}

/* One prober for each set that is probed, and none where nothing is. */
static void test_opens_what_is_planned(void **state)
{
	struct box *b = *state;
	struct plan *none;
	struct watch *w = open_watch(b);
	struct err err;

	assert_int_equal(test_prober.n_open, 2);
	watch_close(w);
	assert_int_equal(plan_make(b->matrix, 1, 1, "void/null threads=4", &none, &err), 0);
	assert_int_equal(watch_open(&test_prober_ops, b->matrix, none, &w, &err), 0);
	assert_int_equal(test_prober.n_open, 0);
	watch_close(w);
	plan_free(none);

	test_prober.calls[0] = 0;
	matrix_set_probes(b->matrix, WAITS);
	assert_int_equal(watch_open(&test_prober_ops, b->matrix, b->plan, &w, &err), 0);
	assert_string_equal(test_prober.calls, "open(2,7us) ");
	watch_close(w);
}

/* The `host` of a record of one run, as text; malloc'd. `after`: what is there when it is over. */
static char *host_of(struct box *b, struct watch *w, const char *after)
{
	_cleanup_json_ cJSON *request = cJSON_CreateObject(), *probes = NULL;
	_cleanup_json_ cJSON *host = cJSON_CreateObject();
	struct launch l = {.binary = "/proc/self/exe",
			   .request = request,
			   .deadline_ns = 10 * NSEC_PER_SEC,
			   .interrupted = &b->interrupted};
	struct err err = {""};
	struct outcome o;

	cJSON_AddStringToObject(request, "what", "answer");
	assert_int_equal(watch_launch(w, 0, request, &l, &o, &probes, &err), 0);
	outcome_free(&o);
	test_prober.foreign = after;
	watch_add_foreign(w, NULL);
	watch_add_foreign(w, host);
	return cJSON_PrintUnformatted(host);
}

static void test_foreign(void **state)
{
	_cleanup_free_ char *host = NULL, *none = NULL, *refused = NULL;
	struct box *b = *state;
	struct watch *w = open_watch(b);

	none = host_of(b, w, NULL);
	assert_string_equal(none, "{\"foreign_bpf\":[]}");
	test_prober.foreign = "[{\"id\":1},{\"id\":2}]";
	host = host_of(b, w, "[{\"id\":2},{\"id\":3}]");
	assert_string_equal(host, "{\"foreign_bpf\":[{\"id\":1,\"seen\":\"before\"},"
				  "{\"id\":2,\"seen\":\"both\"},"
				  "{\"id\":3,\"seen\":\"after\"}]}");
	test_prober.no_foreign = true;
	refused = host_of(b, w, NULL);
	assert_string_equal(refused,
			    "{\"foreign_bpf\":null,\"reason_foreign_bpf\":\"nobody may look\"}");
	watch_close(w);
}

static void test_foreign_unprobed(void **state)
{
	_cleanup_free_ char *host = NULL;
	struct box *b = *state;
	struct plan *none;
	struct watch *w;
	struct err err;

	assert_int_equal(plan_make(b->matrix, 1, 1, "void/null threads=4", &none, &err), 0);
	assert_int_equal(watch_open(NULL, b->matrix, none, &w, &err), 0);
	host = host_of(b, w, NULL);
	assert_string_equal(host, "{\"foreign_bpf\":null,\"reason_foreign_bpf\":"
				  "\"nothing is probed in this session\"}");
	watch_close(w);
	plan_free(none);
}

/* The child's side: what it should do with the page, and whether there is one. */
static int tell_window(bool asked)
{
	struct probe_window *page;

	if (!asked)
		return fcntl(PROTOCOL_WINDOW_FD, F_GETFD) < 0 ? 0 : -1;
	page = mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE, MAP_SHARED, PROTOCOL_WINDOW_FD, 0);
	if (page == MAP_FAILED)
		return -1;
	*page = (struct probe_window){10, 20, 30};
	return 0;
}

static int child(void)
{
	static const char answer[] = "{\"protocol\":%d,\"status\":\"%s\",\"reason\":\"\","
				     "\"usage\":{\"driver\":1}}";
	_cleanup_free_ char *text = NULL;
	_cleanup_json_ cJSON *request = NULL;
	const char *what;

	if (fs_read_all(PROTOCOL_REQUEST_FD, 4096, &text, NULL))
		return 1;
	request = cJSON_Parse(text);
	what = cJSON_GetStringValue(cJSON_GetObjectItem(request, "what"));
	if (!strcmp(what, "crash early"))
		raise(SIGKILL);
	if (tell_window(cJSON_IsTrue(cJSON_GetObjectItem(request, "window"))))
		return 1;
	if (!strcmp(what, "crash"))
		raise(SIGKILL);
	while (!strcmp(what, "hang"))
		pause();
	if (!strcmp(what, "answer") || !strcmp(what, "refuse"))
		dprintf(PROTOCOL_RESPONSE_FD, answer, PROTOCOL_VERSION,
			*what == 'a' ? "ok" : "unsupported");
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_box, drop_box)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(test_every_ending), TEST(test_interrupted),
		TEST(test_unprobed),	 TEST(test_no_such_binary),
		TEST(test_unwatchable),	 TEST(test_without_a_window),
		TEST(test_ticks),	 TEST(test_opens_what_is_planned),
		TEST(test_foreign),	 TEST(test_foreign_unprobed),
	};

	if (argc > 1 && !strcmp(argv[1], "child"))
		return child();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

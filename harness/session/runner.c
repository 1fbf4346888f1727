// SPDX-License-Identifier: MIT
/*
 * What one run needs around it, whoever wants it made: the same folder of its own, the same
 * request, and nothing left of it afterwards. A request holds what the matrix states and no
 * defaults, so that another build runs the cell with its own.
 */
#include "harness/session/runner.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <errno.h>

#include "harness/cell.h"
#include "harness/matrix/matrix.h"
#include "harness/registry.h"
#include "harness/session/leftover.h"
#include "harness/session/solo.h"
#include "harness/session/watch.h"
#include "harness/util/cleanup.h"
#include "harness/util/fs.h"
#include "harness/util/nsec.h"
#include "harness/workload.h"

#define DEADLINE_GRACE_NS (10 * NSEC_PER_SEC)

struct runner {
	struct runner_options opt;
	const struct matrix *matrix;
	struct leftover *leftover;
	struct watch *watch;
	struct runner_swept swept;
	int claim_fd;
};

uint64_t runner_deadline(const struct matrix *m, const struct cell *cell)
{
	uint64_t extra = (cell->workload->extra_ns ? cell->workload->extra_ns(cell) : 0) +
			 (cell->target->extra_ns ? cell->target->extra_ns(cell) : 0);

	if (m->deadline_ns)
		return m->deadline_ns;
	return m->warmup_ns + m->duration_ns + DEADLINE_GRACE_NS + extra;
}

static void note_not_swept(struct runner *r, const struct err *why)
{
	if (!r->swept.not_swept[0])
		snprintf(r->swept.not_swept, sizeof(r->swept.not_swept), "%s", why->text);
}

/* What lies outside a run's processes and namespaces (a device, say) does not end with them. */
static void sweep_targets(struct runner *r)
{
	struct err not_swept;
	int n = registry_leftovers(r->opt.registry, true, NULL, NULL, &not_swept);

	if (n > 0)
		r->swept.count += (unsigned)n;
	else if (n < 0)
		note_not_swept(r, &not_swept);
}

int runner_claim(const struct runner_options *opt, struct runner **ret, struct err *err)
{
	struct runner *r = calloc(1, sizeof(*r));
	struct err not_swept = {""};
	unsigned swept = 0;
	int fd;

	if (!r)
		return err_sys(err, -ENOMEM, "session");
	r->opt = *opt;
	r->claim_fd = fd = solo_claim(opt->concurrent, err);
	if (fd < 0) {
		runner_close(r);
		return fd;
	}
	if (leftover_sweep(&swept, &not_swept))
		note_not_swept(r, &not_swept);
	r->swept.count = swept;
	sweep_targets(r);
	*ret = r;
	return 0;
}

int runner_open(struct runner *r, const struct matrix *m, const struct plan *p, const char *dir,
		struct err *err)
{
	int rc = leftover_begin(dir, &r->leftover, err);

	r->matrix = m;
	return rc ? rc : watch_open(r->opt.prober, m, p, &r->watch, err);
}

const char *runner_workdir(const struct runner *r)
{
	return leftover_workdir(r->leftover);
}

const struct runner_swept *runner_swept(const struct runner *r)
{
	return &r->swept;
}

/* Each run has a folder of its own. One that cannot be removed now goes with the work folder.
 * Numbers of one width: two runs that are compared see paths of the same length. */
static int make_folders(struct runner *r, uint64_t number, char *rundir, char *sessiondir,
			struct err *err)
{
	const char *work = runner_workdir(r);
	int rc;

	snprintf(rundir, PATH_MAX, "%.4000s/run-%06llu", work, (unsigned long long)number);
	snprintf(sessiondir, PATH_MAX, "%.4000s/session", work);
	rc = fs_mkdir_p(rundir);
	if (!rc)
		rc = fs_mkdir_p(sessiondir);
	return rc ? err_sys(err, rc, "work folder %s", work) : 0;
}

static cJSON *make_request(const struct runner *r, const struct runner_job *job, const char *rundir,
			   const char *sessiondir)
{
	cJSON *o = cJSON_CreateObject();
	char seed[24];

	cJSON_AddNumberToObject(o, "protocol", job->protocol ? job->protocol : PROTOCOL_VERSION);
	cJSON_AddItemToObject(o, "cell", cJSON_Duplicate(job->cell->stated, 1));
	snprintf(seed, sizeof(seed), "%llu", (unsigned long long)job->seed);
	cJSON_AddStringToObject(o, "seed", seed);
	cJSON_AddNumberToObject(o, "warmup_ns", (double)r->matrix->warmup_ns);
	cJSON_AddNumberToObject(o, "duration_ns", (double)r->matrix->duration_ns);
	cJSON_AddStringToObject(o, "workdir", rundir);
	cJSON_AddStringToObject(o, "sessiondir", sessiondir);
	cJSON_AddNumberToObject(o, "pad_iters_per_ns", job->pad_iters_per_ns);
	if (job->pad_iters_per_op > 0)
		cJSON_AddNumberToObject(o, "pad_iters_per_op", job->pad_iters_per_op);
	if (job->bin)
		cJSON_AddStringToObject(o, "bin", job->bin);
	return o;
}

int runner_run(struct runner *r, const struct runner_job *job, struct outcome *ret,
	       cJSON **ret_probes, struct timespec *ret_start, struct err *err)
{
	_cleanup_json_ cJSON *request = NULL;
	struct launch l = {.binary = job->binary,
			   .protocol = job->protocol,
			   .deadline_ns = runner_deadline(r->matrix, job->cell),
			   .interrupted = r->opt.interrupted};
	char rundir[PATH_MAX], sessiondir[PATH_MAX];
	struct others others;
	int rc = make_folders(r, job->number, rundir, sessiondir, err);

	if (rc)
		return rc;
	l.request = request = make_request(r, job, rundir, sessiondir);
	if (job->others)
		l.others = &others;
	if (job->sync)
		sync();
	clock_gettime(CLOCK_REALTIME, ret_start);
	*ret_probes = NULL;
	rc = watch_launch(r->watch, job->probed ? job->cell->probes : 0, request, &l, ret,
			  ret_probes, err);
	if (!rc && !ret->interrupted)
		watch_add_foreign(r->watch,
				  cJSON_GetObjectItemCaseSensitive(ret->response, "host"));
	sweep_targets(r);
	fs_remove_tree(rundir);
	return rc;
}

void runner_close(struct runner *r)
{
	if (!r)
		return;
	watch_close(r->watch);
	leftover_end(r->leftover);
	cleanup_close(&r->claim_fd);
	free(r);
}

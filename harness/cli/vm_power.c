// SPDX-License-Identifier: MIT
/*
 * What the command line says of disk and power, and what people are told of the verdicts. A cut's
 * record is what the replay said of it, with what was done to the disk put in front.
 */
#include "harness/cli/vm_power.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "harness/cli/verb.h"
#include "harness/util/cleanup.h"
#include "harness/util/nsec.h"
#include "harness/util/units.h"
#include "harness/vm/data_disk.h"

#define DISK_DEFAULT (512ull << 20)
#define DISK_MIN     (16ull << 20)
#define DISK_MAX     (1ull << 40)   /* of holes; mkfs of more takes minutes */
#define XFS_MIN	     (300ull << 20) /* what mkfs.xfs takes at least, since xfsprogs 5.19 */
#define SEED_MAX     (1ull << 53)   /* so that JSON holds it */

static int parse_fs(const char *text, const char **ret, struct err *err)
{
	for (unsigned i = 0; data_disk_fs[i]; i++)
		if (!strcmp(text, data_disk_fs[i])) {
			*ret = data_disk_fs[i];
			return 0;
		}
	return err_set(err, -EINVAL, "--disk: \"%s\" is neither ext4 nor xfs", text);
}

/* "SIZE[,fs=NAME]" */
static int parse_disk(const char *text, struct power_options *o, struct err *err)
{
	_cleanup_free_ char *size = strdup(text);
	char *comma = size ? strchr(size, ',') : NULL;
	int r = 0;

	if (!size)
		return err_set(err, -ENOMEM, "out of memory");
	if (comma) {
		*comma++ = '\0';
		if (strncmp(comma, "fs=", 3))
			return err_set(err, -EINVAL, "--disk: \"%s\" is not fs=ext4 or fs=xfs",
				       comma);
		r = parse_fs(comma + 3, &o->fs, err);
	}
	if (r)
		return r;
	if (units_parse_size(size, &o->disk_bytes) || o->disk_bytes % 4096)
		return err_set(err, -EINVAL, "--disk: \"%s\" is not a size of whole 4k blocks",
			       size);
	if (o->disk_bytes < DISK_MIN)
		return err_set(err, -EINVAL, "--disk: %s is less than 16M", size);
	if (o->disk_bytes > DISK_MAX)
		return err_set(err, -EINVAL, "--disk: %s is more than 1T", size);
	if (!strcmp(o->fs, "xfs") && o->disk_bytes < XFS_MIN)
		return err_set(err, -EINVAL, "--disk: %s is less than the 300M that xfs takes",
			       size);
	return 0;
}

/* "AFTER[..UNTIL]" */
static int parse_cut(const char *text, struct power_options *o, struct err *err)
{
	_cleanup_free_ char *after = strdup(text);
	char *until = after ? strstr(after, "..") : NULL;

	if (!after)
		return err_set(err, -ENOMEM, "out of memory");
	if (until) {
		*until = '\0';
		until += 2;
	}
	if (units_parse_time(after, &o->after_ns) ||
	    units_parse_time(until ? until : after, &o->until_ns))
		return err_set(err, -EINVAL,
			       "--power-cut: \"%s\" is no time (200ms) and no span of times "
			       "(100ms..2s)",
			       text);
	if (o->until_ns < o->after_ns)
		return err_set(err, -EINVAL, "--power-cut: %s ends before it begins", text);
	return 0;
}

int vm_power_make(const struct vm_power_words *w, struct power_options *o, struct power **ret,
		  struct err *err)
{
	bool seeded = w->seed != VM_POWER_NO_SEED;
	int r = 0;

	*o = (struct power_options){
		.fs = "ext4", .disk_bytes = DISK_DEFAULT, .seed = w->seed % SEED_MAX};
	*ret = NULL;
	if (!w->cut && (w->cuts || seeded || w->verdicts))
		return err_set(err, -EINVAL, "--cuts, --seed and --verdicts go with --power-cut");
	if (w->disk)
		r = parse_disk(w->disk, o, err);
	if (!r && w->cut)
		r = parse_cut(w->cut, o, err);
	if (r || (!w->disk && !w->cut))
		return r;
	if (w->cut)
		o->cuts = w->cuts ? (unsigned)w->cuts : 1;
	if (!seeded && getrandom(&o->seed, sizeof(o->seed), 0) != sizeof(o->seed))
		return err_sys(err, -errno, "getrandom");
	o->seed %= SEED_MAX;
	return power_new(o, ret, err);
}

static const char *text_of(const cJSON *o, const char *key)
{
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o, key));

	return text ? text : "";
}

static void print_cut(unsigned i, const struct cut *c, const cJSON *verdict)
{
	const cJSON *acked = cJSON_GetObjectItemCaseSensitive(verdict, "acknowledged");
	const char *cell = text_of(verdict, "cell"), *reason = text_of(verdict, "reason");
	char time[UNITS_TEXT_MAX];

	printf("cut %u: %s%s%.0f acknowledged in %s; of %llu writes in the cache %llu kept, "
	       "%llu dropped, %llu torn: %s%s%s\n",
	       i + 1, cell, *cell ? ": " : "", cJSON_IsNumber(acked) ? acked->valuedouble : 0,
	       units_format_time(c->run_ns / NSEC_PER_MSEC * NSEC_PER_MSEC, time),
	       (unsigned long long)c->fate.writes, (unsigned long long)c->fate.kept,
	       (unsigned long long)c->fate.dropped, (unsigned long long)c->fate.torn,
	       text_of(verdict, "verdict"), *reason ? ": " : "", reason);
}

/* What was done to the disk, in front of what came of it. */
static cJSON *describe(unsigned i, const struct power_options *o, const struct cut *c,
		       cJSON *verdict)
{
	cJSON *all = cJSON_CreateObject();

	cJSON_AddNumberToObject(all, "cut", i + 1);
	cJSON_AddNumberToObject(all, "seed", (double)o->seed);
	cJSON_AddStringToObject(all, "filesystem", o->fs);
	cJSON_AddNumberToObject(all, "run", c->run);
	cJSON_AddNumberToObject(all, "run_ns", (double)c->run_ns);
	cJSON_AddNumberToObject(all, "cached_writes", (double)c->fate.writes);
	cJSON_AddNumberToObject(all, "cached_bytes", (double)c->fate.bytes);
	cJSON_AddNumberToObject(all, "writes_kept", (double)c->fate.kept);
	cJSON_AddNumberToObject(all, "writes_dropped", (double)c->fate.dropped);
	cJSON_AddNumberToObject(all, "writes_torn", (double)c->fate.torn);
	while (verdict->child) {
		cJSON *item = cJSON_DetachItemViaPointer(verdict, verdict->child);

		cJSON_AddItemToObject(all, item->string, item);
	}
	return all;
}

static int write_verdicts(const char *path, const struct power_options *o, const struct cut *cuts,
			  unsigned n, cJSON **verdicts)
{
	FILE *f = fopen(path, "we");
	bool whole = f;

	for (unsigned i = 0; whole && i < n; i++) {
		_cleanup_json_ cJSON *all = describe(i, o, &cuts[i], verdicts[i]);
		_cleanup_free_ char *text = cJSON_PrintUnformatted(all);

		whole = text && fprintf(f, "%s\n", text) >= 0;
	}
	if (f && fclose(f))
		whole = false;
	if (whole)
		return 0;
	return verb_fail(EXITCODE_FAILURE, "vm: --verdicts %s: %s", path, strerror(errno));
}

struct tally {
	unsigned cuts, kept, lost, nothing, other;
	unsigned cached; /* cuts at which something lay in the cache */
};

static void add_to_tally(struct tally *t, const struct cut *c, const char *verdict)
{
	t->cuts++;
	t->cached += c->fate.writes > 0;
	if (!strcmp(verdict, "kept"))
		t->kept++;
	else if (!strcmp(verdict, "lost"))
		t->lost++;
	else if (!strcmp(verdict, "nothing-acknowledged"))
		t->nothing++;
	else
		t->other++;
}

/* Of the cuts in runs of `cell`; NULL: of all. */
static struct tally count(const char *cell, const struct cut *cuts, cJSON *const *verdicts,
			  unsigned n)
{
	struct tally t = {0};

	for (unsigned i = 0; i < n; i++)
		if (!cell || !strcmp(text_of(verdicts[i], "cell"), cell))
			add_to_tally(&t, &cuts[i], text_of(verdicts[i], "verdict"));
	return t;
}

/* A line for each cell. Where nothing lay in the cache, nothing could be lost. */
static void print_cells(const struct cut *cuts, cJSON *const *verdicts, unsigned n)
{
	_cleanup_json_ cJSON *seen = cJSON_CreateObject();

	for (unsigned i = 0; i < n; i++) {
		const char *cell = text_of(verdicts[i], "cell");
		struct tally t;

		if (cJSON_HasObjectItem(seen, cell))
			continue;
		cJSON_AddTrueToObject(seen, cell);
		t = count(cell, cuts, verdicts, n);
		printf("%4u kept %4u lost", t.kept, t.lost);
		if (t.nothing + t.other)
			printf(" %4u undecided", t.nothing + t.other);
		printf("  of %u cut%s, %u with writes in the cache: %s\n", t.cuts,
		       t.cuts == 1 ? "" : "s", t.cached, *cell ? cell : "(no cell)");
	}
}

/* Cells of which a run began, and whether one of their runs was cut. */
struct cells {
	const struct cut *cuts;
	unsigned n_cuts;
	cJSON *seen; /* {LABEL: bool} */
};

static bool was_cut(const struct cells *c, int run)
{
	for (unsigned i = 0; i < c->n_cuts; i++)
		if (run >= 0 && c->cuts[i].run == (unsigned)run)
			return true;
	return false;
}

static void add_run(void *arg, const char *line, int run)
{
	struct cells *c = arg;
	_cleanup_json_ cJSON *o =
		cJSON_ParseWithOpts(line + strcspn(line, "{\n"), &(const char *){NULL}, false);
	const char *cell = text_of(o, "cell");
	cJSON *seen = cJSON_GetObjectItemCaseSensitive(c->seen, cell);

	if (!seen)
		cJSON_AddBoolToObject(c->seen, cell, was_cut(c, run));
	else if (was_cut(c, run))
		cJSON_ReplaceItemInObjectCaseSensitive(c->seen, cell, cJSON_CreateTrue());
}

/* A run may be over before its cut is due. Returns how many cells were never cut. */
static unsigned tell_uncut(const struct power *p, const struct cut *cuts, unsigned n)
{
	_cleanup_json_ cJSON *seen = cJSON_CreateObject();
	struct cells c = {.cuts = cuts, .n_cuts = n, .seen = seen};
	const cJSON *cell;
	unsigned uncut = 0;

	power_each_run(p, add_run, &c);
	cJSON_ArrayForEach (cell, seen) {
		if (cJSON_IsTrue(cell))
			continue;
		printf("never cut: %s\n", cell->string);
		uncut++;
	}
	if (n == CUTTER_MAX)
		printf("%u cuts is the most there can be: then the power stayed on\n", n);
	return uncut;
}

static int conclude(const struct power *p, const struct power_options *o, unsigned n,
		    unsigned uncut, const struct tally *t, int rc)
{
	printf("%u power cut%s in %u run%s on %s, seed %llu: %u kept all that was acknowledged, %u "
	       "lost some%s\n",
	       n, n == 1 ? "" : "s", power_runs(p), power_runs(p) == 1 ? "" : "s", o->fs,
	       (unsigned long long)o->seed, t->kept, t->lost,
	       t->other ? ", others could not be judged" : "");
	if (t->lost)
		return verb_fail(EXITCODE_LOST,
				 "vm: %u of %u power cuts lost what had been "
				 "acknowledged",
				 t->lost, n);
	if (t->other)
		return verb_fail(EXITCODE_FAILURE, "vm: %u of %u power cuts could not be judged",
				 t->other, n);
	if (!rc && uncut)
		return verb_fail(EXITCODE_INCONCLUSIVE,
				 "vm: %u cell%s had no power cut: their runs were over before",
				 uncut, uncut == 1 ? "" : "s");
	if (!rc && !t->kept)
		return verb_fail(EXITCODE_INCONCLUSIVE, "vm: there was nothing to lose");
	return rc;
}

static int tell(struct power *p, const struct power_options *o, const char *path,
		const struct cut *cuts, unsigned n, cJSON **verdicts, int rc)
{
	struct tally t = count(NULL, cuts, verdicts, n);

	for (unsigned i = 0; i < n; i++)
		if (n == 1 || strcmp(text_of(verdicts[i], "verdict"), "kept"))
			print_cut(i, &cuts[i], verdicts[i]);
	print_cells(cuts, verdicts, n);
	if (path && write_verdicts(path, o, cuts, n, verdicts))
		return EXITCODE_FAILURE;
	/* A machine that was stopped has not run the rest. */
	return conclude(p, o, n, o->cuts > 1 ? tell_uncut(p, cuts, n) : 0, &t, rc);
}

static int judge(struct power *p, const struct power_options *o, const char *path, struct vm *vm,
		 const struct vm_boot *boot, const struct cut *cuts, unsigned n, int rc)
{
	_cleanup_free_ struct vm_outcome *outcome = calloc(1, sizeof(*outcome));
	_cleanup_free_ cJSON **verdicts = calloc(n, sizeof(*verdicts));
	struct err err;
	int r;

	if (!outcome || !verdicts)
		return verb_fail(EXITCODE_FAILURE, "vm: out of memory");
	fprintf(stderr, "vm: a second machine judges %u image%s\n", n, n == 1 ? "" : "s");
	r = power_judge(p, vm, boot, verdicts, outcome, &err);
	if (r)
		return verb_fail(EXITCODE_VM, "vm: judging the cuts: %s", err.text);
	if (outcome->end == VM_INTERRUPTED)
		return verb_fail(EXITCODE_INTERRUPTED, "vm: judging the cuts: %s", outcome->text);
	if (outcome->end != VM_EXITED)
		return verb_fail(EXITCODE_VM, "vm: judging the cuts: %s\n%s", outcome->text,
				 outcome->console);
	rc = tell(p, o, path, cuts, n, verdicts, rc);
	for (unsigned i = 0; i < n; i++)
		cJSON_Delete(verdicts[i]);
	return rc;
}

int vm_power_judge(struct power *p, const struct power_options *o, const char *verdicts,
		   struct vm *vm, const struct vm_boot *boot, const struct vm_outcome *outcome,
		   int rc)
{
	const struct cut *cuts;
	struct err err;
	unsigned n;

	if (power_end(p, &err)) /* what was cut before is as good as ever */
		rc = verb_fail(EXITCODE_VM, "vm: the disk: %s", err.text);
	if (!o->cuts || (outcome->end != VM_EXITED && outcome->end != VM_CUT))
		return rc;
	cuts = power_cuts(p, &n);
	if (n)
		return judge(p, o, verdicts, vm, boot, cuts, n, rc);
	if (rc)
		return rc;
	return verb_fail(EXITCODE_INCONCLUSIVE,
			 power_runs(p) ? "vm: the power was never cut: the command had ended before"
				       : "vm: the power was never cut: nothing was acknowledged on "
					 "/dev/virtio-ports/acks (the knob `acks` of wal)");
}

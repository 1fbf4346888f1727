// SPDX-License-Identifier: MIT
/*
 * Telling acknowledgements, and reading them again. A lane goes on when its write has returned:
 * then what it told lies with somebody whom its own death does not touch. Each write is at most
 * TOLD_BYTES, so that lanes that share a stream do not cut each other's lines (O_APPEND; PIPE_BUF).
 */
#include "workloads/wal_acks.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/util/cleanup.h"
#include "harness/util/fs.h"
#include "workloads/wal_record.h"
#include "workloads/wal_replay.h"

#define TOLD_BYTES 4096
#define TOLD_LINE  48 /* three numbers of at most 10, 10 and 20 digits */

typedef unsigned long long ull;

/* Paths as whoever comes later can open them. */
static int describe_logs(const struct wal_world *world, cJSON *logs, struct err *err)
{
	for (uint32_t p = 0; p < world->partitions; p++) {
		const struct wal_partition *part = &world->partition[p];
		_cleanup_free_ char *path = realpath(part->path, NULL);
		cJSON *log = cJSON_CreateObject();

		cJSON_AddItemToArray(logs, log);
		if (!path)
			return err_sys(err, -errno, "%s", part->path);
		cJSON_AddStringToObject(log, "path", path);
		cJSON_AddNumberToObject(log, "ring_bytes", (double)part->ring_bytes);
	}
	return 0;
}

static int begin(int fd, struct run *run, uint64_t nonce, const struct wal_world *world)
{
	_cleanup_json_ cJSON *o = cJSON_CreateObject();
	_cleanup_free_ char *label = cell_label(run->cell), *json = NULL, *line = NULL;
	char hex[17];
	int n, r;

	snprintf(hex, sizeof(hex), "%016" PRIx64, nonce);
	cJSON_AddStringToObject(o, "cell", label ? label : "");
	cJSON_AddStringToObject(o, "nonce", hex);
	cJSON_AddNumberToObject(o, "record_bytes", world->record_bytes);
	cJSON_AddNumberToObject(o, "lanes", (double)run->axes->threads);
	r = describe_logs(world, cJSON_AddArrayToObject(o, "logs"), &run->err);
	if (r < 0)
		return r;
	json = cJSON_PrintUnformatted(o);
	n = json ? asprintf(&line, "# wal %s\n", json) : -1;
	if (n < 0)
		return err_sys(&run->err, -ENOMEM, "acks");
	r = fs_write_all(fd, line, (size_t)n);
	return r < 0 ? err_sys(&run->err, r, "acks: write") : 0;
}

int wal_acks_open(struct run *run, const char *path, uint64_t nonce, const struct wal_world *world)
{
	_cleanup_close_ int fd =
		open(path, O_WRONLY | O_APPEND | O_CREAT | O_NOCTTY | O_CLOEXEC, 0644);
	int r;

	if (fd < 0)
		return err_sys(&run->err, -errno, "acks: %s", path);
	r = begin(fd, run, nonce, world);
	return r < 0 ? r : take_fd(fd);
}

int wal_acks_tell(int fd, unsigned lane, struct op **ops, unsigned n)
{
	char buf[TOLD_BYTES];
	size_t len = 0;
	int r = 0;

	for (unsigned i = 0; r == 0 && i < n; i++) {
		const struct wal_header *h = ops[i]->data;

		len += (size_t)snprintf(buf + len, sizeof(buf) - len, "%u %u %llu\n", h->partition,
					lane, (ull)h->seq);
		if (i + 1 < n && len + TOLD_LINE <= sizeof(buf))
			continue;
		r = fs_write_all(fd, buf, len);
		len = 0;
	}
	return r;
}

/* A run as its first line describes it, and what was told of it. */
struct dead_run {
	uint64_t nonce;
	uint32_t record_bytes, lanes, partitions;
	const cJSON *logs;
	struct wal_replay_lane *acked;	 /* [partitions][lanes]: what is told without a gap */
	struct wal_replay_extra *extras; /* and behind the gaps */
	size_t n_extras, room;
	uint64_t unordered; /* told before one that its lane issued earlier */
};

static int number(const cJSON *o, const char *key, uint64_t min, uint64_t max, uint64_t *ret,
		  struct err *err)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(o, key);
	double v = cJSON_IsNumber(item) ? item->valuedouble : -1;

	if (v < (double)min || v > (double)max)
		return err_set(err, -EINVAL, "%s is not a number from %llu to %llu", key, (ull)min,
			       (ull)max);
	*ret = (uint64_t)v;
	return 0;
}

static int read_run(const cJSON *run, struct dead_run *ret, struct err *err)
{
	const char *hex = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(run, "nonce"));
	uint64_t record_bytes, lanes;
	char *end = NULL;
	int r;

	ret->nonce = hex ? strtoull(hex, &end, 16) : 0;
	if (!hex || strlen(hex) != 16 || *end)
		return err_set(err, -EINVAL, "nonce is not 16 hex digits");
	r = number(run, "record_bytes", sizeof(struct wal_header), 1u << 30, &record_bytes, err);
	if (r == 0)
		r = number(run, "lanes", 1, 1u << 20, &lanes, err);
	if (r < 0)
		return r;
	ret->record_bytes = (uint32_t)record_bytes;
	ret->lanes = (uint32_t)lanes;
	ret->logs = cJSON_GetObjectItemCaseSensitive(run, "logs");
	ret->partitions = (uint32_t)cJSON_GetArraySize(ret->logs);
	if (!ret->partitions)
		return err_set(err, -EINVAL, "logs is not a list of them");
	ret->acked = calloc((size_t)ret->partitions * ret->lanes, sizeof(*ret->acked));
	return ret->acked ? 0 : err_sys(err, -ENOMEM, "acknowledgements");
}

static int put_extra(struct dead_run *d, uint32_t partition, uint32_t lane, uint64_t seq)
{
	if (d->n_extras == d->room) {
		size_t room = d->room ? 2 * d->room : 64;
		void *extras = reallocarray(d->extras, room, sizeof(*d->extras));

		if (!extras)
			return -ENOMEM;
		d->extras = extras;
		d->room = room;
	}
	d->extras[d->n_extras++] =
		(struct wal_replay_extra){.seq = seq, .lane = lane, .partition = partition};
	d->unordered++;
	return 0;
}

/* There are no more of them than were in flight. */
static bool take_extra(struct dead_run *d, uint32_t partition, uint32_t lane, uint64_t seq)
{
	for (size_t i = 0; i < d->n_extras; i++) {
		const struct wal_replay_extra *e = &d->extras[i];

		if (e->seq != seq || e->lane != lane || e->partition != partition)
			continue;
		d->extras[i] = d->extras[--d->n_extras];
		return true;
	}
	return false;
}

/* A lane's records may complete in any order; a gap closes when the older one is told. */
static int take_ack(struct dead_run *d, uint32_t partition, uint32_t lane, uint64_t seq)
{
	struct wal_replay_lane *acked = &d->acked[(size_t)partition * d->lanes + lane];

	if (seq < acked->acked)
		return -EBADMSG; /* told twice */
	if (seq > acked->acked)
		return put_extra(d, partition, lane, seq);
	do
		acked->acked++;
	while (take_extra(d, partition, lane, acked->acked));
	return 0;
}

static int take_line(struct dead_run *d, const char *line, size_t len)
{
	char text[TOLD_LINE + 1], *end;
	uint64_t v[3];

	if (len >= sizeof(text))
		return -EBADMSG;
	memcpy(text, line, len);
	text[len] = '\0';
	end = text;
	for (int i = 0; i < 3; i++) {
		if (*end < '0' || *end > '9')
			return -EBADMSG;
		v[i] = strtoull(end, &end, 10);
		if (*end != (i < 2 ? ' ' : '\0'))
			return -EBADMSG;
		end++;
	}
	if (v[0] >= d->partitions || v[1] >= d->lanes)
		return -EBADMSG;
	return take_ack(d, (uint32_t)v[0], (uint32_t)v[1], v[2]);
}

static int take_lines(struct dead_run *d, const struct acks *acks, struct err *err)
{
	const char *at = acks->lines, *end = at + acks->len;

	for (uint64_t n = 1; at < end; n++) {
		const char *eol = memchr(at, '\n', (size_t)(end - at));

		int r = take_line(d, at, (size_t)(eol - at));

		if (r == -ENOMEM)
			return err_sys(err, r, "acknowledgements");
		if (r < 0)
			return err_set(err, -EINVAL,
				       "acknowledgement %llu is \"%.*s\", not PARTITION LANE SEQ "
				       "of %u partitions and %u lanes",
				       (ull)n, (int)min_of(eol - at, (ptrdiff_t)60), at,
				       d->partitions, d->lanes);
		at = eol + 1;
	}
	return 0;
}

/* A log that is gone has lost all that was acknowledged in it. */
static int lost_file(const struct wal_replay *log, struct wal_replay_counts *c, struct err *err)
{
	uint64_t acked = 0;

	for (uint32_t i = 0; i < log->n_lanes; i++)
		acked += log->lanes[i].acked;
	for (size_t i = 0; i < log->n_extras; i++)
		acked += log->extras[i].partition == log->partition;
	c->acknowledged += acked;
	c->checked += acked;
	c->missing += acked;
	return acked ? err_set(err, -EBADMSG,
			       "%s: the file is gone, with %llu records that were acknowledged",
			       log->path, (ull)acked)
		     : 0;
}

static int replay_partition(const struct dead_run *d, uint32_t p, struct wal_replay_counts *c,
			    struct err *err)
{
	const cJSON *o = cJSON_GetArrayItem(d->logs, (int)p);
	struct wal_replay log = {
		.path = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o, "path")),
		.nonce = d->nonce,
		.record_bytes = d->record_bytes,
		.partition = p,
		.lanes = d->acked + (size_t)p * d->lanes,
		.n_lanes = d->lanes,
		.crashed = true,
		.extras = d->extras,
		.n_extras = d->n_extras,
	};
	int r = number(o, "ring_bytes", d->record_bytes, 1ull << 53, &log.ring_bytes, err);

	if (r < 0)
		return r;
	if (!log.path || log.ring_bytes % d->record_bytes)
		return err_set(err, -EINVAL, "logs[%u] is not {path, ring_bytes}", p);
	log.label = log.path;
	r = wal_replay(&log, c, err);
	return r == -ENOENT ? lost_file(&log, c, err) : r;
}

/* All partitions, so that the counts are whole. The first fault is told, and comes before whatever
 * kept the oracle from judging another log: a loss is a loss. */
static int replay_all(const struct dead_run *d, struct wal_replay_counts *c, struct err *err)
{
	struct err one;
	int ret = 0;

	for (uint32_t p = 0; p < d->partitions; p++) {
		int r = replay_partition(d, p, c, &one);

		if (r < 0 && (ret == 0 || (r == -EBADMSG && ret != -EBADMSG))) {
			ret = r;
			*err = one;
		}
	}
	if (ret == 0 && !c->acknowledged)
		return err_set(err, -ENODATA, "nothing was acknowledged");
	return ret;
}

int wal_acks_replay(const struct acks *acks, cJSON *verdict, struct err *err)
{
	struct dead_run d = {.nonce = 0};
	struct wal_replay_counts c = {0};
	int r = read_run(acks->run, &d, err);

	if (r == 0)
		r = take_lines(&d, acks, err);
	if (r == 0)
		r = replay_all(&d, &c, err);
	free(d.acked);
	free(d.extras);
	cJSON_AddNumberToObject(verdict, "acknowledged", (double)c.acknowledged);
	cJSON_AddNumberToObject(verdict, "replayed", (double)c.replayed);
	cJSON_AddNumberToObject(verdict, "missing", (double)c.missing);
	cJSON_AddNumberToObject(verdict, "corrupt", (double)c.corrupt);
	cJSON_AddNumberToObject(verdict, "duplicate", (double)c.duplicate);
	cJSON_AddNumberToObject(verdict, "reordered", (double)c.reordered);
	cJSON_AddNumberToObject(verdict, "torn", (double)c.torn);
	cJSON_AddNumberToObject(verdict, "told_out_of_order", (double)d.unordered);
	return r;
}

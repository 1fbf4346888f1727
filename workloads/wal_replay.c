// SPDX-License-Identifier: MIT
/*
 * The oracle of the wal workload. Two passes: the log is read slot by slot into a list of what was
 * found; the list, sorted by lane and sequence, then shows gaps, doubles and order. Nothing is
 * asked of the target: where a record should lie follows from the world's contract, how many there
 * must be from what the lanes saw acknowledged.
 *
 * The wrap point p of a full ring is not known (records in flight may have moved it), but it must
 * exist: read from p around the ring, every lane ascends. A lane that descends once, from slot b to
 * slot a, needs b >= ... > a: p in (last, first]; one that does not must not have p inside it.
 */
#include "workloads/wal_replay.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "harness/util/cleanup.h"
#include "workloads/wal_record.h"

#define ALIGN	    4096ull
#define CHUNK_BYTES (1ull << 20)

typedef unsigned long long ull;

struct found {
	uint64_t seq, slot;
	uint32_t lane;
};

struct span {
	uint64_t first, last; /* slots of the oldest and newest record */
	bool any, descends;
};

struct scan {
	const struct wal_replay *log;
	struct wal_replay_counts counts;
	struct err *err;
	struct found *found;
	struct span *spans; /* [n_lanes] */
	uint64_t slots, n_found, faults;
	uint64_t acked, issued; /* all lanes */
};

/* Counts a fault; the first one is the one that is told. */
#define fault(s, counter, ...)                                    \
	({                                                        \
		(s)->counts.counter++;                            \
		if (!(s)->faults++)                               \
			err_set((s)->err, -EBADMSG, __VA_ARGS__); \
	})

static uint64_t offset_of(const struct scan *s, uint64_t slot)
{
	return slot * s->log->record_bytes;
}

static bool was_issued(const struct wal_replay *log, const struct wal_header *h)
{
	return h->lane < log->n_lanes && (log->crashed || h->seq < log->lanes[h->lane].issued);
}

static void scan_slot(struct scan *s, uint64_t slot, const void *record)
{
	const struct wal_replay *log = s->log;
	struct wal_header h;
	enum wal_kind kind =
		wal_record_read(record, log->record_bytes, log->nonce, log->partition, &h);

	if (kind == WAL_FOREIGN)
		return;
	if (log->crashed && kind == WAL_DAMAGED) {
		s->counts.torn++;
		return;
	}
	if (!was_issued(log, &h)) {
		fault(s, corrupt,
		      "%s: offset %llu: a record of this run says lane %u sequence %llu, which was never issued",
		      log->label, (ull)offset_of(s, slot), h.lane, (ull)h.seq);
		return;
	}
	s->found[s->n_found++] = (struct found){.seq = h.seq, .slot = slot, .lane = h.lane};
	if (kind == WAL_OURS)
		s->counts.replayed++;
	else if (h.seq >= log->lanes[h.lane].acked)
		s->counts.torn++;
	else
		fault(s, corrupt,
		      "%s: offset %llu: lane %u sequence %llu is corrupt (its CRC32C does not match)",
		      log->label, (ull)offset_of(s, slot), h.lane, (ull)h.seq);
}

/* Reads up to `want` bytes at an aligned offset; what lies behind the end of the file is zero. */
static int read_aligned(int fd, char *buf, uint64_t want, uint64_t at)
{
	uint64_t got = 0;

	while (got < want) {
		ssize_t n = pread(fd, buf + got, want - got, (off_t)(at + got));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		got += (uint64_t)n;
		if (n == 0 || got % ALIGN)
			break;
	}
	memset(buf + got, 0, want - got);
	return 0;
}

/* One read covers whole records, and from there on and behind whole blocks, as O_DIRECT asks. */
static int scan_chunk(struct scan *s, int fd, char *buf, uint64_t slot, uint64_t n)
{
	uint64_t begin = offset_of(s, slot), start = begin / ALIGN * ALIGN;
	uint64_t end = (offset_of(s, slot + n) + ALIGN - 1) / ALIGN * ALIGN;
	int r = read_aligned(fd, buf, end - start, start);

	if (r < 0)
		return err_sys(s->err, r, "%s: read at offset %llu", s->log->label, (ull)start);
	for (uint64_t i = 0; i < n; i++)
		scan_slot(s, slot + i, buf + (begin - start) + offset_of(s, i));
	return 0;
}

static int open_past_cache(const struct wal_replay *log, struct err *err)
{
	int fd = open(log->path, O_RDONLY | O_CLOEXEC | O_DIRECT);

	if (fd < 0 && errno == EINVAL) {
		fd = open(log->path, O_RDONLY | O_CLOEXEC);
		if (fd >= 0)
			posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	}
	return fd < 0 ? err_sys(err, -errno, "%s: open for the replay", log->label) : fd;
}

static int scan_log(struct scan *s)
{
	uint64_t per_chunk = max_of(CHUNK_BYTES / s->log->record_bytes, 1ull);
	uint64_t n = min_of(s->slots, s->issued);
	_cleanup_free_ char *buf = NULL;
	_cleanup_close_ int fd = -1;

	fd = open_past_cache(s->log, s->err);
	if (fd < 0)
		return fd;
	buf = aligned_alloc(ALIGN, (per_chunk * s->log->record_bytes / ALIGN + 3) * ALIGN);
	if (!buf)
		return err_sys(s->err, -ENOMEM, "%s: replay", s->log->label);
	for (uint64_t slot = 0; slot < n; slot += per_chunk) {
		int r = scan_chunk(s, fd, buf, slot, min_of(per_chunk, n - slot));

		if (r < 0)
			return r;
	}
	return 0;
}

static int by_lane_and_seq(const void *a, const void *b)
{
	const struct found *x = a, *y = b;

	if (x->lane != y->lane)
		return x->lane < y->lane ? -1 : 1;
	if (x->seq != y->seq)
		return x->seq < y->seq ? -1 : 1;
	return x->slot < y->slot ? -1 : x->slot > y->slot;
}

/* Records from..to - 1 of a lane are not in the log: a fault as far as they were acknowledged. */
static uint64_t gap(struct scan *s, uint32_t lane, uint64_t from, uint64_t to, const char *where,
		    uint64_t slot)
{
	to = min_of(to, s->log->lanes[lane].acked);
	if (from >= to)
		return 0;
	fault(s, missing,
	      "%s: lane %u sequence %llu was acknowledged and is missing (%llu in a row; %s offset %llu)",
	      s->log->label, lane, (ull)from, (ull)(to - from), where, (ull)offset_of(s, slot));
	s->counts.missing += to - from - 1;
	return to - from;
}

/* Looks at neighbours in the sorted list, both of one lane. */
static uint64_t check_step(struct scan *s, const struct found *prev, const struct found *f)
{
	struct span *span = &s->spans[f->lane];

	if (f->seq == prev->seq) {
		fault(s, duplicate,
		      "%s: lane %u sequence %llu is there twice, at offsets %llu and %llu",
		      s->log->label, f->lane, (ull)f->seq, (ull)offset_of(s, prev->slot),
		      (ull)offset_of(s, f->slot));
		return 0;
	}
	if (f->slot < prev->slot) {
		if (span->descends || s->issued <= s->slots)
			fault(s, reordered,
			      "%s: lane %u sequence %llu at offset %llu lies before sequence %llu at offset %llu",
			      s->log->label, f->lane, (ull)f->seq, (ull)offset_of(s, f->slot),
			      (ull)prev->seq, (ull)offset_of(s, prev->slot));
		span->descends = true;
	}
	return gap(s, f->lane, prev->seq + 1, f->seq, "the next one lies at", f->slot);
}

/* All that was found of one lane, oldest first. Returns how many records are missing. */
static uint64_t check_lane(struct scan *s, uint32_t lane, const struct found *f, uint64_t n)
{
	bool full = s->issued > s->slots;
	uint64_t missing = 0;

	if (!n)
		return full ? 0 : gap(s, lane, 0, UINT64_MAX, "searched from", 0);
	if (!full)
		missing += gap(s, lane, 0, f[0].seq, "the next one lies at", f[0].slot);
	for (uint64_t i = 1; i < n; i++)
		missing += check_step(s, &f[i - 1], &f[i]);
	missing +=
		gap(s, lane, f[n - 1].seq + 1, UINT64_MAX, "the one before lies at", f[n - 1].slot);
	s->spans[lane].any = true;
	s->spans[lane].first = f[0].slot;
	s->spans[lane].last = f[n - 1].slot;
	return missing;
}

/* The smallest p that the descending lanes allow, moved behind every other lane that it would cut.
 */
static uint64_t wrap_point(const struct scan *s)
{
	uint64_t p = 0;
	bool moved;

	for (uint32_t i = 0; i < s->log->n_lanes; i++)
		if (s->spans[i].any && s->spans[i].descends)
			p = max_of(p, s->spans[i].last + 1);
	do {
		moved = false;
		for (uint32_t i = 0; p && i < s->log->n_lanes; i++) {
			const struct span *span = &s->spans[i];

			if (span->any && !span->descends && span->first < p && p <= span->last) {
				p = span->last + 1;
				moved = true;
			}
		}
	} while (moved);
	return p;
}

static void check_wrap(struct scan *s)
{
	uint64_t p = wrap_point(s);

	for (uint32_t i = 0; i < s->log->n_lanes; i++)
		if (s->spans[i].any && s->spans[i].descends && s->spans[i].first < p)
			fault(s, reordered,
			      "%s: lane %u wraps at offset %llu or before, other lanes only at %llu: no order of appending gives this log",
			      s->log->label, i, (ull)offset_of(s, s->spans[i].first),
			      (ull)offset_of(s, p));
}

/* Called when `found` is sorted. */
static void check_extras(struct scan *s)
{
	for (size_t i = 0; i < s->log->n_extras; i++) {
		const struct wal_replay_extra *e = &s->log->extras[i];
		uint64_t low = 0, high = s->n_found;

		if (e->partition != s->log->partition)
			continue;
		while (low < high) {
			uint64_t mid = (low + high) / 2;
			const struct found *f = &s->found[mid];

			if (f->lane < e->lane || (f->lane == e->lane && f->seq < e->seq))
				low = mid + 1;
			else
				high = mid;
		}
		s->counts.acknowledged++;
		s->counts.checked++;
		if (low == s->n_found || s->found[low].lane != e->lane ||
		    s->found[low].seq != e->seq)
			fault(s, missing,
			      "%s: lane %u sequence %llu was acknowledged and is missing",
			      s->log->label, e->lane, (ull)e->seq);
	}
}

static void judge(struct scan *s)
{
	uint64_t need = min_of(s->acked, s->slots), missing = 0, at = 0;

	qsort(s->found, s->n_found, sizeof(*s->found), by_lane_and_seq);
	for (uint32_t lane = 0; lane < s->log->n_lanes; lane++) {
		uint64_t end = at;

		while (end < s->n_found && s->found[end].lane == lane)
			end++;
		missing += check_lane(s, lane, s->found + at, end - at);
		at = end;
	}
	if (s->issued > s->slots)
		check_wrap(s);
	if (s->n_found + missing + s->counts.corrupt < need) {
		uint64_t lost = need - s->n_found - missing;

		fault(s, missing,
		      "%s: of the newest %llu acknowledged records %llu are missing: they were overwritten or never written",
		      s->log->label, (ull)need, (ull)lost);
		s->counts.missing += lost - 1;
	}
	s->counts.acknowledged += s->acked;
	s->counts.checked += need;
	check_extras(s);
}

static void add_counts(struct wal_replay_counts *to, const struct wal_replay_counts *c)
{
	to->acknowledged += c->acknowledged;
	to->checked += c->checked;
	to->replayed += c->replayed;
	to->corrupt += c->corrupt;
	to->missing += c->missing;
	to->duplicate += c->duplicate;
	to->reordered += c->reordered;
	to->torn += c->torn;
}

int wal_replay(const struct wal_replay *log, struct wal_replay_counts *counts, struct err *err)
{
	struct scan s = {.log = log, .err = err};
	_cleanup_free_ struct found *found = NULL;
	_cleanup_free_ struct span *spans = NULL;
	int r;

	s.slots = log->ring_bytes / log->record_bytes;
	for (uint32_t i = 0; i < log->n_lanes; i++) {
		s.acked += log->lanes[i].acked;
		s.issued += log->crashed ? 0 : log->lanes[i].issued;
	}
	if (log->crashed)
		s.issued = s.slots;
	s.found = found = calloc(min_of(s.slots, s.issued) + 1, sizeof(*found));
	s.spans = spans = calloc(log->n_lanes, sizeof(*spans));
	if (!found || !spans)
		return err_sys(err, -ENOMEM, "%s: replay", log->label);
	r = scan_log(&s);
	if (r < 0)
		return r;
	if (log->crashed && s.n_found + s.counts.torn == s.slots)
		return err_set(err, -EOVERFLOW,
			       "%s: the ring is full, so it cannot be told what was overwritten "
			       "(raise log_bytes)",
			       log->label);
	judge(&s);
	add_counts(counts, &s.counts);
	return s.faults ? -EBADMSG : 0;
}

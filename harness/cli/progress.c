// SPDX-License-Identifier: MIT
/* Progress of a session, on stderr. A run that is not ok is told at once, on a line that stays. */
#include "harness/cli/progress.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "harness/cell.h"
#include "harness/session/launch.h"
#include "harness/util/cleanup.h"
#include "harness/util/nsec.h"

#define BAR_WIDTH 24
#define PROBED	  ", probed"

void progress_init(struct progress *p, uint64_t expected_run_ns)
{
	*p = (struct progress){.terminal = isatty(STDERR_FILENO),
			       .started_ns = nsec_now(),
			       .expected_run_ns = expected_run_ns};
}

static void time_left(const struct progress *p, uint64_t done, uint64_t todo, char *text,
		      size_t size)
{
	uint64_t each = done ? (nsec_now() - p->started_ns) / done : p->expected_run_ns;
	uint64_t s = (todo - done) * each / NSEC_PER_SEC;

	if (s >= 3600)
		snprintf(text, size, "%llu:%02llu:%02llu left", (unsigned long long)(s / 3600),
			 (unsigned long long)(s / 60 % 60), (unsigned long long)(s % 60));
	else
		snprintf(text, size, "%llu:%02llu left", (unsigned long long)(s / 60),
			 (unsigned long long)(s % 60));
}

void progress_begins(void *progress, const struct cell *cell, bool probed, uint64_t done,
		     uint64_t todo)
{
	const struct progress *p = progress;
	_cleanup_free_ char *label = cell_label(cell);
	char left[32], bar[BAR_WIDTH + 1];
	int full = (int)(done * BAR_WIDTH / (todo ? todo : 1));

	if (!p->terminal)
		return;
	memset(bar, '-', BAR_WIDTH);
	memset(bar, '#', (size_t)full);
	bar[BAR_WIDTH] = 0;
	time_left(p, done, todo, left, sizeof(left));
	fprintf(stderr, "\r\033[K[%s] %llu/%llu  %s  %.40s%s", bar, (unsigned long long)done,
		(unsigned long long)todo, left, label ? label : cell->id, probed ? PROBED : "");
	fflush(stderr);
}

void progress_ended(void *progress, const struct cell *cell, bool probed, const struct outcome *o,
		    uint64_t done, uint64_t todo)
{
	const struct progress *p = progress;
	_cleanup_free_ char *label = NULL;
	char left[32];

	if (p->terminal && o->status == STATUS_OK)
		return;
	label = cell_label(cell);
	time_left(p, done, todo, left, sizeof(left));
	if (p->terminal)
		fprintf(stderr, "\r\033[K");
	fprintf(stderr, "[%llu/%llu] %s%s: %s%s%s", (unsigned long long)done,
		(unsigned long long)todo, label ? label : cell->id, probed ? PROBED : "",
		status_names[o->status], o->reason[0] ? ": " : "", o->reason);
	if (!p->terminal)
		fprintf(stderr, ", %s", left);
	fputc('\n', stderr);
}

void progress_finish(struct progress *p)
{
	if (p->terminal)
		fprintf(stderr, "\r\033[K");
}

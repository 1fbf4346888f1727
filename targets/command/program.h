/* SPDX-License-Identifier: MIT */
/*
 * A program that runs: what it prints is read, its end is seen, and what it leaves is cleared away.
 *
 *	program_open     pipes for what it prints; once, however often it is executed
 *	program_start    executes it
 *	program_pump     again and again: reads, until `ended`
 *	program_reap     ends what is left of its process group, takes its status and usage
 *	program_close    kills it first, if it is still there
 *
 * Its end is that of the process that was started, not of the pipes: children that it left may hold
 * those open for ever. One thread at a time uses a program.
 */
#pragma once

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "harness/role.h"
#include "harness/util/err.h"
#include "harness/world/command.h"

#define PROGRAM_LINE_MAX 65536 /* of a line of stdout: the rest of a longer one is dropped */
#define PROGRAM_WORDS	 256

/* A line of stdout without its end, at the time when it was read. */
typedef void (*program_line_fn)(void *arg, const char *line, uint64_t now_ns);

struct program {
	const char *what; /* for messages: "the program", "the server" */
	pid_t pid;	  /* 0: none */
	int pidfd, out[2], err[2];
	uint64_t started_ns;
	bool ended;	  /* and not reaped yet */
	int stop_signal;  /* by which it was asked to end; 0: not yet */
	bool killed;	  /* by us, as it did not */
	int code, status; /* as in siginfo_t, once it ended */
	unsigned left;	  /* processes that executions left behind, ended by us */
	program_line_fn line;
	void *arg;
	char *buffer; /* [PROGRAM_LINE_MAX] */
	size_t len;
	bool skipping; /* to the end of a line that is too long */
	char last_out[PROGRAM_WORDS], last_err[PROGRAM_WORDS]; /* printable */
};

int program_open(struct program *p, const char *what, program_line_fn line, void *arg,
		 struct err *err);
int program_start(struct program *p, struct run *run, enum role role,
		  const struct command_line *line, bool lasting, struct err *err);

/* The descriptors that tell news of p: PROGRAM_FDS of them, -1 where there are none. */
#define PROGRAM_FDS 3
void program_fds(const struct program *p, struct pollfd fds[static PROGRAM_FDS]);
/* Reads what is there; sets `ended`. */
void program_take(struct program *p, const struct pollfd fds[static PROGRAM_FDS]);
/* Waits for news of up to two, either of which may be NULL, and takes them. */
void program_pump(struct program *a, struct program *b, uint64_t timeout_ns);

/* Did an ended one do so as it should: by exit(0), or as we asked for, be it with the status that a
 * shell gives that signal? Else err says how it ended, and what it printed last. */
bool program_went_well(const struct program *p, struct err *err);
/* Adds `: "last words"` to a text. */
void program_quote(const struct program *p, struct err *err);

/* Of one that ended. */
void program_reap(struct program *p, struct rusage *usage);
/* Asks by `signal`, kills after the time-out, and reads until the end; true: it had to be killed.
 */
bool program_stop(struct program *p, int signal, uint64_t timeout_ns);
/* Accepts a zeroed one. */
void program_close(struct program *p);

/* Orphans come to this process from here on. */
int program_adopt_orphans(struct err *err);
/* Ends whatever descends from this process; how many there were. */
unsigned program_sweep(void);

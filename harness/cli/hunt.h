/* SPDX-License-Identifier: MIT */
/*
 * A hunt: probes on one process, that is there already or is started here. cmd_hunt.c tells the
 * story, the rest is
 *
 *   hunt_prey.c     the process: found or started, waited for, ended
 *   hunt_watch.c    arm, window, ticks, disarm
 *   hunt_record.c   what was found, as JSON (results/README.md)
 *   hunt_live.c     what is shown meanwhile on a terminal
 *   hunt_print.c    the tables and the page at the end
 */
#pragma once

#include <cjson/cJSON.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <time.h>

#include "harness/probe.h"
#include "harness/util/err.h"
#include "harness/util/procfs.h"

struct procstat;

/* A page that a command shares with us until it is executed. */
struct prey_gate {
	uint64_t begin_ns;    /* when to go; 0: not known yet */
	struct rusage before; /* what it used until then */
};

/* A process that is watched. */
struct prey {
	char **command; /* ended by NULL; NULL: it was there before */
	char *file;	/* where it is */
	pid_t pid;
	char comm[COMM_MAX];
	int pidfd; /* readable when it is gone */
	int go;	   /* closing it lets a command that was started stopped go away again */
	int said;  /* where it says that it is ready, and that it could not be executed */
	struct prey_gate *gate;
	bool exited; /* and reaped, when it is ours */
	int status;  /* as of wait4(2), and what it used */
	struct rusage rusage;
};

int prey_find(struct prey *prey, pid_t pid, struct err *err);
/* Looks for the program. -ENOENT and the like with err. */
int prey_find_command(struct prey *prey, char **command, struct err *err);
/* Forks; then the child waits. */
int prey_start(struct prey *prey, struct err *err);
/* From here on it does not sleep any more. */
int prey_ready(struct prey *prey, struct err *err);
/* Says when to execute the command. */
void prey_release(struct prey *prey, uint64_t begin_ns);
/* Waits until it is being executed, or cannot be. */
int prey_executed(struct prey *prey, struct err *err);
/* Waits until it is gone, `until_ns`, or a signal that `unblocked` lets through: true when gone. */
bool prey_wait(struct prey *prey, uint64_t until_ns, const sigset_t *unblocked);
/* Ends a command of ours and whatever it started: SIGTERM, after 2 s SIGKILL. Returns how many
 * processes are there still after 10 s (in uninterruptible sleep). */
int prey_end(struct prey *prey);
void prey_close(struct prey *prey);

enum hunt_end { HUNT_EXITED, HUNT_TIME, HUNT_INTERRUPTED };
extern const char *const hunt_end_names[];

struct hunt {
	const struct prober_ops *ops;
	struct prober *prober;
	void *config; /* values of ops->params */
	unsigned set;
	uint64_t for_ns, warmup_ns; /* for_ns 0: as long as it lives */
	volatile sig_atomic_t *interrupted;
	struct {
		bool on; /* show it on stderr meanwhile */
		cJSON *before;
		uint64_t at_ns;
		unsigned lines;
	} live;
	sigset_t unblocked; /* the signals that end a hunt come only while it waits */

	struct prey prey;
	struct timespec started;    /* wall clock */
	uint64_t since_ns;	    /* CLOCK_BOOTTIME: what was started before is not watched */
	struct probe_window window; /* as it was */
	enum hunt_end end;
	cJSON *probes, *usage, *foreign; /* NULL with a reason below */
	struct err usage_why, foreign_why;
};

/* From arming to disarming. Returns VERB_GO_ON, or an exit code, which has been told. */
int hunt_watch(struct hunt *h);

/* What the last second brought, on stderr. */
void hunt_live(struct hunt *h);

/* Whom: a command line, or the name and number of a process. */
void hunt_title(const struct hunt *h, char *buf, size_t size);
int hunt_text(const struct hunt *h, FILE *out, struct err *err);
int hunt_html(const struct hunt *h, const char *path, struct err *err);
/* NULL without memory. */
cJSON *hunt_record(const struct hunt *h);

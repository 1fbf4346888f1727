/* SPDX-License-Identifier: MIT */
/* The one stop flag of the verbs that go on for long. */
#pragma once

#include <signal.h>

/* The first of the caught signals that came; 0: none. */
extern volatile sig_atomic_t interrupt_seen;

/* Once: a second one of its kind has its default effect again. */
void interrupt_catch(int sig);

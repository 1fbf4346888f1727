// SPDX-License-Identifier: MIT
/* A handler that sets a flag, and nothing else. */
#include "harness/cli/interrupt.h"

volatile sig_atomic_t interrupt_seen;

static void on_signal(int sig)
{
	interrupt_seen = sig;
}

void interrupt_catch(int sig)
{
	struct sigaction sa = {.sa_handler = on_signal, .sa_flags = SA_RESETHAND};

	sigaction(sig, &sa, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Destroys links whose closing waits for the kernel's RCU, without that the caller waits. */
#pragma once

#include <bpf/libbpf.h>

/* Takes the link. Its program runs no more within milliseconds. */
void closer_take(struct bpf_link *link);
/* Until all that were taken are gone: before anything is attached or measured again. */
void closer_wait(void);

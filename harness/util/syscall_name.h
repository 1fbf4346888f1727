/* SPDX-License-Identifier: MIT */
/* Names of system calls, from the headers that this build was made with. */
#pragma once

/* NULL for a number that the headers do not know. */
const char *syscall_name(long number);

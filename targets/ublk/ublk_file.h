/* SPDX-License-Identifier: MIT */
/* The file of the file backend: one that has a name, or a new one without. */
#pragma once

#include "harness/run.h"
#include "targets/ublk/ublk_knobs.h"

/* A descriptor, O_DIRECT if the knobs say so; or -errno with run->err. */
int ublk_file_open(struct run *run, const struct ublk_config *c);

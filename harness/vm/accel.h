/* SPDX-License-Identifier: MIT */
/*
 * Whether KVM is worth trying. That /dev/kvm opens says little: nested or crippled ones let a guest
 * hang in its first instructions. So a boot is tried, with a deadline, and its answer kept in the
 * cache for as long as this machine is up.
 */
#pragma once

#include <stdbool.h>

#include "harness/util/err.h"

enum accel_answer { ACCEL_NO, ACCEL_YES, ACCEL_TRY };

/* ACCEL_NO comes with a reason. */
enum accel_answer accel_kvm(struct err *why);
/* Keeps the answer; that it could not be kept costs the next one a try. */
void accel_keep(bool works);

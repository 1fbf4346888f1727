/* SPDX-License-Identifier: MIT */
/* Every verb of this build, one row each; the table is in verbs.c. */
#pragma once

#include "harness/cli/verb.h"

extern const struct verb cmd_ab;
extern const struct verb cmd_baseline;
extern const struct verb cmd_calibrate;
extern const struct verb cmd_child;
extern const struct verb cmd_compare;
extern const struct verb cmd_doctor;
extern const struct verb cmd_help;
extern const struct verb cmd_history;
extern const struct verb cmd_hunt;
extern const struct verb cmd_list;
extern const struct verb cmd_replay;
extern const struct verb cmd_report;
extern const struct verb cmd_run;
extern const struct verb cmd_schema;
extern const struct verb cmd_selftest;
extern const struct verb cmd_serve;
extern const struct verb cmd_validate;
extern const struct verb cmd_vm;
extern const struct verb cmd_vm_guest;

/* SPDX-License-Identifier: MIT */
/* What the process tells its caller. Tool errors (2, 3, 5) come before verdicts (1, 4, 6, 7). */
#pragma once

enum exitcode {
	EXITCODE_OK = 0,	   /* passed or improved; some runs may have been skipped */
	EXITCODE_REGRESSION = 1,   /* a confirmed regression */
	EXITCODE_USAGE = 2,	   /* command line or matrix: nothing was run */
	EXITCODE_FAILURE = 3,	   /* harness, target or probe failed; a run failed or stalled */
	EXITCODE_INCONCLUSIVE = 4, /* too noisy or too short to say */
	EXITCODE_ENVIRONMENT = 5,  /* contaminated, or another uhbench is measuring */
	EXITCODE_NO_BASELINE = 6,  /* nothing comparable to compare with */
	EXITCODE_LOST = 7,	   /* what was acknowledged did not survive a crash */
	EXITCODE_NOTHING_RAN = 77, /* every run lacked a privilege or kernel feature */
	EXITCODE_VM = 125,	   /* a virtual machine failed, whatever ran in it */
	EXITCODE_INTERRUPTED = 130,
};

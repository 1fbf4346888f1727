// SPDX-License-Identifier: MIT
/* Calibration of the busy pad: the best of several trials, since noise can only slow a trial down.
 */
#include "harness/pad.h"

#include "harness/util/nsec.h"

#define TRIALS	   8
#define ITERATIONS 200000

double pad_calibrate(void)
{
	double best = 0;

	for (int i = 0; i < TRIALS; i++) {
		uint64_t start = nsec_now(), took;

		pad_spin(ITERATIONS);
		took = nsec_now() - start;
		if (took && (double)ITERATIONS / (double)took > best)
			best = (double)ITERATIONS / (double)took;
	}
	return best;
}

/* SPDX-License-Identifier: MIT */
/*
 * What parent and child say to each other: one JSON document each way, over two pipes whose
 * descriptors the child knows by number. Another build of uhbench can be the child, so the version
 * is checked on both sides.
 *
 * Request:  {protocol, cell: an entry of a matrix with one value each, seed: "decimal", warmup_ns,
 *            duration_ns, workdir, sessiondir, pad_iters_per_ns, window: true when the run is
 *            probed: a page for struct probe_window is at PROTOCOL_WINDOW_FD; bin: the user's
 *            program under test, when a gate gave one; pad_iters_per_op: work that each lane does
 *            for every operation beside, when a calibration asks for it}
 * Response: {protocol, status, reason, window, metrics, histograms, series, usage, host, verify,
 *            errors, little or open_loop, notes, uhbench, revision}; the shapes are those of the
 * record (results/README.md). A child answers a request of a version that is not its own, 0 say,
 * with `failed` and the version that it speaks: so every build can be asked for it.
 */
#pragma once

/* 2: `window`. A child that did not know it would leave the window empty, and whoever watches it
 * would see nothing in silence. 3: `pad_iters_per_op`, for the same reason. */
#define PROTOCOL_VERSION     3
#define PROTOCOL_OLDEST	     1 /* that a parent can still speak, to compare with an older build */
#define PROTOCOL_WINDOWS     2 /* since which a run can be probed */
#define PROTOCOL_PADS	     3 /* since which a run can be slowed down by a pad */
#define PROTOCOL_REQUEST_FD  3
#define PROTOCOL_RESPONSE_FD 4
#define PROTOCOL_WINDOW_FD   5 /* in a probed run only */
#define PROTOCOL_MAX_BYTES   (64u << 20)

enum status {
	STATUS_OK,
	STATUS_FAILED,
	STATUS_STALLED,
	STATUS_UNSUPPORTED,
	STATUS_SKIPPED,
	STATUS_COUNT
};

extern const char *const status_names[STATUS_COUNT + 1]; /* indexed by enum status, ended by NULL */

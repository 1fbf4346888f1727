# SPDX-License-Identifier: MIT
"""What one request costs under `cqe`, and under a bpftrace script that tells no more than that."""
import os

from bench import Row, WARMUP_S, WINDOW_S

AT_MOST = 0.6  # of what the script adds to a request


def nop_loop(bench):
    """One at a time: with many in flight the script's table costs it twice as much."""
    return [bench.compiled("nop_loop", "-luring"), "1", "1", str(int(WARMUP_S * 1000)),
            str(int(WINDOW_S * 1000))]


def ns_per_request(printed):
    return 1e9 / float(printed.split()[-1])


def ours(bench):
    """Every request is timed, whatever the budget says."""
    return bench.added(nop_loop(bench), ns_per_request,
                       bench.hunted("--probes", "cqe", "--knob", "cqe_sample=1"))


def script(bench):
    path = os.path.join(bench.root, "ci", "peers.d", "uring_latency.bt")
    log = os.path.join(bench.work, "bpftrace.txt")
    return bench.added(nop_loop(bench), ns_per_request, lambda load: bench.call(
        ["bpftrace", "-o", log, "-c", " ".join(load), path]))


ROWS = [
    Row("probe-cqe-request", f"a bpftrace script of requests : cqe, added to a request "
        f"(<= {AT_MOST} of it)", round(1 / AT_MOST, 2), ours, script, unit="ns", smaller=True,
        needs=("bpftrace",), root=True, rounds=9),
]

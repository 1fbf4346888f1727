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


def added(bench, watched):
    """What watching adds to a request: against the mean of a run before and one after."""
    load = nop_loop(bench)
    before = ns_per_request(bench.call(load))
    seen = watched(load)
    after = ns_per_request(bench.call(load))
    return seen - (before + after) / 2


def ours(bench):
    """Every request is timed, whatever the budget says."""
    def watched(load):
        report = os.path.join(bench.work, "nop_loop.txt")
        shell = ["sh", "-c", 'exec "$@" >"$0"', report, *load]
        bench.call([bench.uhbench, "hunt", "--json", "--probes", "cqe", "--knob", "cqe_sample=1",
                    "--", *shell])
        with open(report, encoding="utf-8") as f:
            return ns_per_request(f.read())
    return added(bench, watched)


def script(bench):
    path = os.path.join(bench.root, "ci", "peers.d", "uring_latency.bt")
    log = os.path.join(bench.work, "bpftrace.txt")
    return added(bench, lambda load: ns_per_request(
        bench.call(["bpftrace", "-o", log, "-c", " ".join(load), path])))


ROWS = [
    Row("probe-cqe-request", f"a bpftrace script of requests : cqe, added to a request "
        f"(<= {AT_MOST} of it)", round(1 / AT_MOST, 2), ours, script, unit="ns", smaller=True,
        needs=("bpftrace",), root=True, rounds=9),
]

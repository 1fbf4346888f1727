# SPDX-License-Identifier: MIT
"""What one switch costs under `sched`, and under a bpftrace script that tells no more than that."""
import os

from bench import Failed, Row

AT_MOST = 0.35  # of what the script adds to a switch
WARMUP_MS, WINDOW_MS = "300", "1000"


def ping_pong(bench):
    return [bench.compiled("ping_pong", "-pthread"), WARMUP_MS, WINDOW_MS]


def ns_per_switch(printed):
    for line in printed.splitlines():
        if line.startswith("ns_per_switch "):
            return float(line.split()[1])
    raise Failed("ping_pong said nothing")


def added(bench, watched):
    """What watching adds to a switch: against the mean of a run before and one after."""
    load = ping_pong(bench)
    before = ns_per_switch(bench.call(load))
    seen = watched(load)
    after = ns_per_switch(bench.call(load))
    return seen - (before + after) / 2


def ours(bench):
    def watched(load):
        report = os.path.join(bench.work, "ping_pong.txt")
        shell = ["sh", "-c", 'exec "$@" >"$0"', report, *load]
        bench.call([bench.uhbench, "hunt", "--json", "--probes", "sched", "--", *shell])
        with open(report, encoding="utf-8") as f:
            return ns_per_switch(f.read())
    return added(bench, watched)


def script(bench):
    path = os.path.join(bench.root, "ci", "peers.d", "off_cpu.bt")
    return added(bench, lambda load: ns_per_switch(
        bench.call(["bpftrace", "-c", " ".join(load), path])))


ROWS = [
    Row("probe-sched-switch", f"a bpftrace script of switches : sched, added to a switch "
        f"(<= {AT_MOST} of it)", round(1 / AT_MOST, 2), ours, script, unit="ns", smaller=True,
        needs=("bpftrace",), root=True, rounds=9),
]

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


def ours(bench):
    return bench.added(ping_pong(bench), ns_per_switch, bench.hunted("--probes", "sched"))


def script(bench):
    path = os.path.join(bench.root, "ci", "peers.d", "off_cpu.bt")
    return bench.added(ping_pong(bench), ns_per_switch, lambda load: bench.call(
        ["bpftrace", "-c", " ".join(load), path]))


ROWS = [
    Row("probe-sched-switch", f"a bpftrace script of switches : sched, added to a switch "
        f"(<= {AT_MOST} of it)", round(1 / AT_MOST, 2), ours, script, unit="ns", smaller=True,
        needs=("bpftrace",), root=True, rounds=9),
]

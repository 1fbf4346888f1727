#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Waits that are interrupted and go on as restart_syscall: they are still what they were.

usage: test_restart.py PROBE_RIG RESTART_LOAD
"""

import json
import os
import sys
import tempfile

from rig import Rig, check_loss

WAIT_MS = 400
MS = 1_000_000
CALLS = {"sleep": ("sleep", "nanosleep"), "clock": ("sleep", "clock_nanosleep"),
         "futex": ("futex", "futex"), "poll": ("poll", "poll")}


class Bench:
    def __init__(self, rig, load, path):
        self.rig, self.load, self.path = rig, load, path

    def run(self, probes, hooks, *kinds):
        """What was seen, and what the load knows of itself."""
        seen = self.rig.run(probes, [self.load, self.path, WAIT_MS, *kinds], {"hooks": hooks})
        for name in probes.split(","):
            assert seen[name]["status"] == "ok", seen[name]
            check_loss(seen[name], f"{name}, {hooks}")
        with open(self.path, encoding="utf-8") as file:
            told = json.load(file)
        assert told["kicks"] >= 5 * len(kinds), told
        return seen, told


def check_classes(bench):
    """Nearly all of each wait is told by the call that was made; a stop may come before it blocks."""
    seen, _ = bench.run("sched", "btf", *CALLS)
    rows = {(w["class"], w["syscall"]): w for w in seen["sched"]["waits"] if w["role"] == "driver"}
    for row in CALLS.values():
        assert rows[row]["sum_ns"] > 0.8 * WAIT_MS * MS, (row, rows)
        assert rows[row]["count"] >= 5, (row, rows)
    unknown = rows.get(("other", "restart_syscall"), {"sum_ns": 0})
    assert unknown["sum_ns"] < 0.2 * WAIT_MS * MS, rows


def driver(rows, key, value):
    return next((row for row in rows if row["role"] == "driver" and row[key] == value), None)


def check_futex(bench, hooks):
    """Each restart is a call of its own, as it is where a call without a limit is repeated."""
    seen, told = bench.run("lock,syscalls", hooks, "futex")
    calls = {name: driver(seen["syscalls"]["calls"], "syscall", name)
             for name in ("futex", "restart_syscall")}
    expected = sum(row["count"] for row in calls.values())
    assert calls["restart_syscall"]["count"] >= 5, calls
    waits = driver(seen["lock"]["futex_calls"], "operation", "wait")
    lost = seen["lock"]["lost"] + seen["syscalls"]["lost"]
    assert abs(waits["calls"] - expected) <= lost, (hooks, waits, calls)
    assert waits["interrupted"] >= waits["calls"] - 1 - lost, (hooks, waits)
    row, = (row for row in seen["lock"]["futex"] if row["address"] == told["address"])
    assert abs(row["calls"] - waits["calls"]) <= lost, (hooks, row, waits)
    assert row["sum_ns"] > 0.8 * WAIT_MS * MS, (hooks, row)
    assert waits["slept"] >= 0.8 * waits["calls"], (hooks, waits)


def check_others(bench, hooks):
    """What is restarted of other calls is no futex call."""
    seen, _ = bench.run("lock", hooks, "sleep", "poll")
    assert driver(seen["lock"]["futex_calls"], "operation", "wait") is None, seen["lock"]


def main():
    rig = Rig(sys.argv[1])
    with tempfile.TemporaryDirectory(prefix="uhbench-restart-") as folder:
        bench = Bench(rig, sys.argv[2], os.path.join(folder, "counts"))
        for hooks in rig.hooks("lock"):
            if hooks == "btf":
                check_classes(bench)
            check_futex(bench, hooks)
            check_others(bench, hooks)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Where the time of uhbench's own drivers went, over all workloads: the classes that `sched` tells
come to the wall time within 5 %, and that is checked against the kernel's own account.

Usage: test_closure.py UHBENCH
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

UHBENCH = None
LEAST, MOST = 0.95, 1.05
ALL = {"probe_cost": 100}  # of the window is watched, whatever that costs
CELLS = [  # every workload of the demo; its targets that wait in different ways
    {"workload": "nop", "target": ["null", "uring"], "depth": 128, "batch": 32},
    {"workload": "wal", "target": ["sync", "group", "uring-group"], "threads": [1, 8]},
    {"workload": "wal", "target": "uring-group", "depth": 32},
    {"workload": "netlink", "target": ["recvmsg", "uring"], "with": {"sockets": 100}},
    {"workload": "udp", "target": ["sendto", "uring"], "depth": 64, "batch": 64},
]


def closure_of(record, name, without=None):
    """The closure as results/README.md defines it, from the kernel's account and the classes."""
    usage, role = record["usage"][name], record["probes"]["sched"]["roles"][name]
    runs = ("user", "system", "stolen", "on_cpu", "run_queue", without)
    blocked = sum(c["ns"] or 0 for key, c in role["classes"].items() if key not in runs)
    return (usage["cpu_ns"] + usage["run_queue_ns"] + blocked) / role["wall_ns"]


class Closure(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="uhbench-closure-")
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)

    def records(self):
        matrix, out = os.path.join(self.dir, "m.json"), os.path.join(self.dir, "out")
        shutil.rmtree(out, ignore_errors=True)
        with open(matrix, "w", encoding="utf-8") as f:
            json.dump({"warmup": "100ms", "duration": "350ms", "repeats": 1, "cells": CELLS,
                       "probes": ["sched", "lock"], "probe_knobs": ALL}, f)
        said = subprocess.run([UHBENCH, "run", matrix, "-o", out], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=240, check=False)
        self.assertIn(said.returncode, (0, 3), said.stderr)  # 3: a disk without O_DIRECT, say
        with open(os.path.join(out, "runs.jsonl"), encoding="utf-8") as f:
            return [r for r in map(json.loads, f) if r["probed"]]

    def check_that_it_can_fail(self, record, cell):
        """Waits that the probe had missed would show."""
        driver = record["probes"]["sched"]["roles"]["driver"]
        self.assertAlmostEqual(closure_of(record, "driver"), driver["closure"], 6, cell)
        waits = {key: c["ns"] for key, c in driver["classes"].items()
                 if key in ("futex", "block", "cq", "socket") and c["ns"]}
        longest = max(waits, key=waits.get, default=None)
        if longest and waits[longest] > 0.15 * driver["wall_ns"]:
            self.assertLess(closure_of(record, "driver", longest), LEAST, cell)
            self.failing += 1

    def check_session(self):
        seen = set()
        for r in self.records():
            if r["status"] == "unsupported":
                print(r["reason"], file=sys.stderr)
                continue
            self.assertEqual(r["status"], "ok", r["reason"])
            sched = r["probes"]["sched"]
            if sched["status"] == "unsupported":
                self.skipTest(sched["reason"])
            self.assertEqual(sched["status"], "ok", sched["reason"])
            cell = f'{r["cell"]["workload"]}/{r["cell"]["target"]} {r["cell"]["axes"]}'
            # On a busy machine /proc is read too late for a check.
            length = r["window"]["end_ns"] - r["window"]["begin_ns"]
            prompt = r["window"]["usage_off_ns"] <= 0.02 * length
            self.assertEqual(sched["roles"]["driver"]["checked"], prompt, cell)
            for name, role in sched["roles"].items():
                with self.subTest(cell=cell, role=name, checked=role["checked"]):
                    self.assertTrue(LEAST <= role["closure"] <= MOST, role)
            if prompt:
                self.check_that_it_can_fail(r, cell)
            seen.add(r["cell"]["workload"])
        self.assertTrue(seen, "nothing ran")

    def test_closure(self):
        """Until a check could have failed: some driver waited for long."""
        self.failing = 0
        for _ in range(4):
            self.check_session()
            if self.failing:
                return
        self.fail("no driver waited for long, or none was looked at in time")


if __name__ == "__main__":
    UHBENCH = os.path.abspath(sys.argv.pop(1))
    PROGRAM = unittest.main(exit=False)
    sys.exit(1 if not PROGRAM.result.wasSuccessful() else 77 if PROGRAM.result.skipped else 0)

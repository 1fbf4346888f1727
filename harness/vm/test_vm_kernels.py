#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The whole program on other kernels than this machine's: what `doctor` finds, and a small session
with all probes, whose tracepoints and verifier differ from kernel to kernel.

Usage: test_vm_kernels.py UHBENCH
"""
import json
import unittest

from vm_case import Case, need, vm

KERNELS = ("6.1", "6.12")
PROBES = ("sched", "lock", "cqe", "syscalls", "block")
CELLS = [{"workload": "nop", "target": "uring", "depth": 8, "batch": 4},
         {"workload": "wal", "target": ["group", "uring-group"], "threads": 4,
          "with": {"log_bytes": "16M", "volatile": True}},
         {"workload": "netlink", "target": ["recvmsg", "uring"], "with": {"sockets": 200}},
         {"workload": "udp", "target": ["sendmmsg", "uring"]}]
RUNS = 7


class Kernel(Case):
    def test_doctor(self):
        for kernel in KERNELS:
            with self.subTest(kernel):
                p = vm("--kernel", kernel, "--", "doctor", "--json")
                self.assertEqual(p.returncode, 0, self.said(p))
                rows = {(r["group"], r["name"]): r for r in self.rows(json.loads(p.stdout))}
                for probe in PROBES:
                    row = rows["probes", probe]
                    self.assertEqual(row["state"], "ok", row)
                    self.assertIn("BTF", row["value"])
                self.assertEqual(rows["targets", "ublk driver"]["state"],
                                 "missing" if kernel == "6.1" else "ok")

    def rows(self, doctor):
        for group in doctor["groups"]:
            for row in group["findings"]:
                yield {"group": group["name"], **row}

    def test_session_with_all_probes(self):
        matrix = self.write("m.json", json.dumps({
            "warmup": "200ms", "duration": "500ms", "deadline": "120s", "repeats": 1, "probes": "all",
            "cells": CELLS}))
        for kernel in KERNELS:
            with self.subTest(kernel):
                out = self.path(kernel)
                p = vm("--kernel", kernel, "--", "run", matrix, "-o", out)
                self.assertEqual(p.returncode, 0, p.stdout.decode() + self.said(p))
                with open(f"{out}/runs.jsonl") as f:
                    records = [json.loads(line) for line in f]
                self.assertEqual(len(records), 2 * RUNS)
                for r in records:
                    self.assertEqual(r["status"], "ok", r["reason"])
                for r in (r for r in records if r["probes"]):
                    with self.subTest(r["cell"]["workload"], target=r["cell"]["target"]):
                        self.check_probes(r["probes"], r["cell"]["target"].startswith("uring"))

    def check_probes(self, probes, uring):
        for name in PROBES:
            probe = probes[name]
            self.assertEqual((probe["status"], probe["hooks"]), ("ok", "btf"), probe["reason"])
        # It knows what threads wait for: the harness for a futex, and for nothing unknown.
        harness = probes["sched"]["roles"]["harness"]["classes"]
        self.assertGreaterEqual(harness["futex"]["ns"], harness["other"]["ns"])
        self.assertGreater(probes["sched"]["roles"]["driver"]["wall_ns"], 0)
        calls = {c["syscall"]: c["count"] for c in probes["syscalls"]["calls"]}
        rings = probes["cqe"]["rings"]
        if not uring:
            self.assertEqual(rings, [])
            return
        self.assertGreater(calls["io_uring_enter"], 0)
        done = sum(ring["completed"] for ring in rings)
        asked = sum(ring["submitted"] for ring in rings)
        self.assertGreater(done, 0)
        # Some leave no completion, by a flag, and some are under way at either end: of few, most.
        self.assertLess(done, 1.1 * asked + 64)
        self.assertGreater(done, 0.4 * asked - 64)


if __name__ == "__main__":
    need(*KERNELS)
    unittest.main()

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""ci/peers --vm without a machine: the plan, what is made of the outputs, and the guest's script
with programs that only pretend.

Usage: test_vm.py
"""
import importlib.machinery
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import types
import unittest

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import vm  # noqa: E402
from bench import Failed, Missing  # noqa: E402

loader = importlib.machinery.SourceFileLoader("peers", os.path.join(os.path.dirname(HERE), "peers"))
peers = importlib.util.module_from_spec(importlib.util.spec_from_loader("peers", loader))
loader.exec_module(peers)


def fio_output(iops):
    return json.dumps({"jobs": [{"error": 0, "read": {"iops": iops}}]})


def row(bar, name="row"):
    return vm.VmRow(name, "what", bar, ["serve one queues=1"], vm.fio("one"), vm.fio("two"),
                    rounds=3)


class Judged(unittest.TestCase):
    """vm.boot is replaced by what writes the outputs."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="uhbench-peers-")
        self.addCleanup(folder.cleanup)
        self.bench = types.SimpleNamespace(work=folder.name, root="/", uhbench="uhbench", notes=[])
        self.boots = []

    def judge(self, rows, codes, outputs, rounds=None):
        def boot(_, plan, out):
            self.plan = plan.lines
            self.boots.append(out)
            code = codes[len(self.boots) - 1]
            if isinstance(code, Exception):
                raise code
            if code != vm.VM_FAILED:
                os.makedirs(out)
                for name, text in outputs.items():
                    with open(os.path.join(out, name), "w", encoding="utf-8") as f:
                        f.write(text)
            return code

        before, vm.boot = vm.boot, boot
        try:
            return [peers.run_row(r, self.bench, rounds)
                    for r in vm.measured(self.bench, rows, rounds)]
        finally:
            vm.boot = before

    def outputs(self, name, pairs):
        return {f"{name}.{i}.{side}": fio_output(v) for i, pair in enumerate(pairs)
                for side, v in zip(("ours", "peer"), pair)}

    def test_median_of_pairs(self):
        pairs = [(90, 100), (10, 100), (80, 100)]
        result, = self.judge([row(0.8)], [0], self.outputs("row", pairs))
        self.assertEqual(result["verdict"], "PASS")
        self.assertEqual((result["value"], result["range"]), (0.8, [0.1, 0.9]))
        self.assertEqual([line.split()[:2] for line in self.plan if line.startswith("fio")],
                         [["fio", f"row.{i}.{side}"] for i in range(3)
                          for side in (("peer", "ours") if i == 1 else ("ours", "peer"))])
        self.assertEqual((self.plan[0], self.plan[-1]), ("serve one queues=1", "release"))

    def test_below_and_shown(self):
        outputs = {**self.outputs("a", [(70, 100)]), **self.outputs("b", [(1, 100)])}
        below, shown = self.judge([row(0.8, "a"), row(None, "b")], [0], outputs, rounds=1)
        self.assertEqual((below["verdict"], shown["verdict"]), ("BELOW", "SHOWN"))

    def test_failed_step_fails_its_row_alone(self):
        outputs = {**self.outputs("a", [(1, 1)]), **self.outputs("b", [(1, 1)]),
                   "a.0.peer.failed": "there is no device"}
        failed, fine = self.judge([row(1, "a"), row(1, "b")], [0], outputs, rounds=1)
        self.assertEqual((failed["verdict"], fine["verdict"]), ("FAIL", "PASS"))
        self.assertIn("there is no device", failed["reason"])

    def test_missing_output(self):
        missing, = self.judge([row(1)], [0], {}, rounds=1)
        self.assertIn("left nothing", missing["reason"])

    def test_broken_output(self):
        broken, = self.judge([row(1)], [0], {"row.0.ours": "{", "row.0.peer": "{"}, rounds=1)
        self.assertEqual(broken["verdict"], "FAIL")
        self.assertIn("row.0.ours", broken["reason"])

    def test_dead_machine_is_tried_twice(self):
        result, = self.judge([row(1)], [125, 0], self.outputs("row", [(1, 1)]), rounds=1)
        self.assertEqual((result["verdict"], len(self.boots)), ("PASS", 2))

    def test_dead_machine(self):
        result, = self.judge([row(1)], [125, 125], {}, rounds=1)
        self.assertEqual((result["verdict"], len(self.boots)), ("FAIL", 2))
        self.assertIn("exits 125", result["reason"])

    def test_no_machine(self):
        for code in 77, Missing("no fio"):
            self.boots.clear()
            with self.subTest(code):
                result, = self.judge([row(1)], [code], {}, rounds=1)
                self.assertEqual(result["verdict"], "SKIP")
                os.rename(os.path.join(self.bench.work, "plan"),
                          os.path.join(self.bench.work, "plan." + type(code).__name__))


class Figures(unittest.TestCase):
    RECORD = {"status": "ok", "reason": None, "cell": {"target": "ublk"},
              "window": {"begin_ns": 0, "end_ns": 2 * 10**9},
              "metrics": {"throughput": {"value": 5000}, "contended_per_io": {"value": 0.5}}}

    def test_contended(self):
        self.assertEqual(vm.contended(self.RECORD), 0.5)

    def test_contended_never_is_less_than_once(self):
        metrics = {**self.RECORD["metrics"], "contended_per_io": {"value": 0}}
        self.assertEqual(vm.contended({**self.RECORD, "metrics": metrics}), 1e-4)

    def test_record_that_is_not_ok(self):
        with self.assertRaisesRegex(Failed, "ublk: no driver"):
            vm.record_of(json.dumps({**self.RECORD, "status": "unsupported",
                                     "reason": "no driver"}))

    def test_rows_have_names_of_their_own(self):
        names = [r.name for r in vm.ROWS]
        self.assertEqual(len(names), len(set(names)))


UHBENCH = """#!/bin/sh
[ "$1" = run ] || exit 1
grep -q broken "$2" && { echo no such thing >&2; exit 3; }
mkdir "$4" && cp "$2" "$4/runs.jsonl"
"""


class Guest(unittest.TestCase):
    """Only lines that need no device."""

    def test_steps(self):
        with tempfile.TemporaryDirectory(prefix="uhbench-guest-") as folder:
            path = {name: os.path.join(folder, name)
                    for name in ("uhbench", "good", "bad", "plan", "out")}
            for name, text in (("uhbench", UHBENCH), ("good", "@disk@\n"), ("bad", "broken\n"),
                               ("plan", f"file disk 1\nrun one {path['good']}\n"
                                        f"run two {path['bad']}\nfio three none\nrelease\n")):
                with open(path[name], "w", encoding="utf-8") as f:
                    f.write(text)
            os.chmod(path["uhbench"], 0o755)
            subprocess.run([os.path.join(HERE, "vm_guest"), path["plan"], path["out"],
                            path["uhbench"]], check=True, timeout=60, stdin=subprocess.DEVNULL)
            self.assertEqual(sorted(os.listdir(path["out"])),
                             ["one", "three.failed", "two.failed"])
            with open(os.path.join(path["out"], "one"), encoding="utf-8") as f:
                disk = f.read().strip()
            self.assertTrue(disk.endswith("/disk") and not os.path.exists(disk), disk)
            with open(os.path.join(path["out"], "two.failed"), encoding="utf-8") as f:
                self.assertIn("no such thing", f.read())


if __name__ == "__main__":
    unittest.main()

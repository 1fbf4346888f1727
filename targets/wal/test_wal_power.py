#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""wal when the power fails: what a target acknowledged is on the disk, and every cheat is caught.

Usage: test_wal_power.py UHBENCH

Each file system takes two boots: one runs ci/matrices/wal-power.json while the power is "cut" some
times in each run, the other one judges what every cut left. A cheat need not show in each cut:
with ack-early about four in five do, with the others all, so that CUTS of them miss one cheat once
in 600 runs, and the cells of it (three) all the more seldom: the test asks for one in each fault and
target. UHBENCH_POWER_CUTS raises their number, UHBENCH_POWER_SEED repeats what is drawn.
"""
import collections
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

UHBENCH = None
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MATRIX = os.path.join(ROOT, "ci", "matrices", "wal-power.json")
CUTS = os.environ.get("UHBENCH_POWER_CUTS", "4")
SEED = os.environ.get("UHBENCH_POWER_SEED")
OK, USAGE, FAILURE, LOST, NOTHING_RAN = 0, 2, 3, 7, 77


class Case(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="uhbench-power-", dir=os.getcwd())
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.dir, name)

    def vm(self, *words, seconds=600):
        # Its images lie where TMPDIR says: on a disk, as this folder is taken to be.
        return subprocess.run([UHBENCH, "vm", *words], text=True, capture_output=True,
                              check=False, timeout=seconds, stdin=subprocess.DEVNULL,
                              env={**os.environ, "TMPDIR": self.dir})

    def cut(self, *words, code, matrix):
        """Returns the verdicts, one for each cut, and what was said."""
        file = self.path("verdicts")
        seed = ["--seed", SEED] if SEED else []
        done = self.vm("--verdicts", file, *seed, *words, "--", "run", matrix, "-o",
                       self.path("out"))
        if done.returncode == NOTHING_RAN:
            self.skipTest(done.stderr.strip())
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        with open(file, encoding="utf-8") as lines:
            return [json.loads(line) for line in lines], done.stdout + done.stderr

    def one_cell(self, **knobs):
        path = self.path("matrix.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"warmup": 0, "duration": "20s", "repeats": 1, "cells": [
                {"workload": "wal", "target": "group", "threads": 2, "payload": "1k", "with": {
                    "dir": "/disk", "acks": "/dev/virtio-ports/acks", "log_bytes": "64M",
                    "preallocate": "none", **knobs}}]}, file)
        return path


class Images(Case):
    """Many cuts from one boot."""

    def judged(self, fs, matrix):
        verdicts, said = self.cut("--disk", f"512M,fs={fs}", "--power-cut", "20ms..120ms",
                                  "--cuts", CUTS, code=LOST, matrix=matrix)
        by_cell = collections.defaultdict(list)
        for verdict in verdicts:
            self.assertIn(verdict["verdict"], ("kept", "lost"), verdict)
            self.assertEqual(verdict["filesystem"], fs)
            self.assertEqual(verdict["told_out_of_order"], 0)
            by_cell[verdict["cell"]].append(verdict)
        with open(os.path.join(self.path("out"), "manifest.json"), encoding="utf-8") as file:
            self.assertEqual(len(by_cell), len(json.load(file)["cells"]), sorted(by_cell))
        return by_cell, said

    def check(self, fs, matrix):
        by_cell, said = self.judged(fs, matrix)
        for cell, verdicts in by_cell.items():
            lost = [v for v in verdicts if v["verdict"] == "lost"]
            with self.subTest(cell=cell):
                if "fault=" in cell:
                    self.assertGreater(len(lost), 0, said)
                else:
                    self.assertEqual(lost, [], said)
                    self.assertGreater(sum(v["acknowledged"] for v in verdicts), 0)
        for verdict in (v for vs in by_cell.values() for v in vs if v["verdict"] == "lost"):
            self.assertGreater(verdict["missing"], 0)
            self.assertIn("was acknowledged and is missing", verdict["reason"])
        rows = [f"{sum(v['verdict'] == 'lost' for v in vs)} of {len(vs)} lost: {cell}"
                for cell, vs in sorted(by_cell.items())]
        print("\n".join([fs, *rows]), file=sys.stderr)

    def test_ext4(self):
        self.check("ext4", MATRIX)

    def test_xfs(self):
        """Every healthy cell, and the cheats of one target: they do not depend on it much."""
        with open(MATRIX, encoding="utf-8") as file:
            matrix = json.load(file)
        for cell in matrix["cells"]:
            if "fault" in cell["with"]:
                cell["target"] = "sync"
        with open(self.path("matrix.json"), "w", encoding="utf-8") as file:
            json.dump(matrix, file)
        self.check("xfs", self.path("matrix.json"))


class Machine(Case):
    """The machine itself is stopped."""

    def test_what_was_acknowledged_is_there(self):
        verdicts, said = self.cut("--power-cut", "50ms..400ms", code=OK,
                                  matrix=self.one_cell())
        self.assertEqual(len(verdicts), 1)
        self.assertEqual(verdicts[0]["verdict"], "kept")
        self.assertGreater(verdicts[0]["acknowledged"], 0)
        self.assertIn("the power was cut", said)

    def test_what_a_cheat_loses_is_named(self):
        verdicts, said = self.cut("--power-cut", "300ms", code=LOST,
                                  matrix=self.one_cell(fault="wrong-file"))
        self.assertEqual(verdicts[0]["missing"], verdicts[0]["acknowledged"])
        self.assertIn("lane 0 sequence 0 was acknowledged and is missing", said)
        self.assertIn("1 of 1 power cuts lost", said)


class Wrong(Case):
    def test_nobody_acknowledges(self):
        done = self.vm("--disk", "16M", "--power-cut", "1ms", "--", "grep", "/disk",
                       "/proc/mounts")
        if done.returncode == NOTHING_RAN:
            self.skipTest(done.stderr.strip())
        self.assertEqual(done.returncode, FAILURE, done.stderr)
        self.assertIn("nothing was acknowledged", done.stderr)
        self.assertIn("/disk ext4", done.stdout)

    def test_words_that_make_no_sense(self):
        for words, says in ((["--disk", "1T,fs=btrfs"], "btrfs"),
                            (["--disk", "64M,size=3"], "size=3"),
                            (["--disk", "many"], "many"),
                            (["--disk", "5000"], "4k"),
                            (["--disk", "1M"], "16M"),
                            (["--disk", "64M,fs=xfs"], "300M"),
                            (["--power-cut", "soon"], "soon"),
                            (["--power-cut", "2s..1s"], "2s..1s"),
                            (["--power-cut", "1s..2"], "1s..2"),
                            (["--power-cut", "5"], "5"),
                            (["--cuts", "3"], "--power-cut"),
                            (["--power-cut", "1s", "--cuts", "0"], "cuts"),
                            (["--seed", "3", "--disk", "64M"], "--power-cut"),
                            (["--verdicts", "x"], "--power-cut")):
            with self.subTest(words=words):
                done = self.vm(*words, "--", "true")
                self.assertEqual(done.returncode, USAGE, done.stderr)
                self.assertIn(says, done.stderr)


if __name__ == "__main__":
    UHBENCH = os.path.abspath(sys.argv.pop(1))
    unittest.main()

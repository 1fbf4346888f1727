#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""wal when the power fails: what a target acknowledged is on the disk, and every cheat is caught.

Usage: test_wal_power.py UHBENCH

Each file system takes two boots: one runs ci/matrices/wal-power.json while the power is "cut" some
times in each run, the other one judges what every cut left. Who does not cheat may never lose
anything. A cheat has to show in one of its cuts: with ack-early about nine in ten do (31 of 35 when
this was written), with the others all, so four cuts miss a cheat once in some thousand times; then, or
if there were fewer cuts since the machine was busy, the cell gets up to 16 more, and only both in vain
are a failure. UHBENCH_POWER_CUTS raises the number, UHBENCH_POWER_SEED repeats what is drawn.
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
CUTS = int(os.environ.get("UHBENCH_POWER_CUTS", "4"))
SEED = os.environ.get("UHBENCH_POWER_SEED")
OK, USAGE, FAILURE, UNSURE, LOST, NOTHING_RAN = 0, 2, 3, 4, 7, 77


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

    def cut(self, *words, code, matrix, only=None):
        """Returns the verdicts, one for each cut, and what was said. Code None: kept or lost."""
        file = self.path("verdicts")
        seed = ["--seed", SEED] if SEED else []
        shutil.rmtree(self.path("out"), ignore_errors=True)
        done = self.vm("--verdicts", file, *seed, *words, "--", "run", matrix, "-o",
                       self.path("out"), *(["--only", only] if only else []))
        if done.returncode == NOTHING_RAN:
            self.skipTest(done.stderr.strip())
        self.assertIn(done.returncode, (OK, FAILURE, UNSURE, LOST) if code is None else (code,),
                      done.stdout + done.stderr)
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

    def judged(self, fs, matrix, cuts, only=None):
        """Verdicts by cell, of this many cuts in each run."""
        verdicts, said = self.cut("--disk", f"512M,fs={fs}", "--power-cut", "20ms..120ms",
                                  "--cuts", str(cuts), code=None, matrix=matrix, only=only)
        by_cell = collections.defaultdict(list)
        for verdict in verdicts:
            self.assertIn(verdict["verdict"], ("kept", "lost"), verdict)
            self.assertEqual(verdict["filesystem"], fs)
            by_cell[verdict["cell"]].append(verdict)
            if verdict["verdict"] == "lost":
                self.assertIn("fault=", verdict["cell"], said)
                self.assertGreater(verdict["missing"], 0)
                self.assertIn("was acknowledged and is missing", verdict["reason"])
        return by_cell

    def check(self, fs, matrix):
        labels = self.labels(self.written(matrix))
        by_cell = self.judged(fs, self.written(matrix), CUTS)
        self.assertLessEqual(set(by_cell), labels)
        # On a busy machine a run may be over before it was cut often enough: once more, longer.
        unsure = sorted(label for label in labels if not self.is_sure(label, by_cell[label]))
        for label in unsure:
            more = self.judged(fs, self.written({**matrix, "duration": "5s"}), 4 * CUTS, label)
            by_cell[label] += more[label]
        rows = [f"{sum(v['verdict'] == 'lost' for v in vs)} of {len(vs)} lost: {cell}"
                for cell, vs in sorted(by_cell.items())]
        print("\n".join([fs, *rows]), file=sys.stderr)
        for label in labels:
            self.assertTrue(self.is_sure(label, by_cell[label]), label)

    @staticmethod
    def labels(matrix):
        plan = subprocess.run([UHBENCH, "run", matrix, "--dry-run", "--json"], check=True,
                              capture_output=True, timeout=60)
        return {run["label"] for run in json.loads(plan.stdout)["runs"]}

    @staticmethod
    def is_sure(label, verdicts):
        """A cheat was caught; who does not cheat had something to lose (and lost nothing)."""
        if "fault=" in label:
            return any(v["verdict"] == "lost" for v in verdicts)
        return sum(v["acknowledged"] for v in verdicts) > 0

    def written(self, matrix):
        with open(self.path("matrix.json"), "w", encoding="utf-8") as file:
            json.dump(matrix, file)
        return self.path("matrix.json")

    def test_ext4(self):
        self.check("ext4", self.ready())

    def test_xfs(self):
        """Every healthy cell, and the cheats of one target: they do not depend on it much."""
        matrix = self.ready()
        for cell in matrix["cells"]:
            if "fault" in cell["with"]:
                cell["target"] = "sync"
        self.check("xfs", matrix)

    @staticmethod
    def ready():
        with open(MATRIX, encoding="utf-8") as file:
            return json.load(file)


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
        self.assertEqual(done.returncode, UNSURE, done.stderr)
        self.assertIn("nothing was acknowledged", done.stderr)
        self.assertIn("/disk ext4", done.stdout)

    def test_words_that_make_no_sense(self):
        for words, says in ((["--disk", "1T,fs=btrfs"], "btrfs"),
                            (["--disk", "64M,size=3"], "size=3"),
                            (["--disk", "many"], "many"),
                            (["--disk", "5000"], "4k"),
                            (["--disk", "1M"], "16M"),
                            (["--disk", "2T"], "1T"),
                            (["--disk", "64M,fs=xfs"], "300M"),
                            (["--power-cut", "soon"], "soon"),
                            (["--power-cut", "2s..1s"], "2s..1s"),
                            (["--power-cut", "1s..2"], "1s..2"),
                            (["--power-cut", "5"], "5"),
                            (["--cuts", "3"], "--power-cut"),
                            (["--power-cut", "1s", "--cuts", "0"], "cuts"),
                            (["--seed", "3", "--disk", "64M"], "--power-cut"),
                            (["--seed", "0", "--disk", "64M"], "--power-cut"),
                            (["--verdicts", "x"], "--power-cut")):
            with self.subTest(words=words):
                done = self.vm(*words, "--", "true")
                self.assertEqual(done.returncode, USAGE, done.stderr)
                self.assertIn(says, done.stderr)


if __name__ == "__main__":
    UHBENCH = os.path.abspath(sys.argv.pop(1))
    result = unittest.main(exit=False).result
    sys.exit(FAILURE if not result.wasSuccessful() else NOTHING_RAN if result.skipped else OK)

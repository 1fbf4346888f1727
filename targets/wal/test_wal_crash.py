#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""wal under SIGKILL: what a writer acknowledged before it was killed is in the log it left.

Usage: test_wal_crash.py UHBENCH

The writer is killed at a moment that a seed decides (printed; UHBENCH_TEST_SEED repeats it). A page
cache outlives the process, so cheats of durability pass here: those take a power cut (`uhbench vm`).
That the judgement can fail is shown on logs that lose something afterwards.
"""
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

UHBENCH = None
TARGETS = ["sync", "dsync", "group", "uring-group"]
SEED = int(os.environ.get("UHBENCH_TEST_SEED", random.randrange(2 ** 32)))
KEPT, LOST, INCONCLUSIVE, USAGE = 0, 7, 4, 2


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return [int(word) for word in file.read().split()]


def until(what, seconds=30):
    end = time.monotonic() + seconds
    while not what():
        if time.monotonic() > end:
            raise TimeoutError("waited in vain")
        time.sleep(0.002)


class Case(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="uhbench-crash-", dir=os.getcwd())
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)
        self.acks = os.path.join(self.dir, "acks")
        self.logs = os.path.join(self.dir, "logs")
        os.mkdir(self.logs)

    def matrix(self, cell):
        path = os.path.join(self.dir, "matrix.json")
        cell = {"workload": "wal", "payload": 700, **cell}
        cell["with"] = {"dir": self.logs, "acks": self.acks, "log_bytes": "64M",
                        "preallocate": "none", **cell.get("with", {})}
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"warmup": 0, "duration": "20s", "repeats": 1, "cells": [cell]}, file)
        return path

    def acknowledged(self):
        try:
            with open(self.acks, encoding="ascii") as file:
                return sum(not line.startswith("#") for line in file)
        except FileNotFoundError:
            return 0

    def killed(self, cell, delay_s):
        """Kills the run, not the harness: that stays and tells what happened."""
        with subprocess.Popen([UHBENCH, "run", self.matrix(cell), "--concurrent", "-o",
                               os.path.join(self.dir, "out")], text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE) as harness:
            try:
                until(lambda: self.acknowledged() or harness.poll() is not None)
                self.assertIsNone(harness.returncode, "it ended by itself")
                time.sleep(delay_s)
                init, = children(harness.pid)
                writer, = children(init)
                os.kill(writer, signal.SIGKILL)
                err = harness.communicate(timeout=60)[1]
            finally:
                harness.kill()
        self.assertEqual(harness.returncode, 3, err)
        with open(os.path.join(self.dir, "out", "runs.jsonl"), encoding="utf-8") as file:
            record = json.loads(file.readline())
        self.assertEqual(record["status"], "failed")
        self.assertIn("KILL", record["reason"])
        shutil.rmtree(os.path.join(self.dir, "out"))

    def replay(self, code):
        done = subprocess.run([UHBENCH, "replay", self.acks, "--json"], text=True,
                              capture_output=True, check=False, timeout=60)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return json.loads(done.stdout) if done.stdout else {}, done.stderr

    def log(self):
        names = os.listdir(self.logs)
        self.assertEqual(len(names), 1, names)
        return os.path.join(self.logs, names[0])

    def clear(self):
        for name in os.listdir(self.logs):
            os.unlink(os.path.join(self.logs, name))
        if os.path.exists(self.acks):
            os.unlink(self.acks)


class Killed(Case):
    def test_nothing_acknowledged_is_lost(self):
        rng = random.Random(SEED)
        for i in range(16):
            target, delay = TARGETS[i % 4], rng.uniform(0, 0.15)
            cell = {"target": target, "threads": rng.choice([1, 3]), "depth": rng.choice([1, 8])}
            with self.subTest(cell=cell, delay=delay, seed=SEED):
                self.killed(cell, delay)
                promised = self.acknowledged()
                verdict, _ = self.replay(KEPT)
                self.assertEqual(verdict["verdict"], "kept")
                self.assertEqual(verdict["acknowledged"], promised)
                self.assertGreaterEqual(verdict["replayed"], promised)
                self.clear()

    def test_logs_over_several_partitions(self):
        for target in "group", "uring-group":
            self.killed({"target": target, "threads": 3, "depth": 4,
                         "with": {"partitions": 3, "log_bytes": "16M"}}, 0.05)
            self.assertEqual(self.replay(KEPT)[0]["acknowledged"], self.acknowledged())
            self.assertEqual(len(os.listdir(self.logs)), 3)
            self.clear()


class Judged(Case):
    """The same log, after something has happened to it."""

    def setUp(self):
        super().setUp()
        self.killed({"target": "group", "depth": 4}, 0.02)
        self.replay(KEPT)

    def test_a_log_that_lost_its_tail(self):
        last = self.acknowledged() - 1
        os.truncate(self.log(), last * 700)
        verdict, err = self.replay(LOST)
        self.assertEqual((verdict["verdict"], verdict["missing"]), ("lost", 1))
        self.assertIn(f"lane 0 sequence {last} was acknowledged and is missing", err)

    def test_a_log_with_a_damaged_record(self):
        with open(self.log(), "r+b") as file:
            file.seek(700 * 2 + 600)
            file.write(b"scribble")
        verdict, err = self.replay(LOST)
        self.assertEqual((verdict["missing"], verdict["torn"] >= 1), (1, True))
        self.assertIn("lane 0 sequence 2", err)

    def test_a_log_that_is_gone(self):
        os.unlink(self.log())
        verdict, err = self.replay(LOST)
        self.assertEqual(verdict["missing"], verdict["acknowledged"])
        self.assertIn("the file is gone", err)

    def test_a_promise_that_was_not_kept(self):
        with open(self.acks, "a", encoding="ascii") as file:
            for seq in range(self.acknowledged(), self.acknowledged() + 100):
                file.write(f"0 0 {seq}\n")
        self.assertGreater(self.replay(LOST)[0]["missing"], 90)

    def test_a_stream_that_ends_in_the_middle_of_a_line(self):
        with open(self.acks, "a", encoding="ascii") as file:
            file.write("0 0 99999")
        self.replay(KEPT)

    def test_a_run_that_acknowledged_nothing(self):
        with open(self.acks, encoding="ascii") as file:
            head = file.readline()
        with open(self.acks, "w", encoding="ascii") as file:
            file.write(head)
        self.assertIn("nothing was acknowledged", self.replay(INCONCLUSIVE)[1])

    def test_streams_that_are_none(self):
        for text, words in (("hello\n", "begins"), ("# udp {}\n", "udp"), ("# x {}\n", "\"x\""),
                            ("# wal {}\n", "nonce"), ("# wal []\n", "JSON")):
            with open(self.acks, "w", encoding="ascii") as file:
                file.write(text)
            self.assertIn(words, self.replay(USAGE)[1])
        os.unlink(self.acks)
        self.assertIn("No such file", self.replay(USAGE)[1])


class Refused(Case):
    def refused(self, cell, *words):
        done = subprocess.run([UHBENCH, "validate", self.matrix(cell)], text=True,
                              capture_output=True, check=False, timeout=60)
        self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)

    def test_faults_that_would_change_nothing(self):
        groups = ["group", "uring-group"]
        for targets, knobs, words in (
                (["sync", *groups], {"fault": "no-flush"}, ["no-flush", "direct"]),
                (["dsync"], {"fault": "no-flush"}, ["no-flush", "direct"]),
                (["dsync"], {"fault": "ack-early"}, ["ack-early", "RWF_DSYNC"]),
                (["dsync"], {"fault": "wrong-file"}, ["wrong-file", "RWF_DSYNC"]),
                (groups, {"fault": "ack-early", "flush": "dsync"}, ["ack-early", "RWF_DSYNC"]),
                (groups, {"fault": "wrong-file", "flush": "dsync"}, ["wrong-file"]),
                (["sync", *groups], {"fault": "wrong-file", "direct": True}, ["wrong-file"]),
                (["sync"], {"fault": "early"}, ["ack-early"])):
            for target in targets:
                with self.subTest(target=target, knobs=knobs):
                    self.refused({"target": target, "payload": 4096, "with": knobs}, *words)

    def test_acks_without_a_folder(self):
        self.refused({"target": "sync", "with": {"dir": ""}}, "acks", "dir")


class Cheats(Case):
    """Every cheat that is allowed runs, and the page cache hides it: all is kept."""

    def test_they_run_and_a_kill_does_not_show_them(self):
        for target in TARGETS:
            faults = ["no-flush"] + (["ack-early", "wrong-file"] if target != "dsync" else [])
            for fault in faults:
                with self.subTest(target=target, fault=fault):
                    self.killed({"target": target, "threads": 2, "payload": 4096, "with": {
                        "fault": fault, "direct": fault == "no-flush"}}, 0.01)
                    self.replay(KEPT)
                    self.clear()


if __name__ == "__main__":
    UHBENCH = os.path.abspath(sys.argv.pop(1))
    print(f"seed {SEED}", file=sys.stderr)
    unittest.main()

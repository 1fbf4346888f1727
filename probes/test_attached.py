#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""When programs of ours are in the kernel: around probed runs, and at no other time.

The kernel's own lists of links, programs and maps (bpftool) are asked while a session runs, and
compared with the windows that its records tell.

Usage: test_attached.py UHBENCH
"""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

UHBENCH = None
BPFTOOL = shutil.which("bpftool") or "/usr/sbin/bpftool"
LIMIT_S = 10  # for anything that should happen at once


def bpftool(what):
    said = subprocess.run([BPFTOOL, "-j", what, "show"], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=30, check=False)
    try:
        return {item["id"]: item for item in json.loads(said.stdout or "[]")}
    except (ValueError, TypeError):
        return None


def everything():
    """All that the kernel has of BPF: {kind: ids}."""
    return {what: set(bpftool(what) or ()) for what in ("link", "prog", "map")}


class Case(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="uhbench-attached-")
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)
        self.before = everything()

    def start(self, name, **top):
        matrix = os.path.join(self.dir, name + ".json")
        cell = {"workload": "nop", "target": "uring", "rate": 5000}
        top = {"warmup": "100ms", "duration": "400ms", "repeats": 2, "cells": [cell],
               "probes": "all", **top}
        with open(matrix, "w", encoding="utf-8") as f:
            json.dump(top, f)
        out = os.path.join(self.dir, name)
        return out, subprocess.Popen(
            [UHBENCH, "run", matrix, "-o", out, "--concurrent"], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    def finish(self, process):
        said = process.communicate(timeout=120)[1]
        self.assertEqual(process.returncode, 0, said)

    def records(self, out):
        with open(os.path.join(out, "runs.jsonl"), encoding="utf-8") as f:
            return [json.loads(line) for line in f]

    def new_links(self):
        return set(bpftool("link") or ()) - self.before["link"]

    def gone(self):
        """Waits until all is as before: freeing is up to the kernel's RCU."""
        end = time.monotonic() + LIMIT_S
        while True:
            now = everything()
            left = {kind: now[kind] - self.before[kind] for kind in now}
            if not any(left.values()):
                return
            if time.monotonic() > end:
                self.fail(f"left in the kernel: {left}")
            time.sleep(0.05)


class Attached(Case):
    def test_only_around_probed_runs(self):
        out, process = self.start("m")
        looks = []
        while process.poll() is None:
            begin = time.monotonic_ns()
            n = len(self.new_links())
            looks.append((begin, time.monotonic_ns(), n))
        self.finish(process)
        records = self.records(out)
        self.assertEqual(sorted(r["probed"] for r in records), [False, False, True, True])
        for r in records:
            self.assertEqual(r["status"], "ok", r["reason"])
            window = r["window"]
            inside = [n for begin, end, n in looks
                      if begin >= window["begin_ns"] and end <= window["end_ns"]]
            self.assertGreater(len(inside), 0, "nobody looked while this run was measured")
            if r["probed"]:
                self.assertGreater(min(inside), 0, "a probed run that nothing watched")
            else:
                self.assertEqual(max(inside), 0, "programs of ours in an unprobed run")
                self.assertEqual(r["probes"], {})
        self.gone()

    def test_nothing_stays_when_the_parent_is_killed(self):
        _, process = self.start("m", duration="20s", repeats=1)
        end = time.monotonic() + 60
        # The unprobed twin may come first and last 20 s.
        while not self.new_links() and process.poll() is None and time.monotonic() < end:
            time.sleep(0.05)
        self.assertTrue(self.new_links(), "no probed run was begun")
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=LIMIT_S)
        self.gone()

    def test_two_sessions_see_their_own(self):
        both = [self.start("a"), self.start("b", repeats=3)]
        for _, process in both:
            self.finish(process)
        foreign = 0
        for out, _ in both:
            for r in self.records(out):
                self.assertEqual(r["status"], "ok", r["reason"])
                foreign += bool(r["host"]["foreign_bpf"])
                if not r["probed"]:
                    continue
                sched = r["probes"]["sched"]
                self.assertEqual(sched["status"], "ok", sched["reason"])
                for role in ("driver", "harness"):
                    self.assertEqual(sched["roles"][role]["threads"], r["usage"][role]["threads"])
        self.assertGreater(foreign, 0, "neither saw the programs of the other")
        self.gone()


if __name__ == "__main__":
    UHBENCH = os.path.abspath(sys.argv.pop(1))
    if os.geteuid():
        print("needs root: only root sees the kernel's lists of programs")
        sys.exit(77)
    if bpftool("link") is None:
        print(f"{BPFTOOL} cannot list links here")
        sys.exit(77)
    unittest.main()

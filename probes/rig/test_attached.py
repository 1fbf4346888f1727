#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""When programs of ours are in the kernel: around probed runs, and at no other time.

What a session holds in the kernel is read off its descriptors (/proc/PID/fdinfo), what the kernel
has is asked of bpf(2); both are compared with the windows that the records tell. So other users of
BPF on the machine do no harm.

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

from bpf_calls import attach, held, kernel_has, links, load

UHBENCH = None
LIMIT_S = 10  # for anything that should happen at once
TRACKER_LINKS = 4  # it stays until the run is over: programs of track.c
SOON_NS = 100_000_000  # links of `lock` alone take 500 ms when each is waited for


def why_not():
    """Why this machine cannot watch threads, in the words of doctor, or None."""
    said = subprocess.run([UHBENCH, "doctor", "--json"], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, text=True, check=False)
    for group in json.loads(said.stdout)["groups"]:
        for finding in group["findings"]:
            if (group["name"], finding["name"]) == ("probes", "sched"):
                return None if finding["state"] == "ok" else finding["value"]
    return "doctor does not know sched"


def programs(pid):
    return {number for kind, number in held(pid) if kind == "prog"}


def foreign(records):
    """Ids of the programs of others, over all records."""
    return {p["id"] for r in records for p in r["host"]["foreign_bpf"]}


class Case(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="uhbench-attached-")
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)

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

    def gone(self, objects):
        """Waits until the kernel has none of them: freeing is up to its RCU."""
        end = time.monotonic() + LIMIT_S
        while left := {item for item in objects if kernel_has(*item)}:
            if time.monotonic() > end:
                self.fail(f"left in the kernel: {left}")
            time.sleep(0.05)


class Attached(Case):
    def test_only_around_probed_runs(self):
        out, process = self.start("m")
        looks, seen = [], set()
        while process.poll() is None:
            begin = time.monotonic_ns()
            mine = held(process.pid)
            seen |= mine
            n = sum(kind == "link" for kind, _ in mine)
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
        self.assertEqual({kind for kind, _ in seen}, {"link", "prog", "map"})
        self.assertFalse(foreign(records) & {n for kind, n in seen if kind == "prog"})
        self.gone(seen)

    def test_detached_when_the_budget_is_used_up(self):
        cell = {"workload": "udp", "target": "sendto"}
        out, process = self.start("m", cells=[cell], repeats=1, duration="350ms",
                                  probe_knobs={"probe_cost": 1})
        looks = []
        while process.poll() is None:
            begin = time.monotonic_ns()
            n = len(links(process.pid))
            looks.append((begin, time.monotonic_ns(), n))
        self.finish(process)
        r, = [r for r in self.records(out) if r["probed"]]
        self.assertEqual(r["status"], "ok", r["reason"])
        window, seen = r["window"], r["probes"]["syscalls"]
        share, length = seen["sampling"]["share"], window["end_ns"] - window["begin_ns"]
        self.assertLess(share, 0.65)
        self.assertGreater(seen["sampling"]["predicted"], 0.01 / 0.65)
        self.assertIn("probe_cost allows 1 %", seen["sampling"]["reason_share"])
        over = window["begin_ns"] + share * length
        before = [n for begin, end, n in looks if begin >= window["begin_ns"] and end <= over]
        late = [n for begin, end, n in looks
                if begin >= over + SOON_NS and end <= window["end_ns"]]
        self.assertGreater(min(before), TRACKER_LINKS)
        self.assertEqual(set(late), {TRACKER_LINKS}, "not all was detached, or nobody looked")
        calls = sum(c["count"] for c in seen["calls"] if c["syscall"] == "sendto")
        made = r["histograms"]["service"]["count"]
        self.assertTrue(share / 2 < calls / made < share * 2, (share, calls, made))

    def test_no_warm_up(self):
        """Nothing tells what programs cost, so all is watched, and the record says so."""
        cell = {"workload": "udp", "target": "sendto"}
        out, process = self.start("m", cells=[cell], repeats=1, warmup=0, probes=["syscalls"],
                                  probe_knobs={"probe_cost": 1})
        self.finish(process)
        r, = [r for r in self.records(out) if r["probed"]]
        sampling = r["probes"]["syscalls"]["sampling"]
        self.assertEqual((sampling["share"], sampling["predicted"]), (1, None))
        self.assertEqual(sampling["reason_share"], "the warm-up was too short to measure programs: "
                         "probe_cost was not applied")

    def test_nothing_stays_when_the_parent_is_killed(self):
        _, process = self.start("m", duration="5s", repeats=1)
        end = time.monotonic() + 60
        # The unprobed twin may come first and last 5 s.
        while not links(process.pid) and process.poll() is None and time.monotonic() < end:
            time.sleep(0.05)
        mine = held(process.pid)
        self.assertTrue(any(kind == "link" for kind, _ in mine), "no probed run was begun")
        self.assertTrue(all(kernel_has(*item) for item in mine), "the kernel was not asked rightly")
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=LIMIT_S)
        self.gone(mine)

    def test_two_sessions_see_their_own(self):
        both = [self.start("a"), self.start("b", repeats=3)]
        own = [set(), set()]
        while any(process.poll() is None for _, process in both):
            for i, (_, process) in enumerate(both):
                own[i] |= programs(process.pid)
            time.sleep(0.05)
        for _, process in both:
            self.finish(process)
        seen = []
        for i, (out, _) in enumerate(both):
            records = self.records(out)
            seen.append(foreign(records))
            self.assertFalse(seen[i] & own[i], "a session took its own programs for others'")
            for r in records:
                self.assertEqual(r["status"], "ok", r["reason"])
                if not r["probed"]:
                    continue
                sched = r["probes"]["sched"]
                self.assertEqual(sched["status"], "ok", sched["reason"])
                for role in ("driver", "harness"):
                    self.assertEqual(sched["roles"][role]["threads"], r["usage"][role]["threads"])
        self.assertTrue(seen[0] & own[1] | seen[1] & own[0],
                        "neither saw the programs of the other")

    def test_programs_of_others(self):
        """Those on our hooks are listed by hook, and no others."""
        fds = [load(name) for name in ("by_link", "by_ioctl", "elsewhere", "nowhere")]
        fds += attach(fds[0], "sched/sched_switch", True)
        fds += attach(fds[1], "syscalls/sys_exit_futex", False)
        fds += attach(fds[2], "syscalls/sys_enter_mount", False)
        for fd in fds:
            self.addCleanup(os.close, fd)
        out, process = self.start("m", repeats=1, duration="200ms")
        self.finish(process)
        for r in self.records(out):
            mine = {(p["program"], p["hook"], p["seen"]) for p in r["host"]["foreign_bpf"]
                    if ("prog", p["id"]) in held(os.getpid())}
            self.assertEqual(mine, {("by_link", "sched_switch", "both"),
                                    ("by_ioctl", "sys_exit_futex", "both")})


if __name__ == "__main__":
    UHBENCH = os.path.abspath(sys.argv.pop(1))
    if reason := why_not():
        print(f"SKIP: {reason}")
        sys.exit(77)
    unittest.main()

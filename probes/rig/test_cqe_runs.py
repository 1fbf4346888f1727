#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What `cqe` tells of uhbench's own targets on io_uring, against what their driver counts and times.

Usage: test_cqe_runs.py UHBENCH
"""
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import unittest

from rig import check_loss

UHBENCH = None
BATCH = 64
NEAR = 0.10  # of the median that the driver has
EDGES = 4    # operations, where one is in flight: a clock is read before it is told
TRIES = 5    # for what depends on how quiet the machine is
ALL = {"probe_cost": 100}  # of the window is watched


def middle(index):
    """Of a bucket: results/README.md, "Histogram buckets"."""
    shift = max(index // 128 - 1, 0)
    return (index % 128 + 128 << shift) + (1 << shift) / 2 if index >= 256 else index


def median(hist):
    below = 0
    for index, count in hist["buckets"]:
        below += count
        if 2 * below >= hist["count"]:
            return middle(index)
    raise AssertionError("an empty histogram")


class Case(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="uhbench-cqe-")
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)

    def watched(self, knobs, **cell):
        """The record of one run with `cqe`, and what the probe says."""
        matrix, out = os.path.join(self.dir, "m.json"), os.path.join(self.dir, "out")
        shutil.rmtree(out, ignore_errors=True)
        with open(matrix, "w", encoding="utf-8") as f:
            json.dump({"warmup": "200ms", "duration": "500ms", "repeats": 1, "probes": ["cqe"],
                       "probe_knobs": knobs, "cells": [cell]}, f)
        done = subprocess.run([UHBENCH, "run", matrix, "-o", out], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(os.path.join(out, "runs.jsonl"), encoding="utf-8") as f:
            record, = [r for r in map(json.loads, f) if r["probed"]]
        if record["status"] == "unsupported":
            self.skipTest(record["reason"])
        self.assertEqual(record["status"], "ok", record["reason"])
        seen = record["probes"]["cqe"]
        if seen["status"] != "ok":
            self.skipTest(seen["reason"])
        return record, seen

    def only_ring(self, seen, role):
        """The one that did something; its opcodes by name."""
        ring, = seen["rings"]
        self.assertEqual(ring["role"], role)
        return ring, {op["opcode"]: op for op in ring["opcodes"]}


class Counts(Case):
    """Completions against operations of the driver, whose window begins and ends elsewhere than the
    probe's by as much as is in flight."""

    def operations(self, record):
        return record["histograms"]["service"]["count"]

    def complete(self, knobs, **cell):
        """With nothing lost: the kernel may skip a program, and says so."""
        for _ in range(TRIES):
            record, seen = self.watched(knobs, **cell)
            if not seen["lost"]:
                self.assertEqual((seen["map_full"], seen["untracked"]), (0, 0), seen)
                return record, seen
            check_loss(seen, f"{cell}")
        self.fail("events are lost again and again")

    def test_every_datagram(self):
        for hooks in "btf", "plain":
            for every in 1, 16:
                with self.subTest(hooks=hooks, every=every):
                    self.check_datagrams(hooks, every)

    def check_datagrams(self, hooks, every):
        record, seen = self.complete({"hooks": hooks, "cqe_sample": every, **ALL}, workload="udp",
                                     target="uring", depth=BATCH, batch=BATCH)
        ring, ops = self.only_ring(seen, "driver")
        self.assertEqual(set(ops), {"SENDMSG"})
        made = self.operations(record)
        self.assertGreater(made, 10 * BATCH)
        self.assertAlmostEqual(ops["SENDMSG"]["completed"], made, delta=2 * BATCH)
        self.assertAlmostEqual(ops["SENDMSG"]["submitted"], made, delta=2 * BATCH)
        timed = ops["SENDMSG"]["complete"]["count"]
        self.assertAlmostEqual(timed * every, made, delta=max(made / 5, 2 * BATCH))
        self.assertEqual((ring["sq_entries"], ring["punts"], ring["overflows"]), (BATCH, 0, 0))
        self.assertEqual((seen["timing"], seen.get("reason_timing")), ("exact", None))

    def test_every_flush(self):
        record, seen = self.complete(ALL, workload="wal", target="uring-group", threads=4)
        ring, ops = self.only_ring(seen, "target")
        groups = record["histograms"]["durable"]["count"]
        self.assertAlmostEqual(ops["FSYNC"]["completed"], groups, delta=EDGES)
        self.assertAlmostEqual(ops["WRITEV"]["completed"], groups, delta=EDGES)
        self.assertAlmostEqual(ops["FSYNC"]["punts"], groups, delta=EDGES)  # always by a worker
        self.assertGreater(ring["waits"], 0)
        sampling = seen["sampling"]
        self.assertEqual([sampling[k] for k in ("every", "reason", "share")], [1, None, 1])

    def test_requests_without_a_completion(self):
        """A dump is asked for by a SENDMSG that completes only when it fails."""
        record, seen = self.complete(ALL, workload="netlink", target="uring",
                                     **{"with": {"sockets": 100}})
        _, ops = self.only_ring(seen, "driver")
        self.assertAlmostEqual(ops["SENDMSG"]["submitted"], self.operations(record),
                               delta=EDGES)
        self.assertEqual(ops["SENDMSG"]["completed"], 0)
        self.assertEqual(set(ops["RECVMSG"]["failed"]), {"EAGAIN"})

    def test_slices(self):
        """At millions per second programs come and go, and counts are by the rings' own counters."""
        for depth, batch in (1, 1), (128, 32):
            record, seen = self.watched({}, workload="nop", target="uring", depth=depth,
                                        batch=batch)
            _, ops = self.only_ring(seen, "driver")
            made = self.operations(record)
            self.assertGreater(made, 500_000)  # a second: what is tested does not happen below
            self.assertIn("rings' own counters", seen["sampling"]["reason"])
            self.assertAlmostEqual(ops["NOP"]["completed"] / made, 1, delta=0.05)
            self.assertAlmostEqual(ops["NOP"]["submitted"] / made, 1, delta=0.05)
            timed = ops["NOP"]["complete"]["count"]
            self.assertLess(timed, made / 50)
            self.assertGreater(timed, 100)
            self.assertAlmostEqual(seen["sampling"]["every"] * timed / made, 1, delta=0.1)
            self.assertEqual(seen["timing"], "slices")
            self.assertIn("not to be compared", seen["reason_timing"])


class Times(Case):
    """Submission to reaping against the driver's own histogram, where both begin with a batch."""

    def near(self, opcode, hist, knobs, **cell):
        """The middle of all tries: a neighbour can part the two, but not in most."""
        ratios = []
        for _ in range(TRIES):
            record, seen = self.watched(knobs, **cell)
            self.assertEqual(seen["timing"], "exact", seen.get("reason_timing"))
            ratios.append(median(seen["histograms"][opcode]["total"]) /
                          median(record["histograms"][hist]))
        print(opcode, "of", hist, *(f"{ratio:.3f}" for ratio in ratios))
        self.assertAlmostEqual(statistics.median(ratios), 1, delta=NEAR)

    def test_udp(self):
        """Of small datagrams preparing the next batch, before which nobody sees that the last one was
        taken, is 8 % of the time."""
        self.near("SENDMSG", "service", {"cqe_sample": 16}, workload="udp", target="uring",
                  depth=BATCH, batch=BATCH, payload=32768)

    def test_wal(self):
        self.near("FSYNC", "durable", {}, workload="wal", target="uring-group", depth=32, batch=32)
        self.near("WRITEV", "durable", {}, workload="wal", target="uring-group",
                  **{"with": {"direct": True, "flush": "dsync"}})

    def test_netlink(self):
        self.near("RECVMSG", "service", {}, workload="netlink", target="uring",
                  **{"with": {"sockets": 1000}})


if __name__ == "__main__":
    if os.geteuid() != 0:
        print("SKIP: BPF programs need root")
        sys.exit(77)
    UHBENCH = sys.argv.pop(1)
    done = unittest.main(verbosity=2, exit=False).result
    if not done.wasSuccessful():
        sys.exit(1)
    sys.exit(77 if len(done.skipped) == done.testsRun else 0)

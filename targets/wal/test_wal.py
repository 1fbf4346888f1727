#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""wal end to end: what the targets acknowledge is in the log, and a log that was spoilt is caught.

Usage: test_wal.py UHBENCH [SHIM]     SHIM: wal_shim.so, sought beside UHBENCH if not given

Everything lies below the current folder, which is taken to be on a disk: /tmp may be a tmpfs, and
a log on a tmpfs is one of the things that must be refused. No figure is judged, so that others may
measure at the same time.
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

UHBENCH = None
SHIM = None
TARGETS = ["sync", "dsync", "group", "uring-group"]
GROUPS = ["group", "uring-group"]
FAULTS = ["corrupt", "missing", "duplicate", "reordered", "torn"]
MEMORY = "/dev/shm"


class Case(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="uhbench-wal-", dir=os.getcwd())
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)
        self.out = os.path.join(self.dir, "out")

    def start(self, cells, repeats=1, duration="60ms", shim=None):
        path = os.path.join(self.dir, "matrix.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"warmup": "20ms", "duration": duration, "repeats": repeats,
                       "cells": [{"workload": "wal"} | cell for cell in cells]}, file)
        env = dict(os.environ)
        if shim:
            env |= shim | {"LD_PRELOAD": SHIM, "ASAN_OPTIONS": ":".join(
                [env.get("ASAN_OPTIONS", ""), "verify_asan_link_order=0"]).strip(":")}
        return subprocess.Popen([UHBENCH, "run", path, "-o", self.out, "--concurrent"], text=True,
                                env=env,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE)

    def end(self, program, code=0):
        out, err = program.communicate(timeout=200)
        self.assertEqual(program.returncode, code, out + err)
        return err

    def run_cells(self, *cells, code=0, **top):
        self.end(self.start(cells, **top), code)
        with open(os.path.join(self.out, "runs.jsonl"), encoding="utf-8") as file:
            return [json.loads(line) for line in file]

    def refused(self, cell, *words):
        err = self.end(self.start([cell]), 2)
        for word in words:
            self.assertIn(word, err)

    def check(self, record):
        """The oracle looked, and at as much as there was to see."""
        self.assertEqual(record["status"], "ok", record["reason"])
        cell, verify = record["cell"], record["verify"]
        payload, knobs = cell["axes"]["payload"], cell["knobs"]
        ring = knobs["log_bytes"] // payload * knobs["partitions"]
        self.assertGreater(verify["acknowledged"], 0)
        self.assertLessEqual(verify["checked"], min(verify["acknowledged"], ring))
        self.assertEqual(verify["replayed"], verify["checked"])
        if knobs["partitions"] == 1:
            self.assertEqual(verify["checked"], min(verify["acknowledged"], ring))
        self.assertNotEqual(verify["flush_check"], "failed")
        for fault in FAULTS:
            self.assertEqual(verify[fault], 0, fault)
        self.assertIn(" on ", verify["filesystem"])
        self.check_fsync(record)
        return {name: metric["value"] for name, metric in record["metrics"].items()}

    def check_fsync(self, record):
        """The flush alone is told where it is a call of its own, else null with the reason."""
        target, knobs = record["cell"]["target"], record["cell"]["knobs"]
        alone = target == "sync" or (target == "group" and knobs["flush"] == "fdatasync")
        self.assertEqual("fsync" in record["histograms"], alone)
        if not alone:
            self.assertIn("durable_p50", record["metrics"]["fsync_p50"]["reason"])
        elif record["metrics"]["fsync_p50"]["value"] is not None:
            # Equal where one bucket of the histograms holds both.
            self.assertLessEqual(record["metrics"]["fsync_p50"]["value"],
                                 record["metrics"]["durable_p50"]["value"])


class Healthy(Case):
    def test_every_shape_of_driver(self):
        records = self.run_cells(
            {"target": TARGETS, "threads": [1, 3], "depth": [1, 8]},
            {"target": TARGETS, "threads": 2, "depth": 8, "batch": 4, "rate": 500},
            {"target": TARGETS, "threads": 2, "depth": 8, "batch": 8,
             "payload": [40, 700, 70000], "with": {"partitions": 3, "log_bytes": "4M"}})
        self.assertEqual(len(records), 4 * (4 + 1 + 3))
        for record in records:
            self.check(record)

    def test_rings_that_wrap_many_times(self):
        records = self.run_cells(
            {"target": TARGETS, "threads": 4, "depth": 8, "with": {"log_bytes": "256k"}},
            {"target": GROUPS, "depth": 32, "with": {"log_bytes": "256k"}}, duration="200ms")
        for record in records:
            self.check(record)
            self.assertEqual(record["verify"]["checked"], 64)

    def test_knobs_of_the_groups(self):
        records = self.run_cells(
            {"target": GROUPS, "threads": 8,
             "with": {"batch_limit": [0, 3], "window": [0, "200us"], "flush": ["fdatasync", "dsync"]}},
            {"target": GROUPS, "threads": 8, "with": {"spin": [0, "2ms"]}})
        for record in records:
            metrics = self.check(record)
            limit = record["cell"]["knobs"]["batch_limit"] or 8
            self.assertGreaterEqual(metrics["records_per_fsync"], 1)
            self.assertLessEqual(metrics["records_per_fsync"], limit)

    def test_sync_flushes_for_every_record(self):
        for record in self.run_cells({"target": ["sync", "dsync"], "threads": 2}):
            metrics = self.check(record)
            self.assertEqual(metrics["records_per_fsync"], 1)
            if record["verify"]["flush_check"] == "ok":  # the disk's word, not the target's
                # Two flushes that wait for the disk at the same time may be one there.
                self.assertGreaterEqual(metrics["device_flushes"], 0.45 * metrics["fsyncs"])

    def test_direct_and_every_preallocation(self):
        records = self.run_cells({"target": TARGETS, "depth": 4, "with": {
            "direct": True, "preallocate": ["none", "fallocate", "zero"]}})
        for record in records:
            self.check(record)

    def test_a_log_that_goes_round_is_no_longer_fresh_and_that_is_said(self):
        wide, small, zero = self.run_cells(
            {"target": "sync", "with": {"preallocate": "none", "log_bytes": "64M"}},
            {"target": "sync", "with": {"preallocate": "none", "log_bytes": "64k"}},
            {"target": "sync", "with": {"preallocate": "zero", "log_bytes": "64k"}})
        for record, laps, noted in (wide, 0, 0), (small, 1, 1), (zero, 1, 0):
            self.check(record)
            self.assertGreaterEqual(record["verify"]["laps"], laps)
            self.assertEqual(len([n for n in record["notes"] if "went round" in n]), noted)
        self.assertEqual(wide["verify"]["laps"], 0)

    def test_a_zero_filled_log_is_recycled_and_that_is_said(self):
        first, second = self.run_cells({"target": "group", "depth": 8}, repeats=2)
        self.check(first)
        self.check(second)
        self.assertFalse([note for note in first["notes"] if "reused" in note])
        self.assertTrue([note for note in second["notes"] if "reused" in note])

    def test_nothing_stays_in_a_folder_of_the_users(self):
        logs = os.path.join(self.dir, "logs")
        os.mkdir(logs)
        self.check(self.run_cells({"target": "sync", "with": {"dir": logs}})[0])
        self.assertEqual(os.listdir(logs), [])


@unittest.skipUnless(os.access(MEMORY, os.W_OK), f"{MEMORY} is not writable")
class Memory(Case):
    def test_a_log_in_memory_is_refused(self):
        record = self.run_cells({"target": "sync", "with": {"dir": MEMORY}}, code=77)[0]
        self.assertEqual(record["status"], "unsupported")
        self.assertIn("nothing is durable", record["reason"])

    def test_a_log_in_memory_may_be_permitted(self):
        record = self.run_cells({"target": TARGETS[0],
                                 "with": {"dir": MEMORY, "volatile": True}})[0]
        metrics = self.check(record)
        self.assertIsNone(metrics["device_flushes"])
        self.assertTrue([note for note in record["notes"] if "volatile" in note])


class Refused(Case):
    def test_cells_that_make_no_sense(self):
        rows = [
            ({"target": "group", "payload": 1000, "with": {"direct": True}}, ["direct", "512"]),
            ({"target": "sync", "payload": 39}, ["payload", "40"]),
            ({"target": "sync", "depth": 64, "with": {"log_bytes": "256k"}}, ["log_bytes", "64"]),
            ({"target": "sync", "with": {"window": "1ms"}}, ["window"]),
            ({"target": "group", "with": {"flush": "fsync"}}, ["flush", "dsync"]),
            ({"target": "sync", "with": {"partitions": 0}}, ["partitions"]),
        ]
        for cell, words in rows:
            with self.subTest(cell=cell):
                self.refused(cell, *words)

    def test_a_folder_that_is_not_there(self):
        record = self.run_cells({"target": "sync", "with": {"dir": "/nowhere/at/all"}}, code=3)[0]
        self.assertEqual(record["status"], "failed")
        self.assertIn("/nowhere/at/all", record["reason"])


@unittest.skipUnless(os.geteuid() == 0, "mounting takes root")
class Full(Case):
    def test_a_filesystem_that_fills_up(self):
        small = os.path.join(self.dir, "small")
        os.mkdir(small)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1M", "uhbench-test", small], check=True)
        # Lazily: io_uring lets go of its files a little after the process has ended.
        self.addCleanup(subprocess.run, ["umount", "-l", small], check=True)
        records = self.run_cells(
            {"target": TARGETS, "depth": 4, "with": {
                "dir": small, "volatile": True, "preallocate": "none", "log_bytes": "8M"}},
            {"target": GROUPS, "depth": 4, "with": {
                "flush": "dsync", "dir": small, "volatile": True, "preallocate": "none",
                "log_bytes": "8M"}}, code=3)
        self.assertEqual(len(records), 6)
        for record in records:
            self.assertEqual(record["status"], "failed")
            self.assertIn("No space left", record["reason"])


class Spoilt(Case):
    """A libc that lies (wal_shim.c): what it does must show, and be named."""

    def failed(self, cell, shim):
        shutil.rmtree(self.out, ignore_errors=True)
        record = self.run_cells(cell, code=3, shim=shim)[0]
        self.assertEqual(record["status"], "failed")
        return record

    def test_scribbled_bodies(self):
        for target in TARGETS:
            with self.subTest(target=target):
                record = self.failed({"target": target, "depth": 4, "with": {"log_bytes": "256k"}},
                                     {"WAL_SHIM_SCRIBBLE": str(3 * 4096 + 2000)})
                self.assertIn("offset 12288", record["reason"])
                self.assertIn("corrupt", record["reason"])
                self.assertEqual(record["verify"]["corrupt"], 1)

    def test_blanked_records(self):
        record = self.failed({"target": "group", "depth": 4, "with": {"log_bytes": "256k"}},
                             {"WAL_SHIM_BLANK": str(3 * 4096)})
        self.assertIn("missing", record["reason"])
        self.assertEqual(record["verify"]["missing"], 1)

    def test_flushes_that_never_happen(self):
        """One record at a time: the disk would have to flush for each of them. Nobody else can
        flush as often as a page cache takes records."""
        rows = [{"target": "sync"}, {"target": "dsync"}, {"target": "group"},
                {"target": "group", "with": {"flush": "dsync"}}]
        probe = self.run_cells(rows[0])[0]["verify"]["flush_check"]
        if probe != "ok":
            self.skipTest(f"flushes cannot be counted here: {probe}")
        for cell in rows:
            with self.subTest(cell=cell):
                record = self.failed(cell, {"WAL_SHIM_NO_FLUSH": "1"})
                self.assertIn("before they were durable", record["reason"])
                self.assertEqual(record["verify"]["flush_check"], "failed")


if __name__ == "__main__":
    UHBENCH = os.path.abspath(sys.argv.pop(1))
    SHIM = os.path.join(os.path.dirname(UHBENCH), "targets", "wal_shim.so")
    if sys.argv[1:] and sys.argv[1].endswith(".so"):
        SHIM = os.path.abspath(sys.argv.pop(1))
    unittest.main()

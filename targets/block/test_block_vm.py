#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The block targets on a kernel that has null_blk, in a virtual machine.

Usage: test_block_vm.py UHBENCH

Verified on every block size and with every knob that changes how null_blk answers; and what a
killed run leaves there, which unlike a loop device stays, is found and removed.
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

UHBENCH = None
CANNOT_BOOT = 77
SHARED = {"size": "8M", "memory_backed": True, "verify": True, "read_percent": 50}

# What is killed in mid-run leaves its device: doctor finds it, and with --fix it is gone.
KILLED = """
die() { echo "$1"; cat /tmp/said; exit 1; }
devices() { ls -d uhbench-* 2>/dev/null | wc -l; }
[ -d /sys/kernel/config/nullb ] || mount -t configfs configfs /sys/kernel/config
cd /sys/kernel/config/nullb && mkdir others || die 'no null_blk'
"$1" run "$2" -o /tmp/out >/tmp/said 2>&1 & pid=$!
until [ "$(devices)" = 1 ]; do
	kill -0 $pid || die 'the run made no device'
	sleep 0.1
done
kill -9 $pid
"$1" doctor >/tmp/said 2>&1 # its exit code is of all that this machine lacks
grep -q 'null_blk device' /tmp/said || die 'doctor did not find the device'
[ "$(devices)" = 1 ] || die 'doctor removed it without being asked'
"$1" doctor --fix >/tmp/said 2>&1
[ "$(devices)" = 0 ] || die 'doctor --fix did not remove it'
[ -d others ] || die 'doctor --fix removed what is not ours'
"""


class Vm(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="uhbench-block-vm-", dir=os.getcwd())
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)

    def vm(self, options, *command):
        done = subprocess.run([UHBENCH, "vm", "--cpus", "2", "--memory", "1G", "--timeout", "200s",
                               *options, "--", *command], text=True, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        if done.returncode == CANNOT_BOOT and "records in" not in done.stdout:
            print(done.stdout)
            sys.exit(CANNOT_BOOT)
        return done

    def matrix(self, cells, duration="100ms"):
        path = os.path.join(self.dir, "matrix.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"warmup": "20ms", "duration": duration, "repeats": 1, "deadline": "60s",
                       "cells": [{"workload": "block"} | cell for cell in cells]}, file)
        return path

    def run_cells(self, *cells):
        out = os.path.join(self.dir, "out")
        said = self.vm([], "run", self.matrix(cells), "-o", out).stdout
        self.assertTrue(os.path.exists(os.path.join(out, "runs.jsonl")), said)
        with open(os.path.join(out, "runs.jsonl"), encoding="utf-8") as file:
            return [json.loads(line) for line in file]

    def test_null_blk(self):
        records = self.run_cells(
            {"target": "null_blk", "threads": 2, "depth": 4, "payload": [512, 4096, 65536, 1 << 20],
             "with": SHARED | {"discard_percent": 10, "flush_every": 8, "size": "32M"}},
            {"target": "null_blk", "threads": 2, "depth": 8, "with": SHARED | {
                "queues": [1, 2], "irqmode": ["none", "softirq", "timer"]}},
            {"target": "null_blk", "depth": 8, "with": SHARED | {"poll": True, "queues": 2}},
            {"target": "null_blk", "depth": 4, "payload": 8192, "with": SHARED | {
                "block_bytes": 4096, "no_sched": True, "queue_depth": 1}},
            {"target": "null_blk", "depth": 1024, "with": {"size": "8M"}},
            {"target": "null_blk", "with": {"queues": 64}},
            {"target": "null_blk", "with": {"read_percent": 50, "discard_percent": 50}})
        refused = [r for r in records if r["status"] != "ok"]
        self.assertEqual(sorted(r["status"] for r in refused), ["unsupported"] * 2,
                         [r["reason"] for r in refused])
        reasons = " ".join(r["reason"] for r in refused)
        self.assertIn("null_blk has 2 of the 64", reasons)
        self.assertIn("no discard", reasons)
        for record in records:
            self.check(record)

    def check(self, record):
        cell = record["cell"]
        if record["status"] != "ok":
            return
        row = dict(zip((c["name"] for c in record["detail"]["device"]["columns"]),
                       record["detail"]["device"]["rows"][0]))
        self.assertEqual(row["logical block"], cell["knobs"]["block_bytes"])
        if cell["knobs"]["poll"]:
            self.assertGreater(row["hardware queues"], cell["knobs"]["queues"])
        else:
            self.assertEqual(row["hardware queues"], cell["knobs"]["queues"])
        if not cell["knobs"]["verify"]:
            return
        self.assertEqual(record["verify"]["blocks_read_back"],
                         cell["knobs"]["size"] // cell["axes"]["payload"])
        for fault in "blank", "stale", "misplaced", "foreign", "corrupt":
            self.assertEqual(record["verify"][fault], 0, fault)

    def test_a_killed_run(self):
        matrix = self.matrix([{"target": "null_blk"}], duration="50s")
        script = os.path.join(self.dir, "killed")
        with open(script, "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\n" + KILLED)
        os.chmod(script, 0o755)
        # doctor tries probes out, which emulators before QEMU 8.1 can only stand in one thread.
        done = self.vm(["--accel", "tcg-single", "--add", script, "--add", matrix, "--add", UHBENCH], script, UHBENCH,
                       matrix)
        self.assertEqual(done.returncode, 0, done.stdout)


if __name__ == "__main__":
    UHBENCH = os.path.abspath(sys.argv.pop(1))
    if os.geteuid() != 0:
        print("a virtual machine's kernel is fetched as root")
        sys.exit(77)
    unittest.main()

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""block end to end, on loop devices: what is asked for arrives, a device that spoils data is found
out, and nobody's data is overwritten.

Usage: test_block.py UHBENCH

No figure is judged, so that others may measure at the same time.
"""
import glob
import json
import os
import random
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest

UHBENCH = None
FAULTS = ["blank", "stale", "misplaced", "foreign", "corrupt"]
MIB = 1 << 20
TOOLS = ["losetup", "mkfs.ext4", "mkswap"]


def tool(name):
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")


def sh(*argv):
    return subprocess.run([tool(argv[0]) or argv[0], *argv[1:]], check=True, text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL).stdout.strip()


class Case(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="uhbench-block-", dir=os.getcwd())
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)
        self.out = os.path.join(self.dir, "out")

    def start(self, cells, repeats=1, duration="60ms"):
        path = os.path.join(self.dir, "matrix.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"warmup": "20ms", "duration": duration, "repeats": repeats,
                       "cells": [{"workload": "block"} | cell for cell in cells]}, file)
        shutil.rmtree(self.out, ignore_errors=True)
        return subprocess.Popen([UHBENCH, "run", path, "-o", self.out, "--concurrent"], text=True,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE)

    def end(self, program, code=0):
        out, err = program.communicate(timeout=200)
        self.assertEqual(program.returncode, code, out + err)
        return err

    def records(self):
        with open(os.path.join(self.out, "runs.jsonl"), encoding="utf-8") as file:
            return [json.loads(line) for line in file]

    def run_cells(self, *cells, code=0, **top):
        self.end(self.start(cells, **top), code)
        return self.records()

    def run_one(self, target, code=0, duration="60ms", axes=None, **knobs):
        return self.run_cells({"target": target, "with": knobs} | (axes or {}), code=code,
                              duration=duration)[0]

    def check_verified(self, record, blocks):
        self.assertEqual(record["status"], "ok", record["reason"])
        self.assertEqual(record["verify"]["blocks_read_back"], blocks)
        for fault in FAULTS:
            self.assertEqual(record["verify"][fault], 0, fault)


class Loop(Case):
    def test_every_shape_of_driver(self):
        records = self.run_cells(
            {"target": "loop", "threads": [1, 3], "depth": [1, 8], "with": {"size": "4M"}},
            {"target": "loop", "threads": 2, "depth": 8, "batch": [4, 8], "rate": [0, 2000],
             "with": {"size": "4M", "pattern": ["random", "sequential"]}})
        self.assertEqual(len(records), 4 + 8)
        moved = 0
        for record in records:
            self.assertEqual(record["status"], "ok", record["reason"])
            throughput = record["metrics"]["throughput"]["value"]
            if not throughput:
                continue  # a machine so busy that the window went by
            moved += 1
            self.assertIn("service_read", record["histograms"])
            self.assertNotIn("service_write", record["histograms"])
            self.assertAlmostEqual(record["metrics"]["bytes_per_s"]["value"], 4096 * throughput,
                                   places=3)
        self.assertGreater(moved, 0)

    def test_knobs_of_the_port(self):
        for record in self.run_cells(
                {"target": "loop", "threads": 2, "depth": 8, "with": {
                    "size": "4M", "verify": True, "read_percent": 50, "fixed_buffers": [True, False],
                    "fixed_files": [True, False], "defer_taskrun": [True, False]}}):
            self.check_verified(record, 1024)

    def test_every_kind_is_told_apart(self):
        record = self.run_one("loop", axes={"threads": 2, "depth": 8}, duration="1s", size="8M",
                              verify=True, read_percent=40, discard_percent=10,
                              write_zeroes_percent=10, flush_every=4)
        self.check_verified(record, 2048)
        self.assertGreater(record["verify"]["reads_compared"], 0)
        for kind in "read", "write", "flush", "discard", "write_zeroes":
            self.assertGreater(record["histograms"]["service_" + kind]["count"], 0, kind)
            self.assertIn(kind + "_p99", record["metrics"])
        count = sum(h["count"] for n, h in record["histograms"].items()
                    if n.startswith("service_"))
        self.assertEqual(count, record["histograms"]["service"]["count"])

    def test_block_sizes_and_depths(self):
        records = self.run_cells(
            {"target": "loop", "threads": 2, "depth": 2, "payload": [512, 4096, 12288, 65536, MIB],
             "with": {"size": "24M", "verify": True, "read_percent": 50}},
            {"target": "loop", "depth": 1024, "with": {"size": "16M", "verify": True,
                                                       "read_percent": 50}},
            {"target": "loop", "depth": 8, "payload": 8192, "with": {
                "block_bytes": 4096, "direct_io": True, "verify": True, "read_percent": 50,
                "bytes": "4M", "size": "16M"}})
        for record in records:
            axes = record["cell"]["axes"]
            working_set = {2: 24 * MIB, 1024: 16 * MIB, 8: 4 * MIB}[axes["depth"]]
            self.check_verified(record, working_set // axes["payload"])
            if axes["depth"] != 8:
                continue
            columns = [column["name"] for column in record["detail"]["device"]["columns"]]
            row = dict(zip(columns, record["detail"]["device"]["rows"][0]))
            self.assertEqual(row["logical block"], 4096)
            self.assertEqual(row["capacity"], 16 * MIB)

    def test_a_size_that_follows_the_working_set(self):
        record = self.run_one("loop", bytes="3M", fill=False)
        self.assertEqual(record["detail"]["device"]["rows"][0][1], 3 * MIB)

    def test_nothing_stays_behind(self):
        """Not of a good run, nor of one that is killed in the middle."""
        record = self.run_one("loop", size="4M", dir=self.dir)
        self.assertEqual(record["status"], "ok", record["reason"])
        self.assertEqual(sorted(os.listdir(self.dir)), ["history.sqlite", "matrix.json", "out"])
        wait_for(lambda: not loops_on(self.dir), "the device to go")
        program = self.start_loop()
        program.send_signal(signal.SIGKILL)
        program.communicate()
        wait_for(lambda: not loops_on(self.dir), "the device to go")

    def test_what_others_still_hold_is_named(self):
        program = self.start_loop()
        name = loops_on(self.dir)[0]
        holder = os.open("/dev/" + name, os.O_RDONLY)
        program.send_signal(signal.SIGKILL)
        program.communicate()
        try:
            said = wait_for(lambda: [line for line in doctor() if name in line], "the finding")
            self.assertIn("still open", said[0])
            fixed = [line for line in doctor("--fix") if name in line]
            self.assertTrue(fixed)
            self.assertFalse([line for line in fixed if "removed" in line], "it is still there")
        finally:
            os.close(holder)
        wait_for(lambda: not loops_on(self.dir), "the device to go")

    def start_loop(self):
        program = self.start([{"target": "loop", "with": {"size": "4M", "dir": self.dir}}],
                             duration="60s")
        wait_for(lambda: loops_on(self.dir), "a loop device")
        return program


def loops_on(folder):
    """Loop devices on a file of this folder, also one without a name ("... (deleted)")."""
    found = []
    for path in glob.glob("/sys/block/loop*/loop/backing_file"):
        try:
            with open(path, encoding="utf-8") as file:
                if file.read().startswith(folder):
                    found.append(path.split("/")[3])
        except OSError:
            pass  # it has gone meanwhile
    return found


def doctor(*options):
    out = subprocess.run([UHBENCH, "doctor", *options], text=True, stdin=subprocess.DEVNULL, check=False,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT).stdout
    return out.splitlines()


def wait_for(ask, what, seconds=30):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        answer = ask()
        if answer:
            return answer
        time.sleep(0.02)
    raise AssertionError(f"waited in vain for {what}")


class Device(Case):
    """On a loop device of the test's own, which is somebody else's device for uhbench."""
    SIZE = 16 * MIB

    def setUp(self):
        super().setUp()
        self.file = os.path.join(self.dir, "disk")
        with open(self.file, "wb") as file:
            file.truncate(self.SIZE)
        self.device = sh("losetup", "--find", "--show", self.file)
        self.addCleanup(subprocess.run, [tool("losetup"), "-d", self.device], check=True)

    def refused(self, *words, code=3, **knobs):
        before = self.content()
        record = self.run_one("device", code=code, path=self.device, read_percent=0, **knobs)
        self.assertEqual(record["status"], "failed")
        for word in words:
            self.assertIn(word, record["reason"])
        self.assertEqual(self.content(), before, "it was touched all the same")

    def content(self):
        os.sync()
        with open(self.file, "rb") as file:
            return hash(file.read())

    def reads(self):
        record = self.run_one("device", path=self.device)
        self.assertEqual(record["status"], "ok", record["reason"])

    def writes(self, **knobs):
        record = self.run_one("device", path=self.device, verify=True, read_percent=50, **knobs)
        self.check_verified(record, self.SIZE // 4096)


class Claims(Device):
    def test_an_empty_device_is_used(self):
        self.writes()
        self.writes()  # what a run of ours left is nobody's either

    def test_a_filesystem_is_not_overwritten_unless_told(self):
        sh("mkfs.ext4", "-q", self.device)
        self.refused("ext4", "destroy")
        self.refused("ext4", "destroy", verify=True)
        self.reads()
        self.writes(destroy=True)

    def test_a_mounted_device_is_only_read(self):
        sh("mkfs.ext4", "-q", self.device)
        point = os.path.join(self.dir, "mnt")
        os.mkdir(point)
        # Read-only: what is mounted otherwise is written by the filesystem, whenever it likes.
        sh("mount", "-o", "ro", self.device, point)
        self.addCleanup(sh, "umount", point)
        self.refused("mounted at", point)
        self.refused("mounted at", destroy=True)
        self.reads()

    def test_a_device_that_is_held_is_only_read(self):
        fd = os.open(self.device, os.O_RDWR | os.O_EXCL)
        self.addCleanup(os.close, fd)
        self.refused("in use")
        self.refused("in use", destroy=True)
        self.reads()

    def test_swap_is_only_read(self):
        sh("mkswap", self.device)
        self.refused("swap")
        try:
            sh("swapon", self.device)
        except (subprocess.CalledProcessError, FileNotFoundError):
            self.skipTest("no swapon here")
        self.addCleanup(sh, "swapoff", self.device)
        self.refused("swapoff", destroy=True)
        self.reads()

    def test_partitions(self):
        with open(self.device, "r+b") as file:
            file.write(bytes(446) + struct.pack("<8B2I", 0, 0, 0, 0, 0x83, 0, 0, 0, 2048, 8192)
                       + bytes(48) + b"\x55\xaa")
        sh("losetup", "-d", self.device)
        sh("losetup", "-P", self.device, self.file)
        known = os.path.exists(f"/sys/class/block/{os.path.basename(self.device)}p1")
        self.refused("has partitions" if known else "dos", "destroy")
        self.reads()
        self.writes(destroy=True)

    def test_what_is_no_block_device(self):
        for path, code, word in ((self.file, 3, "block device"),
                                 ("/dev/no-such-device", 77, "has no /dev/no-such-device")):
            record = self.run_one("device", code=code, path=path, read_percent=0)
            self.assertIn(word, record["reason"])
        self.assertIn("block device", self.run_one("device", code=3, path=self.file)["reason"])


class Spoilt(Device):
    """Somebody writes to the file behind the device while it is verified."""

    def spoil(self, act):
        """Until the run ends, so that no write of the run can mend it unseen."""
        program = self.start([{"target": "device", "threads": 2, "depth": 4, "with": {
            "path": self.device, "verify": True, "read_percent": 60}}], duration="400ms")
        done = threading.Event()
        rng = random.Random(5)

        def doctor_file():
            with open(self.file, "r+b", buffering=0) as file:
                wait_for(lambda: done.is_set() or self.is_filled(file), "the first content")
                while not done.is_set():
                    act(file, rng.randrange(self.SIZE // 4096) * 4096)

        thread = threading.Thread(target=doctor_file)
        thread.start()
        try:
            self.end(program, 3)
        finally:
            done.set()
            thread.join()
        record = self.records()[0]
        self.assertEqual(record["status"], "failed")
        self.assertIn("the sector at byte", record["reason"])
        return record["verify"]

    def is_filled(self, file):
        return any(os.pread(file.fileno(), 512, self.SIZE - 512))

    def test_a_flipped_bit(self):
        def flip(file, at):
            byte = os.pread(file.fileno(), 1, at + 1234)
            os.pwrite(file.fileno(), bytes([byte[0] ^ 1]), at + 1234)
        self.assertGreater(self.spoil(flip)["corrupt"], 0)

    def test_a_lost_sector(self):
        self.assertGreater(self.spoil(
            lambda file, at: os.pwrite(file.fileno(), bytes(512), at + 512))["blank"], 0)

    def test_a_block_in_the_wrong_place(self):
        def move(file, at):
            os.pwrite(file.fileno(), os.pread(file.fileno(), 4096, (at + 8192) % self.SIZE), at)
        self.assertGreater(self.spoil(move)["misplaced"], 0)

    def test_an_older_content(self):
        with_old = {}

        def restore(file, at):
            if at in with_old:
                os.pwrite(file.fileno(), with_old[at], at)
            else:
                with_old[at] = os.pread(file.fileno(), 4096, at)
        self.assertGreater(self.spoil(restore)["stale"], 0)


class Refused(Case):
    def test_cells_that_make_no_sense(self):
        rows = [
            ({"target": "loop", "payload": 1000}, ["payload", "512"]),
            ({"target": "loop", "payload": 2048, "with": {"block_bytes": 4096}},
             ["payload", "block_bytes"]),
            ({"target": "loop", "with": {"block_bytes": 1536}}, ["block_bytes", "power of two"]),
            ({"target": "ublk", "payload": 2048, "with": {"block_bytes": 4096}},
             ["payload", "block_bytes"]),
            ({"target": "ublk", "with": {"block_bytes": 1536}}, ["block_bytes", "power of two"]),
            ({"target": "loop", "with": {"bytes": "8M", "size": "4M"}}, ["bytes", "larger"]),
            ({"target": "loop", "with": {"read_percent": 95, "discard_percent": 10}}, ["105"]),
            ({"target": "loop", "with": {"flush_every": 2}}, ["flush_every"]),
            ({"target": "loop", "with": {"poll": True, "read_percent": 50, "flush_every": 2}},
             ["poll", "flush_every"]),
            ({"target": "loop", "depth": 20000}, ["fixed_buffers"]),
            ({"target": "null_blk", "with": {"verify": True}}, ["verify", "does not keep"]),
            ({"target": "device"}, ["path"]),
        ]
        for cell, words in rows:
            with self.subTest(cell=cell):
                err = self.end(self.start([cell]), 2)
                for word in words:
                    self.assertIn(word, err)

    def test_a_working_set_that_the_lanes_cannot_share(self):
        record = self.run_one("loop", code=3, axes={"threads": 4, "depth": 64}, size="1M",
                              verify=True)
        self.assertIn("twice the depth", record["reason"])

    def test_a_folder_that_is_not_there(self):
        record = self.run_one("loop", code=3, dir="/nowhere/at/all")
        self.assertIn("/nowhere/at/all", record["reason"])

    def test_a_device_without_poll_queues(self):
        record = self.run_one("loop", code=77, size="1M", poll=True)
        self.assertIn("no poll queues", record["reason"])

    def test_what_this_machine_lacks_is_named(self):
        if os.path.exists("/sys/module/null_blk"):
            self.skipTest("null_blk is here")
        record = self.run_one("null_blk", code=77)
        self.assertEqual(record["status"], "unsupported")
        self.assertIn("modprobe null_blk", record["reason"])


def why_not():
    if os.geteuid() != 0:
        return "loop devices take root"
    if not os.path.exists("/dev/loop-control"):
        return "this machine has no loop devices"
    missing = [name for name in TOOLS if not tool(name)]
    return f"not installed: {', '.join(missing)}" if missing else None


if __name__ == "__main__":
    UHBENCH = os.path.abspath(sys.argv.pop(1))
    REASON = why_not()
    if REASON:
        print(REASON)
        sys.exit(77)
    unittest.main()

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""uhbench serve, with the kernel's loop device: there while it is served, gone afterwards.

    test_serve.py UHBENCH
"""
import json
import os
import signal
import stat
import subprocess
import sys
import tempfile
import time
import unittest

UHBENCH = None
MIB = 1 << 20


class Serve(unittest.TestCase):
    def setUp(self):
        if os.geteuid() or not os.path.exists("/dev/loop-control"):
            self.skipTest("needs root and loop devices")
        self.dir = tempfile.TemporaryDirectory()
        self.addCleanup(self.dir.cleanup)

    def start(self, *words):
        """The process, and what it says once its device is there."""
        process = subprocess.Popen([UHBENCH, "serve", *words, "--dir", self.dir.name], text=True,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        line = process.stdout.readline()
        self.assertTrue(line, process.stderr.read() if not line else "")
        return process, json.loads(line)

    def backing(self, said):
        """The file behind it; None when nothing is."""
        path = f"/sys/dev/block/{said['device']}/loop/backing_file"
        if not os.path.exists(path):
            return None
        with open(path, encoding="utf-8") as f:
            return f.read().strip()

    def refused(self, code, words, *parts):
        done = subprocess.run([UHBENCH, "serve", *words], capture_output=True, text=True,
                              check=False, stdin=subprocess.DEVNULL, timeout=60)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertEqual(done.stdout, "")
        for part in parts:
            self.assertIn(part, done.stderr)

    def test_device_in_use(self):
        """A signal does not take it away beneath somebody who has claimed it; a second one does."""
        for insist in (False, True):
            process, said = self.start("loop", "size=8M")
            claim = os.open(said["path"], os.O_RDONLY | os.O_EXCL)
            process.send_signal(signal.SIGTERM)
            self.assertIn("let go of it", process.stderr.readline())
            self.assertIsNotNone(self.backing(said))
            if not insist:
                os.close(claim)
            process.send_signal(signal.SIGTERM)
            self.assertEqual(process.wait(60), 3 if insist else 0)
            if insist:
                os.close(claim)
            self.assertIsNone(self.backing(said))

    def test_cpus_without_a_server(self):
        self.refused(2, ["loop", "size=8M", "--cpus", "0"], "no server of its own")

    def test_life(self):
        for end in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            process, said = self.start("loop", "size=8M")
            self.assertEqual(said["target"], "loop")
            self.assertEqual(said["capacity_bytes"], 8 * MIB)
            self.assertEqual(said["pid"], process.pid)
            node = os.stat(said["path"])
            self.assertTrue(stat.S_ISBLK(node.st_mode))
            self.assertEqual(said["device"],
                             f"{os.major(node.st_rdev)}:{os.minor(node.st_rdev)}")
            with open(said["path"], "r+b", buffering=0) as device:
                self.assertEqual(device.write(b"kept" * 1024), 4096)
                os.fsync(device.fileno())
                device.seek(0)
                self.assertEqual(device.read(4096), b"kept" * 1024)
            process.send_signal(end)
            self.assertEqual(process.wait(60), 0, process.stderr.read())
            self.assertIsNone(self.backing(said))
            self.assertEqual(os.listdir(self.dir.name), [])

    def kill_one(self):
        process, said = self.start("loop", "size=8M")
        self.assertIn(self.dir.name, self.backing(said))
        process.kill()
        process.wait()
        deadline = time.monotonic() + 30
        while self.dir.name in (self.backing(said) or ""):
            self.assertLess(time.monotonic(), deadline, "the loop device stays")
            time.sleep(0.01)
        self.assertEqual(len(os.listdir(self.dir.name)), 1)

    def test_killed(self):
        """Its device goes with it, its files with the next start, or when doctor is asked to."""
        self.kill_one()
        process, said = self.start("loop", "size=8M")
        process.terminate()
        self.assertEqual(process.wait(60), 0)
        self.assertIn("removed", process.stderr.read())
        self.assertEqual(os.listdir(self.dir.name), [])
        self.kill_one()
        done = subprocess.run([UHBENCH, "doctor", "--fix"], capture_output=True, text=True,
                              check=False, stdin=subprocess.DEVNULL, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("removed 1 work folder", done.stderr)
        self.assertEqual(os.listdir(self.dir.name), [])

    def test_nobody_listens(self):
        with open("/dev/full", "w", encoding="utf-8") as full:
            done = subprocess.run([UHBENCH, "serve", "loop", "size=8M", "--dir", self.dir.name],
                                  stdout=full, stderr=subprocess.PIPE, text=True, check=False,
                                  timeout=60)
        self.assertEqual(done.returncode, 3)
        self.assertIn("standard output", done.stderr)
        self.assertEqual(os.listdir(self.dir.name), [])

    def test_refused(self):
        self.refused(2, [], "TARGET")
        self.refused(2, ["loup"], '"loop"')
        self.refused(2, ["loop", "sise=8M"], "sise", '"size"')
        self.refused(2, ["loop", "size"], "KNOB=VALUE")
        self.refused(2, ["loop", "size=much"], "size", "much")
        self.refused(2, ["loop", "--cpus", "x"], "x")
        self.refused(2, ["loop", "--dir", "/nonexistent"], "/nonexistent")
        if not os.path.exists("/dev/ublk-control"):
            self.refused(77, ["ublk"], "no ublk driver", "uhbench vm")


if __name__ == "__main__":
    UHBENCH = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=2)

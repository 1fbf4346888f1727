#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Where `uhbench report` writes: a file appears whole, what is no file is never replaced by one.

Usage: test_output.py UHBENCH
"""
import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import threading
import unittest

UHBENCH = None
TESTDATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "testdata")
SESSION = os.path.join(TESTDATA, "session")
PROBED = os.path.join(TESTDATA, "probed")


class Output(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="uhbench-output-")
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.dir, name)

    def report(self, *args, **kw):
        kw.setdefault("stdout", subprocess.PIPE)
        return subprocess.run([UHBENCH, "report", SESSION, *args], stderr=subprocess.PIPE,
                              text=True, timeout=60, **kw)

    def assert_whole(self, text):
        self.assertTrue(text.startswith("small: 7 cells"), text[:100])
        self.assertTrue(text.endswith("\n"))

    def test_new_file(self):
        self.assertEqual(self.report("-o", self.path("r")).returncode, 0)
        with open(self.path("r")) as f:
            self.assert_whole(f.read())
        self.assertEqual(os.listdir(self.dir), ["r"])

    def test_symlink_stays(self):
        with open(self.path("file"), "w") as f:
            f.write("old")
        os.symlink("file", self.path("link"))
        self.assertEqual(self.report("-o", self.path("link")).returncode, 0)
        self.assertTrue(os.path.islink(self.path("link")))
        with open(self.path("file")) as f:
            self.assert_whole(f.read())
        self.assertEqual(sorted(os.listdir(self.dir)), ["file", "link"])

    def test_symlink_to_nothing(self):
        os.symlink("file", self.path("link"))
        self.assertEqual(self.report("-o", self.path("link")).returncode, 0)
        self.assertTrue(os.path.islink(self.path("link")))
        with open(self.path("file")) as f:
            self.assert_whole(f.read())

    def test_fifo_stays(self):
        got = []
        os.mkfifo(self.path("fifo"))

        def read():
            with open(self.path("fifo")) as f:
                got.append(f.read())

        reader = threading.Thread(target=read, daemon=True)
        reader.start()
        done = self.report("-o", self.path("fifo"))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(stat.S_ISFIFO(os.lstat(self.path("fifo")).st_mode))
        reader.join(10)
        self.assert_whole(got[0])

    @unittest.skipUnless(os.getuid() == 0, "mknod needs root")
    def test_full_device_stays(self):
        full = self.path("full")
        os.mknod(full, stat.S_IFCHR | 0o600, os.makedev(1, 7))
        done = self.report("-o", full)
        self.assertTrue(stat.S_ISCHR(os.lstat(full).st_mode))
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn(full + ": No space left", done.stderr)

    @unittest.skipUnless(os.getuid() == 0, "mount needs root")
    def test_full_filesystem(self):
        """Longer than a buffer: the error is one of writing, and not of the last flush."""
        script = ("mount -t tmpfs -o size=4k none \"$2\" && "
                  "exec \"$0\" report \"$1\" -f html --no-plots -o \"$2/page.html\"")
        done = subprocess.run(["unshare", "-m", "sh", "-c", script, UHBENCH, PROBED, self.dir],
                              capture_output=True, text=True, timeout=60)
        if "mount" in done.stderr:
            self.skipTest(done.stderr)
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn("No space left", done.stderr)

    def test_full_stdout(self):
        with open("/dev/full", "w") as full:
            done = self.report(stdout=full)
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn("stdout: No space left", done.stderr)

    def test_error_names_what_was_asked_for(self):
        missing = self.path("none/r")
        done = self.report("-o", missing)
        self.assertEqual(done.returncode, 2)
        self.assertIn(missing + ":", done.stderr)
        self.assertNotIn(".part", done.stderr)

    def test_probed_runs_change_no_median(self):
        """The same cells without their probed runs: the same figures of every cell."""
        def cells(session):
            done = subprocess.run([UHBENCH, "report", session, "--format", "json"], check=True,
                                  capture_output=True, text=True, timeout=60)
            return json.loads(done.stdout)["cells"]

        shutil.copy(os.path.join(PROBED, "manifest.json"), self.dir)
        with open(os.path.join(PROBED, "runs.jsonl")) as f:
            lines = [line for line in f if not json.loads(line)["probed"]]
        with open(self.path("runs.jsonl"), "w") as f:
            f.writelines(lines)
        both, without = cells(PROBED), cells(self.dir)
        self.assertEqual(len(both), 2)
        for a, b in zip(both, without):
            self.assertIn("perturbation", a)
            self.assertNotIn("perturbation", b)
            for key in ("cell", "runs", "best", "warnings", "metrics"):
                self.assertEqual(a[key], b[key])

    def test_fixture_is_what_its_maker_makes(self):
        for session in ("probed", "block"):
            maker = os.path.join(TESTDATA, f"make_{session}.py")
            made = self.path(session)
            subprocess.run([sys.executable, "-B", maker, made], check=True, timeout=60)
            for name in ("manifest.json", "runs.jsonl"):
                with open(os.path.join(TESTDATA, session, name)) as a, \
                     open(os.path.join(made, name)) as b:
                    self.assertEqual(a.read(), b.read(), name)

    def test_help_names_each_format_once(self):
        done = subprocess.run([UHBENCH, "report", "--help"], capture_output=True, text=True)
        self.assertEqual(done.stdout.count("html,") + done.stdout.count(", html"), 1, done.stdout)


if __name__ == "__main__":
    UHBENCH = os.path.abspath(sys.argv.pop(1))
    unittest.main()

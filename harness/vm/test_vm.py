#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`uhbench vm` when all is well: a command's output, end and files are those that it has inside.

Usage: test_vm.py UHBENCH
"""
import json
import os
import subprocess
import unittest

from vm_case import UHBENCH, Case, need, vm

KERNEL = "6.12"


class Command(Case):
    def test_output_is_exact(self):
        data = os.urandom(1 << 20) + b"\0no newline at the end"
        with open(self.path("data"), "wb") as f:
            f.write(data)
        p = vm("--", "sh", "-c", 'cat "$0"; cat "$0" >/dev/stderr; cat; exit 7',
               self.path("data"))
        self.assertEqual(p.returncode, 7)
        self.assertTrue(p.stdout == data)
        self.assertTrue(p.stderr.endswith(data))
        said = p.stderr[:-len(data)].decode()
        self.assertRegex(said, r"(?m)^vm: 6\.12\S* up after \d+\.\d s, ")

    def test_signal(self):
        p = vm("--", "sh", "-c", "kill -SEGV $$")
        self.assertEqual(p.returncode, 128 + 11)
        self.assertIn("killed by signal 11", self.said(p))

    def test_a_program_with_libraries_and_files(self):
        """In the caller's folder, by a relative path, with what it is given; one file back."""
        os.mkdir(self.path("in"))
        self.write("in/a", "from a\n")
        python = subprocess.run(["python3", "-c", "import sys; print(sys.executable)"],
                                capture_output=True, text=True, check=True).stdout.strip()
        script = ("pwd; in/sed s/from/of/ in/a >out/b; cat out/b; ls /elsewhere; "
                  "setsid sleep 1000 & ")
        os.symlink(self.real_sed(), self.path("in/sed"))
        p = vm("--add", "in", "--add", f"{python}:/elsewhere/py", "--back", "out", "--",
               "sh", "-c", "mkdir out; " + script, cwd=self.dir)
        self.assertEqual(p.returncode, 0, self.said(p))
        self.assertEqual(p.stdout.decode(), f"{os.path.realpath(self.dir)}\nof a\npy\n")
        with open(self.path("out/b")) as f:
            self.assertEqual(f.read(), "of a\n")

    def real_sed(self):
        """Of this machine, and no busybox: it needs its libraries in there."""
        path = "/usr/bin/sed" if os.path.exists("/usr/bin/sed") else "/bin/sed"
        self.assertIn("=>", subprocess.run(["ldd", path], capture_output=True, text=True).stdout)
        return path

    def test_modules(self):
        """With parameters, also in the place of our own; one that the kernel itself loads."""
        p = vm("--module", "brd rd_nr=3", "--module", "null_blk nr_devices=1", "--cpus", "3", "--memory", "512M", "--", "sh", "-c",
               "ls /dev/ram*; nproc; mount -t xfs /dev/ram0 /mnt 2>&1 | grep -c 'such device'; "
               "grep -c '^xfs ' /proc/modules; ls /dev/ublk-control /dev/nullb*")
        self.assertEqual(p.stdout.decode().split(),
                         ["/dev/ram0", "/dev/ram1", "/dev/ram2", "3", "0", "1",
                          "/dev/nullb0", "/dev/ublk-control"])

    def test_a_kernel_by_path(self):
        cache = os.environ.get("UHBENCH_CACHE") or (
            os.path.join(os.environ["XDG_CACHE_HOME"], "uhbench")
            if os.environ.get("XDG_CACHE_HOME") else
            "/var/cache/uhbench" if os.geteuid() == 0 else os.path.expanduser("~/.cache/uhbench"))
        folder = os.path.join(cache, "names", KERNEL)
        folder = os.path.join(cache, "kernels", os.readlink(folder), "boot")
        image = [f for f in os.listdir(folder) if f.startswith("vmlinuz-")][0]
        p = vm("--kernel", os.path.join(folder, image), "--", "sh", "-c",
               "uname -r; grep -c '^ublk_drv ' /proc/modules")
        self.assertEqual(p.returncode, 0, self.said(p))
        self.assertEqual(p.stdout.decode().split(), [image.removeprefix("vmlinuz-"), "1"])


class Verb(Case):
    def test_session(self):
        """Results come back as they are inside, and other verbs read them, inside and here."""
        matrix = self.write("m.json", json.dumps({
            "warmup": "20ms", "duration": "100ms", "deadline": "120s", "repeats": 2,
            "cells": [{"workload": "nop", "target": ["null", "uring"], "depth": 4}]}))
        out = self.path("out")
        p = vm("--", "run", matrix, "-o", out)
        self.assertEqual(p.returncode, 0, self.said(p))
        self.assertRegex(p.stdout.decode(), r"QEMU TCG|KVM")
        with open(os.path.join(out, "runs.jsonl")) as f:
            records = [json.loads(line) for line in f]
        self.assertEqual([r["status"] for r in records], ["ok"] * 4)
        here = subprocess.run([UHBENCH, "report", out, "--format", "csv"], capture_output=True)
        self.assertEqual(here.returncode, 0)
        inside = vm("--", "report", out, "--format", "csv")
        self.assertEqual(inside.returncode, 0, self.said(inside))
        self.assertEqual(here.stdout, inside.stdout)

    def test_exit_code_of_a_verb(self):
        """A wrong matrix is told with its place, and nothing comes back."""
        matrix = self.write("bad.json", '{"cells": [{"workload": "nop", "target": "nul"}]}')
        p = vm("--", "run", os.path.basename(matrix), cwd=self.dir)
        self.assertEqual(p.returncode, 2)
        self.assertIn("bad.json", self.said(p))
        self.assertFalse(os.path.exists(self.path("results")))


if __name__ == "__main__":
    need(KERNEL)
    unittest.main()

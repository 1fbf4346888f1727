# SPDX-License-Identifier: MIT
"""What the tests of `uhbench hunt` share."""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.append(os.path.join(os.path.dirname(__file__), "../../probes/rig"))
from bpf_calls import links

UHBENCH = os.path.abspath(sys.argv.pop(1))


class Case(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="uhbench-hunt-")
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.dir, name)

    def hunt(self, *args, prefix=(), **kw):
        return subprocess.run([*prefix, UHBENCH, "hunt", *args], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=60, **kw)

    def start(self, *args, **kw):
        p = subprocess.Popen([UHBENCH, "hunt", *args], stdin=subprocess.DEVNULL, text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, **kw)
        self.addCleanup(self.finish, p)
        return p

    def finish(self, p):
        if p.poll() is None:
            p.kill()
        p.wait()
        p.stdout.close()
        p.stderr.close()

    def victim(self, *command, stdin=subprocess.DEVNULL):
        p = subprocess.Popen(command, stdin=stdin, stdout=subprocess.DEVNULL)
        self.addCleanup(p.wait)
        self.addCleanup(p.kill)
        return p

    def record(self, *args, **kw):
        p = self.hunt("--json", *args, **kw)
        self.assertEqual(p.returncode, 0, p.stderr)
        return json.loads(p.stdout, parse_constant=self.fail)

    def calls(self, record):
        probe = record["probes"]["syscalls"]
        self.assertEqual(probe["status"], "ok", probe["reason"])
        self.assertEqual(probe["lost"], 0)
        return {c["syscall"]: c for c in probe["calls"] if c["role"] == "process"}

    def wait_for(self, what, seconds=20):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if what():
                return
            time.sleep(0.01)
        self.fail("it did not happen in time")

    def attached(self, p):
        self.wait_for(lambda: p.poll() is not None or links(p.pid))
        self.assertIsNone(p.poll(), "the hunt was over before it began")


def main():
    if os.geteuid():
        print("BPF programs need root")
        sys.exit(77)
    unittest.main(verbosity=2)

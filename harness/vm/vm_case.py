# SPDX-License-Identifier: MIT
"""What the tests of `uhbench vm` share. A machine costs some seconds: each test boots one at most."""
import os
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

UHBENCH = os.path.abspath(sys.argv.pop(1))
EXIT_VM = 125


def vm(*args, timeout=800, env=None, prefix=(), **kw):
    """Runs it to its end; output as bytes."""
    return subprocess.run([*prefix, UHBENCH, "vm", *args], stdin=subprocess.DEVNULL,
                          capture_output=True, timeout=timeout,
                          env={**os.environ, **(env or {})}, **kw)


def children(pid):
    """Processes that `pid` has started, by name."""
    found = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/stat") as f:
                name, _, rest = f.read().partition("(")[2].rpartition(")")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(rest.split()[1]) == pid:
            found.setdefault(name, []).append(int(entry))
    return found


def skip(reason):
    print(f"no virtual machine: {reason}")
    sys.exit(77)


def need(*kernels):
    """Exit code 77 with a reason where this cannot be had: a program, or a kernel for want of apt."""
    for kernel in kernels:
        p = vm("--kernel", kernel, "--", "true")
        said = p.stderr.decode(errors="replace")
        if p.returncode == 77 or (p.returncode and "Debian's suite" in said):
            skip(said.strip().splitlines()[-1])
        if p.returncode:
            print(said)
            sys.exit(1)


class Case(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="uhbench-vm-")
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.dir, name)

    def write(self, name, data):
        with open(self.path(name), "w") as f:
            f.write(data)
        return self.path(name)

    def start(self, *args):
        p = subprocess.Popen([UHBENCH, "vm", *args], stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(self.finish, p)
        return p

    def finish(self, p):
        if p.poll() is None:
            p.kill()
        p.communicate()

    def wait_for(self, what, seconds=60):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            value = what()
            if value:
                return value
            time.sleep(0.02)
        self.fail("it did not happen in time")

    def emulator_of(self, p):
        return self.wait_for(lambda: children(p.pid).get("qemu-system-x86", [None])[0])

    def assert_gone(self, pid):
        self.wait_for(lambda: not os.path.exists(f"/proc/{pid}"), 10)

    def said(self, p):
        return p.stderr.decode() if isinstance(p.stderr, bytes) else p.stderr

    def assert_vm_failed(self, p, what):
        """An exit code of its own, what happened, and the end of the console."""
        self.assertEqual(p.returncode, EXIT_VM, self.said(p))
        self.assertRegex(self.said(p), f"(?m)^uhbench: vm: .*{what}")
        self.assertRegex(self.said(p), "(?m)^vm: .* console")

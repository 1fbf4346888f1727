#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`uhbench vm` when something goes wrong, inside or outside: each fault is provoked for real, none
is an empty success, and no emulator stays behind.

Usage: test_vm_faults.py UHBENCH
"""
import json
import os
import shutil
import signal
import subprocess
import unittest

from vm_case import EXIT_VM, UHBENCH, Case, need, vm


class Guest(Case):
    def test_panic(self):
        p = vm("--back", "/out", "--", "sh", "-c",
               "echo before; echo c >/proc/sysrq-trigger; echo after")
        self.assert_vm_failed(p, "panicked: Kernel panic - not syncing: sysrq triggered crash")
        self.assertEqual(p.stdout, b"before\n")
        self.assertRegex(self.said(p), r"(?m)^  \| .*")
        self.assertIn("/out went with the machine", self.said(p))

    def test_kernel_that_hangs(self):
        """Nothing runs but one thread that never lets go of the only CPU."""
        p = vm("--cpus", "1", "--add", "chrt", "--", "sh", "-c",
               "echo -1 >/proc/sys/kernel/sched_rt_runtime_us; "
               "for f in /sys/kernel/debug/sched/fair_server/*/runtime; do "
               "[ ! -e $f ] || echo 0 >$f; done; "
               "chrt -f 99 sh -c 'while :; do :; done'")
        self.assert_vm_failed(p, r"the guest hangs: nothing was heard of it for \d+ s")

    def test_command_that_hangs(self):
        p = vm("--timeout", "1s", "--", "sh", "-c", "echo begun; exec sleep 1000")
        self.assert_vm_failed(p, "the command was not done after 1s and was ended")
        self.assertEqual(p.stdout, b"begun\n")

    def test_guest_that_goes_away(self):
        p = vm("--", "poweroff", "-f")
        self.assert_vm_failed(p, "switched itself off without telling how the command ended")

    def test_full_disk(self):
        """The session says so itself; what it has comes back; the machine says how big it is."""
        matrix = self.write("m.json", json.dumps({
            "warmup": "10ms", "duration": "100ms", "repeats": 1,
            "cells": [{"workload": "wal", "target": "group",
                       "with": {"log_bytes": "512M", "volatile": True}}]}))
        out = self.path("out")
        p = vm("--memory", "256M", "--add", matrix, "--back", out, "--", "sh", "-c",
               f"uhbench run {matrix} -o {out}; code=$?; "
               "dd if=/dev/zero of=/fill bs=1M 2>/dev/null; exit $code")
        self.assertEqual(p.returncode, 3, self.said(p))
        self.assertIn("the guest's file system is full", self.said(p))
        with open(os.path.join(out, "runs.jsonl")) as f:
            record = json.loads(f.readline())
        self.assertEqual(record["status"], "failed")
        self.assertIn("No space left", record["reason"])

    def test_full_disk_that_was_not_noticed(self):
        """That the command calls it a success, and makes room again, does not make it one."""
        out = self.path("out")
        p = vm("--memory", "256M", "--back", out, "--", "sh", "-c",
               f"dd if=/dev/zero of=/fill bs=1M 2>/dev/null; echo lost >{out}; sleep 2; rm /fill; "
               "exit 0")
        self.assert_vm_failed(p, "the guest's file system is full")

    def test_kernel_that_complains(self):
        """A write to /dev/kmsg is a message of the kernel's log like any other."""
        p = vm("--", "sh", "-c", "echo 'WARNING: CPU: 0 PID: 1 at x' >/dev/kmsg; exit 0")
        self.assert_vm_failed(p, "the guest's kernel complains: WARNING: CPU: 0 PID: 1 at x")

    def test_nothing_to_bring_back(self):
        p = vm("--back", "nothere", "--", "sh", "-c", "echo hi", cwd=self.dir)
        self.assert_vm_failed(p, "nothere: the command left nothing there")
        self.assertEqual(p.stdout, b"hi\n")

    def test_out_of_memory(self):
        p = vm("--memory", "256M", "--", "sh", "-c", "tail /dev/zero")
        self.assertNotEqual(p.returncode, 0)
        self.assertIn("the guest had run out of memory", self.said(p))

    def test_command_that_is_not_there(self):
        p = vm("--", "sh", "-c", "exec /no/such/program")
        self.assertEqual(p.returncode, 127, self.said(p))


class Outside(Case):
    def up(self, *command):
        """A machine whose command has begun to run."""
        p = self.start("--", "sh", "-c", "echo begun; " + command[0])
        self.assertEqual(p.stdout.readline(), "begun\n")
        return p, self.emulator_of(p)

    def test_emulator_killed(self):
        p, emulator = self.up("sleep 1000")
        os.kill(emulator, signal.SIGKILL)
        p.stdout, out = open(os.devnull), p.stdout
        out.close()
        _, said = p.communicate(timeout=30)
        self.assertEqual(p.returncode, 125)
        self.assertIn("the emulator was killed by signal 9", said)

    def test_killed(self):
        p, emulator = self.up("sleep 1000")
        p.kill()
        p.wait()
        self.assert_gone(emulator)

    def test_interrupt_reaches_the_command(self):
        """A session ends by itself, and its records come back."""
        matrix = self.write("m.json", json.dumps({
            "warmup": "10ms", "duration": "200ms", "repeats": 1000,
            "cells": [{"workload": "nop", "target": "null"}]}))
        p = self.start("--", "run", matrix, "-o", self.path("out"))
        emulator = self.emulator_of(p)
        for line in p.stderr:
            if line.startswith("[2/"):
                break
        p.send_signal(signal.SIGINT)
        _, said = p.communicate(timeout=60)
        self.assertEqual(p.returncode, 130, said)
        with open(self.path("out/runs.jsonl")) as f:
            self.assertEqual(json.loads(f.readline())["status"], "ok")
        self.assert_gone(emulator)

    def test_command_that_does_not_heed(self):
        p, emulator = self.up("trap '' INT TERM; while :; do sleep 1; done")
        p.send_signal(signal.SIGTERM)
        _, said = p.communicate(timeout=60)
        self.assertEqual(p.returncode, 130, said)
        self.assertIn("interrupted, and the command did not end", said)
        self.assert_gone(emulator)

    def test_reader_that_goes_away(self):
        p, emulator = self.up("while :; do echo more; done")
        p.stdout.close()
        p.stdout = open(os.devnull)
        _, said = p.communicate(timeout=60)
        self.assertEqual(p.returncode, 125, said)
        self.assertIn("stdout: Broken pipe", said)
        self.assert_gone(emulator)


class Emulator(Case):
    def once(self, first):
        """An emulator whose first machine is changed by a line of shell."""
        real = shutil.which("qemu-system-x86_64")
        fake = self.write("qemu-system-x86_64", '#!/bin/sh\n'
                          f'case "$*" in *-kernel*) mkdir {self.path("been")} 2>/dev/null && '
                          f'{{ {first}; }} ;; esac\nexec {real} "$@"\n')
        os.chmod(fake, 0o755)
        return {"PATH": f"{self.dir}:{os.environ['PATH']}"}

    def test_that_dies_at_boot(self):
        """Nothing has happened yet, so it is tried again."""
        p = vm("--accel", "tcg", "--", "sh", "-c", "echo once",
               env=self.once("echo why >&2; exit 3"))
        self.assertEqual((p.returncode, p.stdout), (0, b"once\n"), self.said(p))
        self.assertIn("gave up with exit code 3: why: once more\n", self.said(p))

    def test_clock_that_is_wrong(self):
        """The kernel is told half of the counter's frequency, so that its time goes twice as fast.
        Seen while it boots, it is booted again; seen later, that is the end."""
        p = vm("--accel", "tcg", "--", "sleep", "20", env=self.once(
            "for w; do shift; case $w in *tsc_early_khz=*) "
            "k=${w##*tsc_early_khz=}; k=${k%% *}; "
            "w=\"${w%%tsc_early_khz=*}tsc_early_khz=$((k / 2)) ${w#*tsc_early_khz=* }\" ;; esac; "
            "set -- \"$@\" \"$w\"; done"))
        self.assertRegex(self.said(p), r"the guest's clock runs [12]\.\d+ times as fast as ours")
        self.assertEqual(p.returncode, 0 if "once more" in self.said(p) else EXIT_VM, self.said(p))


class Words(Case):
    """What is refused before anything boots."""

    def refused(self, code, pattern, *args, **kw):
        p = vm(*args, **kw)
        self.assertEqual(p.returncode, code, self.said(p))
        self.assertRegex(self.said(p), pattern)
        self.assertNotIn("up after", self.said(p))

    def test_words(self):
        for pattern, args in (
                ("there is no command", ()),
                ("behind \"--\": -- run", ("run", "m.json")),
                ("\"3X\" is not a size", ("--memory", "3X", "--", "true")),
                ("from 256M on", ("--memory", "1M", "--", "true")),
                ("--cpus: 0 is below 1", ("--cpus", "0", "--", "true")),
                ("the nearest is \"doctor\"", ("--", "doctr")),
                ("vm does not run in a guest", ("--", "vm")),
                ("the guest's stdin is empty", ("--", "run", "-")),
                ("--add /no/such: No such file", ("--add", "/no/such", "--", "true")),
                ("begin with a slash", ("--add", "/etc/passwd:x", "--", "true")),
                ("neither a version", ("--kernel", "six", "--", "true")),
                ("No such file", ("--kernel", "./no-image", "--", "true")),
                ("is not a kernel for x86", ("--kernel", "/etc/passwd", "--", "true")),
                ("has no module \"xsf\".*; the nearest is \"xfs\"",
                 ("--module", "xsf", "--", "true"))):
            with self.subTest(pattern):
                self.refused(2, pattern, *args)

    def test_files_without_room(self):
        big = self.write("big", "")
        os.truncate(big, 200 << 20)
        self.refused(2, "may fill half of its 256 MiB", "--memory", "256M", "--add", big, "--",
                     "true")

    def offline(self):
        return {"APT_CONFIG": self.write("apt.conf", 'Acquire::http::Proxy "http://127.0.0.1:1";\n'
                                         'Acquire::https::Proxy "http://127.0.0.1:1";\n'
                                         'Acquire::Retries "0";\n')}

    def test_kernels_without_a_network(self):
        """One that was fetched boots; one that was not is an error that says whose."""
        p = vm("--", "true", env=self.offline())
        self.assertEqual(p.returncode, 0, self.said(p))
        self.refused(125, r"(?m)^uhbench: vm: the lists of Debian's suite .*: exit code 100: E: ",
                     "--kernel", "6.99", "--", "true", env=self.offline())

    def test_unknown_kernel(self):
        self.refused(2, r"no cloud kernel \"6\.99\" in .*, which has: .*6\.1", "--kernel", "6.99",
                     "--", "true")

    def without(self, program):
        """A mount namespace in which the program is no program."""
        path = subprocess.run(["sh", "-c", f"command -v {program}"], capture_output=True,
                              text=True).stdout.strip()
        return ["unshare", "-m", "sh", "-c",
                f'mount --bind /dev/null {path} && exec "$0" "$@"']

    @unittest.skipUnless(os.geteuid() == 0, "hiding a program takes root")
    def test_missing_programs(self):
        for program in ("qemu-system-x86_64", "busybox"):
            with self.subTest(program):
                self.refused(77, f"there is no {program} here", "--", "true",
                             prefix=self.without(program))


class Cache(Case):
    """Kernels in a folder of this test, fetched anew."""

    def test_two_at_once_then_damage(self):
        env = {"UHBENCH_CACHE": self.path("cache")}
        two = [subprocess.Popen([UHBENCH, "vm", "--kernel", "6.1", "--", "true"], text=True,
                                env={**os.environ, **env}, stdin=subprocess.DEVNULL,
                                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
               for _ in range(2)]
        said = [p.communicate(timeout=800)[1] for p in two]
        self.assertEqual([p.returncode for p in two], [0, 0], said)
        self.assertEqual(sum("fetching" in s for s in said), 1, said)
        boot = os.path.join(self.path("cache/kernels"),
                            os.listdir(self.path("cache/kernels"))[0], "boot")
        image = [f for f in os.listdir(boot) if f.startswith("vmlinuz")][0]
        with open(os.path.join(boot, image), "r+b") as f:
            f.seek(1 << 20)
            f.write(b"damage")
        p = vm("--kernel", "6.1", "--", "true", env=env)
        self.assertEqual(p.returncode, 0, self.said(p))
        self.assertIn("is damaged, and is made anew", self.said(p))


if __name__ == "__main__":
    need("6.12")
    unittest.main()

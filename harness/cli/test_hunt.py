#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What `uhbench hunt` sees of processes, how it ends, and that nothing of it stays in the kernel.

Usage: test_hunt.py UHBENCH
"""
import json
import os
import shutil
import signal
import subprocess
import time

from hunt_case import UHBENCH, Case, main
from bpf_calls import held, kernel_has, links

CONTENDED = """
#include <pthread.h>
#include <unistd.h>
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static void __attribute__((noinline)) critical(void)
{
	pthread_mutex_lock(&mutex);
	usleep(2000);
	pthread_mutex_unlock(&mutex);
}
static void *work(void *arg)
{
	for (int i = 0; i < 200; i++)
		critical();
	return arg;
}
int main(void)
{
	pthread_t other[2];
	for (int i = 0; i < 2; i++)
		pthread_create(&other[i], NULL, work, NULL);
	for (int i = 0; i < 2; i++)
		pthread_join(other[i], NULL);
}
"""
DD = "setpriv --pdeathsig KILL dd if=/dev/zero of=/dev/null"


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as f:
        return [int(child) for child in f.read().split()]


class Commands(Case):
    def test_every_call_of_a_command_is_seen(self):
        r = self.record("--probes", "syscalls", "--", "dd", "if=/dev/zero", "of=/dev/null", "bs=1",
                        "count=5000", "status=none")
        calls = self.calls(r)
        self.assertEqual(calls["write"]["count"], 5000)
        self.assertEqual((calls["execve"]["count"], calls["execve"]["failed"]), (1, 0))
        self.assertEqual((r["hunt"]["ended"], r["hunt"]["exit"]), ("exited", {"code": 0}))
        self.assertEqual(r["hunt"]["command"][0], "dd")
        self.assertEqual(r["hunt"]["chosen"], ["syscalls"])
        self.assertAlmostEqual(r["hunt"]["seconds"],
                               (r["window"]["end_ns"] - r["window"]["begin_ns"]) / 1e9)
        self.assertIsNone(r["usage"]["process"]["threads"])
        self.assertIn("reason_threads", r["usage"]["process"])
        self.assertIn("kernel", r["host"])

    def test_what_it_starts_is_seen_too(self):
        r = self.record("--probes", "syscalls", "--", "sh", "-c",
                        "for i in 1 2 3 4 5; do /bin/true; done")
        self.assertEqual(self.calls(r)["execve"]["count"], 6)

    def test_its_output_is_not_in_the_report(self):
        p = self.hunt("--json", "--", "sh", "-c", "echo out; echo err >&2")
        self.assertEqual(p.returncode, 0, p.stderr)
        self.assertIn("out\nerr\n", p.stderr)
        self.assertEqual(json.loads(p.stdout)["hunt"]["exit"], {"code": 0})

    def test_its_failure_is_told_and_is_not_ours(self):
        p = self.hunt("--", "sh", "-c", "exit 3")
        self.assertEqual(p.returncode, 0, p.stderr)
        self.assertIn("sh ended with exit code 3", p.stderr)
        p = self.hunt("--json", "--", "sh", "-c", "kill -SEGV $$")
        self.assertEqual(p.returncode, 0, p.stderr)
        self.assertIn("signal 11", p.stderr)
        self.assertEqual(json.loads(p.stdout)["hunt"]["exit"], {"signal": 11})

    def test_time_ends_it_with_all_that_it_started(self):
        pids = self.path("pids")
        script = f"echo $$ >{pids}; (setsid sleep 50 & echo $! >>{pids}; wait) & wait"
        begin = time.monotonic()
        r = self.record("--for", "400ms", "--", "sh", "-c", script)
        self.assertLess(time.monotonic() - begin, 30)
        self.assertEqual((r["hunt"]["ended"], r["hunt"]["exit"]), ("time", {"signal": 15}))
        self.assertAlmostEqual(r["hunt"]["seconds"], 0.4)
        with open(pids) as f:
            left = f.read().split()
        self.assertEqual(len(left), 2)
        self.assertEqual([p for p in left if alive(p)], [])

    def test_who_ignores_sigterm_is_killed(self):
        r = self.record("--for", "300ms", "--", "sh", "-c",
                        "trap '' TERM; while :; do sleep 0.05; done")
        self.assertEqual(r["hunt"]["exit"], {"signal": 9})

    def test_signals_reach_the_command_as_usual(self):
        p = self.hunt("--", "sh", "-c", "trap 'exit 7' TERM; kill -TERM $$; exit 0")
        self.assertIn("exit code 7", p.stderr)

    def test_a_warm_up_is_not_counted(self):
        begin = time.monotonic()
        r = self.record("--warmup", "300ms", "--for", "200ms", "--", "sleep", "40")
        self.assertGreater(time.monotonic() - begin, 0.5)
        self.assertAlmostEqual(r["hunt"]["seconds"], 0.2)
        p = self.hunt("--warmup", "20s", "--", "true")
        self.assertEqual(p.returncode, 3)
        self.assertIn("over before the warm-up", p.stderr)

    def test_in_a_pid_namespace(self):
        inside = ("unshare", "--pid", "--fork", "--mount-proc")
        r = self.record("--probes", "syscalls", "--", "dd", "if=/dev/zero", "of=/dev/null",
                        "bs=1", "count=100", "status=none", prefix=inside)
        self.assertEqual(self.calls(r)["write"]["count"], 100)
        p = subprocess.run([*inside, "sh", "-c", f"sleep 20 & {UHBENCH} hunt -p $! --for 1s"],
                           capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(p.returncode, 77, p.stderr)
        self.assertIn("PID namespace", p.stderr)


    def test_its_time_adds_up_and_its_lock_is_named(self):
        program = self.path("contended")
        with open(program + ".c", "w") as f:
            f.write(CONTENDED)
        subprocess.run(["cc", "-g", "-O1", "-pthread", "-o", program, program + ".c"], check=True)
        for args in (), ("--warmup", "100ms"), ("--for", "400ms"):
            r = self.record(*args, "--", program)
            role = r["probes"]["sched"]["roles"]["process"]
            self.assertEqual(role["threads"], 3)
            self.assertTrue(0.95 <= role["closure"] <= 1.05, role)
            self.assertGreater(role["wall_ns"], 2e9 * r["hunt"]["seconds"])
            line = 1 + CONTENDED.split("\n").index("\tpthread_mutex_lock(&mutex);")
            frames = [frame for futex in r["probes"]["lock"]["futex"]
                      for waiter in futex["waiters"] for frame in waiter["stack"]]
            self.assertIn(f"critical (contended.c:{line})", frames, args)
        text = self.hunt("--", program)
        self.assertNotRegex(text.stdout, r"\bnan\b")
        self.assertRegex(text.stdout, r"(?m)^  critical \(contended\.c:\d+\) ")


CHURN = """
#include <pthread.h>
#include <unistd.h>
static void *briefly(void *arg)
{
	usleep(50);
	return arg;
}
static void *breed(void *arg)
{
	for (;;) {
		pthread_t id[8];
		for (int i = 0; i < 8; i++)
			pthread_create(&id[i], 0, briefly, arg);
		for (int i = 0; i < 8; i++)
			pthread_join(id[i], 0);
	}
}
int main(void)
{
	pthread_t id;
	for (int i = 0; i < 3; i++)
		pthread_create(&id, 0, breed, 0);
	pthread_exit(0);
}
"""


class Processes(Case):
    def test_threads_that_end_while_they_are_looked_for(self):
        """A thread that is gone by the time it is added would seem to run for ever."""
        program = self.path("churn")
        with open(program + ".c", "w") as f:
            f.write(CHURN)
        subprocess.run(["cc", "-pthread", "-o", program, program + ".c"], check=True)
        v = self.victim(program)
        for _ in range(8):
            r = self.record("--for", "150ms", "-p", str(v.pid), "--probes", "sched")
            classes = r["probes"]["sched"]["roles"]["process"]["classes"]
            on_cpu = sum(classes[name]["ns"] or 0 for name in ("user", "system", "stolen", "on_cpu")
                         if name in classes)
            self.assertLessEqual(on_cpu, 1.1 * os.cpu_count() * r["hunt"]["seconds"] * 1e9)

    def test_a_process_that_is_there(self):
        v = self.victim("dd", "if=/dev/zero", "of=/dev/null")
        r = self.record("--for", "500ms", "-p", str(v.pid), "--probes", "syscalls")
        self.assertIsNone(v.poll())
        self.assertIsNone(r["hunt"]["command"])
        self.assertIsNone(r["hunt"]["exit"])
        self.assertEqual((r["hunt"]["pid"], r["hunt"]["ended"]), (v.pid, "time"))
        self.assertEqual(r["usage"]["process"]["threads"], 1)
        self.assertGreater(r["usage"]["process"]["cpu_ns"], 0)
        calls = self.calls(r)
        self.assertGreater(calls["read"]["count"], 100)
        self.assertLessEqual(abs(calls["read"]["count"] - calls["write"]["count"]), 1)
        self.assertIsNotNone(r["probes"]["syscalls"]["run_ns"], "the warm-up was measured")

    def test_what_it_started_is_in_its_usage(self):
        v = self.victim("sh", "-c", f"read go; sleep 0.4; {DD} & wait", stdin=subprocess.PIPE)
        p = self.start("--json", "--for", "1s", "-p", str(v.pid))
        self.attached(p)
        v.stdin.write(b"go\n")
        v.stdin.close()
        r = json.loads(p.communicate(timeout=40)[0])
        self.assertEqual(r["usage"]["process"]["threads"], 2)
        self.assertGreater(r["usage"]["process"]["cpu_ns"], 50e6)  # the shell itself only waits
        role = r["probes"]["sched"]["roles"]["process"]
        self.assertGreaterEqual(role["threads"], 2)
        self.assertTrue(0.95 <= role["closure"] <= 1.05, role)

    def test_what_it_started_before_is_not_watched(self):
        v = self.victim("sh", "-c", f"{DD} & wait")
        self.wait_for(lambda: children(v.pid))
        time.sleep(0.02)  # two ticks of the kernel's clock, in which starts are told
        r = self.record("--for", "300ms", "-p", str(v.pid))
        self.assertEqual(r["usage"]["process"]["threads"], 1)
        role = r["probes"]["sched"]["roles"]["process"]
        self.assertEqual(role["threads"], 1)
        self.assertTrue(0.95 <= role["closure"] <= 1.05, role)

    def test_only_the_process_is_watched(self):
        v = self.victim("sleep", "60")
        other = self.victim("dd", "if=/dev/zero", "of=/dev/null")
        calls = self.calls(self.record("--for", "300ms", "-p", str(v.pid), "--probes", "syscalls"))
        self.assertIsNone(other.poll())
        self.assertNotIn("read", calls)

    def test_it_ends_early(self):
        v = self.victim("sleep", "1.5")
        r = self.record("--for", "50s", "-p", str(v.pid))
        self.assertEqual(r["hunt"]["ended"], "exited")
        self.assertLess(r["hunt"]["seconds"], 2)
        self.assertIsNone(r["usage"])
        self.assertTrue(r["reason_usage"])

    def test_signals_end_the_hunt_and_it_still_reports(self):
        v = self.victim("sleep", "60")
        for sig in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            p = self.start("--json", "--warmup", "0", "-p", str(v.pid))
            self.attached(p)
            p.send_signal(sig)
            out, err = p.communicate(timeout=20)
            self.assertEqual(p.returncode, 0, err)
            self.assertEqual(json.loads(out)["hunt"]["ended"], "interrupted")
            self.assertIsNone(v.poll())

    def test_two_at_once(self):
        v = self.victim("dd", "if=/dev/zero", "of=/dev/null")
        both = [self.start("--json", "--for", "1s", "-p", str(v.pid)) for _ in range(2)]
        for p in both:
            out, err = p.communicate(timeout=40)
            self.assertEqual(p.returncode, 0, err)
            for probe in json.loads(out)["probes"].values():
                self.assertIn(probe["status"], ("ok", "unsupported"), probe["reason"])

    def test_beside_a_session(self):
        v = self.victim("sleep", "60")
        p = self.start("--json", "--for", "3s", "-p", str(v.pid))
        self.attached(p)
        matrix = {"name": "m", "warmup": "20ms", "duration": "100ms", "repeats": 1,
                  "cells": [{"workload": "nop", "target": "null"}]}
        with open(self.path("m.json"), "w") as f:
            json.dump(matrix, f)
        run = subprocess.run([UHBENCH, "run", self.path("m.json"), "-o", self.path("out")],
                             capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertEqual(p.wait(timeout=20), 0)


class Kernel(Case):
    def test_nothing_stays_after_sigkill(self):
        v = self.victim("sleep", "60")
        for args in (("-p", str(v.pid)), ("--", "sleep", "61")):
            p = self.start(*args)
            self.attached(p)
            ours = held(p.pid)
            self.assertTrue(ours and all(kernel_has(*item) for item in ours))
            command = children(p.pid)
            p.kill()
            p.wait()
            self.wait_for(lambda: not any(kernel_has(*item) for item in ours))
            for pid in filter(alive, command):
                os.kill(pid, signal.SIGKILL)

    def test_nothing_stays_attached_while_the_command_is_ended(self):
        p = self.start("--for", "200ms", "--", "sh", "-c", "trap '' TERM; while :; do sleep 1; done")
        self.attached(p)
        self.wait_for(lambda: p.poll() is not None or not links(p.pid))
        self.assertIsNone(p.poll())  # it has 2 s to go
        p.wait()

    def test_plain_tracepoints(self):
        r = self.record("--knob", "hooks=plain", "--", "true")
        self.assertEqual(r["hunt"]["knobs"]["hooks"], "plain")
        works = [p for p in r["probes"].values() if p["status"] == "ok"]
        self.assertTrue(works)
        self.assertEqual({p["hooks"] for p in works}, {"plain"})

    def test_without_privilege(self):
        copy = self.path("uhbench")
        shutil.copy(UHBENCH, copy)
        os.chmod(self.dir, 0o755)
        os.chmod(copy, 0o755)
        nobody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", copy, "hunt")
        p = subprocess.run([*nobody, "--", "touch", self.path("ran")], capture_output=True,
                           text=True, cwd="/", timeout=60, check=False)
        self.assertEqual(p.returncode, 77, p.stderr)
        self.assertIn("CAP_BPF", p.stderr)
        self.assertFalse(os.path.exists(self.path("ran")), "the command was run unwatched")
        p = subprocess.run([*nobody, "--knob", "hooks=plain", "--", "true"], capture_output=True,
                           text=True, cwd="/", timeout=60, check=False)
        self.assertEqual(p.returncode, 77, p.stderr)
        self.assertIn("may not read: run as root", p.stderr)


if __name__ == "__main__":
    main()

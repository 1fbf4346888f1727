#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What `uhbench run` does when things go wrong: each fault is provoked for real.

Usage: test_run.py UHBENCH
"""
import json
import os
import signal
import shutil
import struct
import subprocess
import sys
import tempfile
import time
import unittest

UHBENCH = None


def nop(**more):
    with_ = more.pop("with_", {})
    return {"workload": "nop", "target": "null", "with": with_, **more}


class Case(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="uhbench-run-")
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)
        self.out = os.path.join(self.dir, "out")

    def matrix(self, cells, name="m", **top):
        path = os.path.join(self.dir, name + ".json")
        top = {"warmup": "10ms", "duration": "50ms", "repeats": 1, "cells": cells, **top}
        with open(path, "w") as f:
            json.dump(top, f)
        return path

    def start(self, *args, **kw):
        return subprocess.Popen([UHBENCH, "run", *args], stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **kw)

    def run_it(self, *args, prefix=(), **kw):
        return subprocess.run([*prefix, UHBENCH, "run", *args], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=120, **kw)

    def records(self, out=None):
        with open(os.path.join(out or self.out, "runs.jsonl")) as f:
            return [json.loads(line, parse_constant=self.fail) for line in f]

    def workdirs(self):
        return [d for d in os.listdir(self.out) if d.startswith(".work")]

    def wait_for(self, what, seconds=20):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if what():
                return
            time.sleep(0.01)
        self.fail("it did not happen in time")


class Healthy(Case):
    def test_records_and_manifest(self):
        m = self.matrix([nop(depth=[1, 4], batch=1), {"workload": "nop", "target": "uring"}],
                        repeats=2)
        p = self.run_it(m, "-o", self.out)
        self.assertEqual(p.returncode, 0, p.stderr)
        self.assertRegex(p.stdout, r"\n  uring\*? .* 2/2 ")
        recs = self.records()
        self.assertEqual(len(recs), 6)
        self.assertEqual([r["order"] for r in recs], list(range(6)))
        for r in recs:
            self.assertEqual((r["status"], r["reason"]), ("ok", None))
            for name in ("throughput", "latency_p50", "latency_p99", "latency_p999",
                         "latency_max"):
                self.assertIsInstance(r["metrics"][name]["value"], (int, float))
            n = sum(b[1] for b in r["histograms"]["service"]["buckets"])
            self.assertEqual(n, r["histograms"]["service"]["count"])
            window = r["window"]["end_ns"] - r["window"]["begin_ns"]
            self.assertAlmostEqual(n * 1e9 / window, r["metrics"]["throughput"]["value"],
                                   delta=1)
            # An operation that was preempted across the window's edge may break the law.
            if r["metrics"]["latency_max"]["value"] < 0.02 * window:
                self.assertTrue(r["little"]["ok"], r["little"])
            self.assertEqual(r["usage"]["driver"]["threads"], 1)
        with open(os.path.join(self.out, "manifest.json")) as f:
            manifest = json.load(f)
        self.assertEqual(manifest["runs"], 6)
        self.assertEqual(sorted(c["id"] for c in manifest["cells"]),
                         sorted({r["cell"]["id"] for r in recs}))
        self.assertFalse(self.workdirs())

    def test_json_only_on_stdout(self):
        p = self.run_it(self.matrix([nop()]), "-o", self.out, "--json")
        self.assertEqual(p.returncode, 0, p.stderr)
        self.assertEqual(len(json.loads(p.stdout)["cells"]), 1)

    def test_dry_run_runs_nothing(self):
        p = self.run_it(self.matrix([nop(depth=[1, 2])], repeats=3), "--dry-run", "-o", self.out)
        self.assertEqual(p.returncode, 0, p.stderr)
        self.assertEqual(len(p.stdout.splitlines()), 6)
        self.assertFalse(os.path.exists(self.out))

    def test_same_seed_same_order(self):
        m = self.matrix([nop(depth=[1, 2, 3, 4, 5, 6])], repeats=2)
        a, b, c = (self.run_it(m, "--dry-run", "--seed", s).stdout for s in ("5", "5", "6"))
        self.assertEqual(a, b)
        self.assertNotEqual(a, c)

    def test_open_loop_reports_intended_time(self):
        p = self.run_it(self.matrix([nop(rate=2000, arrival=["fixed", "poisson"])],
                                    duration="300ms"), "-o", self.out)
        self.assertEqual(p.returncode, 0, p.stderr)
        for r in self.records():
            self.assertIn("lateness_p99", r["metrics"])
            self.assertNotIn("little", r)
            loop = r["open_loop"]
            self.assertEqual(loop["offered"], loop["started"] + loop["backlog"])
            self.assertAlmostEqual(r["metrics"]["throughput"]["value"], 2000, delta=400)

    def test_placement_is_kept(self):
        p = self.run_it(self.matrix([nop(cpus={"driver": "0"}, threads=2)]), "-o", self.out)
        self.assertEqual(p.returncode, 0, p.stderr)
        r = self.records()[0]
        window = r["window"]["end_ns"] - r["window"]["begin_ns"]
        self.assertEqual(r["cell"]["axes"]["cpus"]["driver"], "0")
        # Two spinning lanes on one CPU cannot use more than one CPU.
        self.assertLess(r["usage"]["driver"]["cpu_ns"], 1.3 * window)


class SickTargets(Case):
    def one(self, fault, **top):
        m = self.matrix([nop(with_={"fault": fault}), nop(depth=2)], order="sequential", **top)
        p = self.run_it(m, "-o", self.out)
        self.assertEqual(p.returncode, 3, p.stderr)
        recs = self.records()
        self.assertEqual(len(recs), 2)
        self.assertEqual(recs[1]["status"], "ok", "the matrix goes on")
        return recs[0], p

    def test_hang_is_stalled_and_says_where(self):
        r, p = self.one("hang", deadline="500ms")
        self.assertEqual(r["status"], "stalled")
        self.assertIn("driver/0 in pause", r["reason"])
        lane = [t for t in r["stall"] if t["role"] == "driver"]
        self.assertEqual(len(lane), 1)
        self.assertEqual(lane[0]["state"], "S")
        if os.geteuid() == 0:
            self.assertTrue(any("pause" in f for f in lane[0]["stack"]), lane[0]["stack"])
        self.assertIn("stalled", p.stdout)

    def test_crash_names_the_signal(self):
        self.assertIn("SIGSEGV", self.one("crash")[0]["reason"])

    def test_error_names_the_errno(self):
        r, _ = self.one("error")
        self.assertEqual(r["status"], "failed")
        self.assertIn("Input/output error", r["reason"])

    def test_leaked_descriptors(self):
        r, _ = self.one("leak-fd")
        self.assertEqual(r["status"], "failed")
        self.assertIn("Too many open files", r["reason"])


class Protocol(Case):
    """The child, spoken to as another build of the parent would."""

    def child(self, request, window_fd=-1):
        with tempfile.TemporaryFile() as ask, tempfile.TemporaryFile() as answer:
            ask.write(request if isinstance(request, bytes) else json.dumps(request).encode())
            ask.seek(0)

            def place():
                os.dup2(ask.fileno(), 103)
                os.dup2(answer.fileno(), 104)
                if window_fd >= 0:
                    os.dup2(window_fd, 105)
                os.dup2(103, 3)
                os.dup2(104, 4)
                os.closerange(5, 6)
                if window_fd >= 0:
                    os.dup2(105, 5)

            p = subprocess.run([UHBENCH, "child"], preexec_fn=place, close_fds=False,
                               capture_output=True, text=True, timeout=30)
            answer.seek(0)
            text = answer.read()
            return p, json.loads(text) if text else None

    def request(self, **more):
        return {"protocol": 2, "cell": nop(), "seed": "1", "warmup_ns": 0,
                "duration_ns": 10_000_000, "workdir": self.dir, "sessiondir": self.dir,
                "pad_iters_per_ns": 1.0, **more}

    def test_good_request(self):
        p, answer = self.child(self.request())
        self.assertEqual((p.returncode, answer["protocol"], answer["status"]), (0, 2, "ok"))

    def test_window(self):
        """Who drives the load says when, in the page that the request tells of."""
        page = os.memfd_create("window")
        self.addCleanup(os.close, page)
        os.ftruncate(page, 4096)
        request = self.request(window=True, warmup_ns=20_000_000)
        p, answer = self.child(request, page)
        self.assertEqual((p.returncode, answer["status"]), (0, "ok"), answer["reason"])
        start, begin, end = struct.unpack("QQQ", os.pread(page, 24, 0))
        off = answer["window"].pop("usage_off_ns")
        self.assertEqual(answer["window"], {"begin_ns": begin, "end_ns": end})
        self.assertGreater(off, 0)
        self.assertEqual((begin - start, end - begin), (20_000_000, 10_000_000))

        os.pwrite(page, bytes(24), 0)
        p, answer = self.child(self.request(), page)
        self.assertEqual(answer["status"], "ok")
        self.assertEqual(os.pread(page, 24, 0), bytes(24), "nobody asked for it")

        p, answer = self.child(request)
        self.assertEqual(answer["status"], "failed")
        self.assertIn("the page with the window: Bad file descriptor", answer["reason"])

    def test_bad_requests(self):
        for request, says in ((self.request(protocol=1), "protocol 1"),
                              (self.request(protocol=None), "protocol 0"),
                              (self.request(workdir=5), "lacks a part"),
                              (self.request(cell={"workload": "nop"}), "target"),
                              (self.request(cell=nop(depth=0)), "depth")):
            p, answer = self.child(request)
            self.assertEqual(answer["status"], "failed", request)
            self.assertIn(says, answer["reason"])

    def test_no_request(self):
        p, answer = self.child(b"")
        self.assertEqual(p.returncode, 3)
        self.assertIsNone(answer)
        self.assertIn("not JSON", p.stderr)

    def test_started_by_hand(self):
        p = subprocess.run([UHBENCH, "child"], capture_output=True, text=True, timeout=30,
                           stdin=subprocess.DEVNULL)
        self.assertEqual(p.returncode, 2)
        self.assertIn("session", p.stderr)


class Interruption(Case):
    def cells(self):
        return self.matrix([nop(depth=[1, 2, 3, 4])], repeats=3, duration="200ms")

    def resume_and_check(self, m, kept):
        p = self.run_it(m, "--resume", self.out)
        self.assertEqual(p.returncode, 0, p.stderr)
        recs = self.records()
        keys = [(r["cell"]["id"], r["repeat"]) for r in recs]
        self.assertEqual(len(keys), 12)
        self.assertEqual(len(set(keys)), 12)
        self.assertEqual(keys[:len(kept)], kept, "nothing is run twice")

    def kept(self):
        with open(os.path.join(self.out, "runs.jsonl")) as f:
            return [json.loads(line) for line in f if line.endswith("\n")]

    def lines(self):
        try:
            return len(self.kept())
        except FileNotFoundError:
            return 0

    def test_sigint_ends_cleanly_and_resume_completes(self):
        m = self.cells()
        p = self.start(m, "-o", self.out)
        self.wait_for(lambda: self.lines() >= 2)
        p.send_signal(signal.SIGINT)
        out, err = p.communicate(timeout=20)
        self.assertEqual(p.returncode, 130, err)
        self.assertRegex(out, r"null +.*[1-3]/[1-3]", "what was measured is shown")
        self.assertFalse(self.workdirs())
        kept = [(r["cell"]["id"], r["repeat"]) for r in self.kept()]
        self.assertLess(len(kept), 12)
        self.resume_and_check(m, kept)

    @staticmethod
    def processes():
        found = set()
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as f:
                    if f.read().split(b"\0")[:2] == [b"uhbench", b"child"]:
                        found.add(int(pid))
            except (FileNotFoundError, ProcessLookupError):
                pass
        return found

    def test_sigkill_leaves_nothing(self):
        m = self.cells()
        before = self.processes()
        p = self.start(m, "-o", self.out)
        self.wait_for(lambda: self.lines() >= 2 and self.processes() - before)
        p.kill()
        p.communicate(timeout=20)
        self.wait_for(lambda: not self.processes() - before, seconds=2)
        kept = [(r["cell"]["id"], r["repeat"]) for r in self.kept()]
        self.assertTrue(self.workdirs())
        # The next start, of whatever session, removes what was left.
        other = os.path.join(self.dir, "other")
        q = self.run_it(self.matrix([nop()], name="other"), "-o", other)
        self.assertEqual(q.returncode, 0, q.stderr)
        self.assertIn("removed", q.stderr)
        self.assertFalse(self.workdirs())
        self.resume_and_check(m, kept)

    def test_a_parent_that_was_stopped_is_no_stall(self):
        m = self.matrix([nop()], duration="300ms", deadline="1s")
        p = self.start(m, "-o", self.out)
        self.wait_for(self.processes)
        p.send_signal(signal.SIGSTOP)
        time.sleep(1.5)
        p.send_signal(signal.SIGCONT)
        _, err = p.communicate(timeout=20)
        self.assertEqual(p.returncode, 0, err)
        self.assertEqual(self.records()[0]["status"], "ok")

    def test_two_at_once_are_refused(self):
        p = self.start(self.cells(), "-o", self.out)
        self.wait_for(lambda: self.lines() >= 1)
        second = self.run_it(self.matrix([nop()], name="two"), "-o", self.out + "2")
        self.assertEqual(second.returncode, 5, second.stderr)
        self.assertIn(str(p.pid), second.stderr)
        self.assertFalse(os.path.exists(self.out + "2"))
        allowed = self.run_it(self.matrix([nop()], name="two"), "-o", self.out + "3",
                              "--concurrent")
        self.assertEqual(allowed.returncode, 0, allowed.stderr)
        _, err = p.communicate(timeout=60)
        self.assertEqual(p.returncode, 0, err)

    def test_who_shares_keeps_away_who_does_not(self):
        p = self.start(self.cells(), "-o", self.out, "--concurrent")
        self.wait_for(lambda: self.lines() >= 1)
        alone = self.run_it(self.matrix([nop()], name="two"), "-o", self.out + "2")
        self.assertEqual(alone.returncode, 5, alone.stderr)
        p.communicate(timeout=60)


class ResultsFolder(Case):
    def test_existing_session_needs_resume(self):
        m = self.matrix([nop()])
        self.assertEqual(self.run_it(m, "-o", self.out).returncode, 0)
        p = self.run_it(m, "-o", self.out)
        self.assertEqual(p.returncode, 2)
        self.assertIn("--resume", p.stderr)
        self.assertEqual(len(self.records()), 1)

    def test_resume_refuses_another_matrix(self):
        self.assertEqual(self.run_it(self.matrix([nop()]), "-o", self.out).returncode, 0)
        for cells, args, says in (([nop(depth=9)], (), "another matrix"),
                                  ([nop()], ("--seed", "99"), "seed"),
                                  ([nop()], ("--repeats", "4"), "runs")):
            p = self.run_it(self.matrix(cells, name="b"), "--resume", self.out, *args)
            self.assertEqual(p.returncode, 2, p.stderr)
            self.assertIn(says, p.stderr)
        self.assertEqual(len(self.records()), 1)

    def test_what_lies_in_the_folder_is_kept(self):
        os.makedirs(os.path.join(self.out, "work"))
        precious = os.path.join(self.out, "work", "file")
        with open(precious, "w") as f:
            f.write("precious")
        self.assertEqual(self.run_it(self.matrix([nop()]), "-o", self.out).returncode, 0)
        self.assertTrue(os.path.exists(precious))
        foreign = os.path.join(self.dir, "foreign")
        os.mkdir(foreign)
        with open(os.path.join(foreign, "manifest.json"), "w") as f:
            f.write("mine")
        p = self.run_it(self.matrix([nop()]), "-o", foreign)
        self.assertEqual(p.returncode, 2, p.stderr)
        with open(os.path.join(foreign, "manifest.json")) as f:
            self.assertEqual(f.read(), "mine")

    def test_resume_keeps_seed_repeats_and_choice(self):
        m = self.matrix([nop(depth=[1, 2, 3])])
        p = self.run_it(m, "-o", self.out, "--seed", "9", "--repeats", "2", "--only", "*depth=2")
        self.assertEqual(p.returncode, 0, p.stderr)
        with open(os.path.join(self.out, "runs.jsonl"), "r+") as f:
            f.readline()
            rest = f.readlines()
            f.seek(0)
            f.writelines(rest)
            f.truncate()
        p = self.run_it(m, "--resume", self.out)
        self.assertEqual(p.returncode, 0, p.stderr)
        self.assertEqual(sorted(r["repeat"] for r in self.records()), [0, 1])

    def test_resume_after_a_failure_fails_still(self):
        m = self.matrix([nop(with_={"fault": "error"})], repeats=2)
        self.assertEqual(self.run_it(m, "-o", self.out).returncode, 3)
        self.assertEqual(self.run_it(m, "--resume", self.out).returncode, 3)

    def test_resume_with_another_build_is_refused(self):
        m = self.matrix([nop()])
        self.assertEqual(self.run_it(m, "-o", self.out).returncode, 0)
        path = os.path.join(self.out, "manifest.json")
        with open(path) as f:
            manifest = json.load(f)
        manifest["host"]["kernel"] = "4.4.0"
        with open(path, "w") as f:
            json.dump(manifest, f)
        p = self.run_it(m, "--resume", self.out)
        self.assertEqual(p.returncode, 2, p.stderr)
        self.assertIn("4.4.0", p.stderr)

    def test_resume_of_no_session(self):
        p = self.run_it(self.matrix([nop()]), "--resume", self.dir)
        self.assertEqual(p.returncode, 2)
        self.assertIn("not a results folder", p.stderr)

    def test_not_writable(self):
        plain = os.path.join(self.dir, "file")
        open(plain, "w").close()
        for bad in (os.path.join(plain, "x"), "/proc/uhbench-results"):
            p = self.run_it(self.matrix([nop()]), "-o", bad)
            self.assertEqual(p.returncode, 3, p.stderr)
            self.assertIn(bad, p.stderr)

    def test_full_disk_keeps_earlier_records(self):
        if os.geteuid():
            self.skipTest("mounting a small tmpfs needs root")
        os.mkdir(self.out)
        m = self.matrix([nop(depth=[1, 2, 3, 4, 5, 6])], repeats=20)
        script = 'mount -t tmpfs -o size=160k none "$1" && "$2" run "$3" -o "$1/s"; ' \
                 'code=$?; cp "$1/s/runs.jsonl" "$4"; exit $code'
        copy = os.path.join(self.dir, "copy")
        os.mkdir(copy)
        p = subprocess.run(["unshare", "-m", "sh", "-c", script, "sh", self.out, UHBENCH, m,
                            copy], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                           timeout=120)
        self.assertEqual(p.returncode, 3, p.stderr)
        self.assertIn("No space left", p.stderr)
        recs = self.records(copy)
        self.assertGreater(len(recs), 2)
        self.assertTrue(all(r["status"] == "ok" for r in recs))


class Privileges(Case):
    def setUp(self):
        super().setUp()
        if os.geteuid():
            self.skipTest("dropping privileges needs root")
        os.chmod(self.dir, 0o777)

    def test_without_root(self):
        prefix = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        env = {**os.environ, "HOME": self.dir, "XDG_RUNTIME_DIR": ""}
        reachable = subprocess.run([*prefix, UHBENCH, "--version"], capture_output=True)
        if reachable.returncode:
            self.skipTest("the build folder cannot be read by another user")
        p = self.run_it(self.matrix([nop()]), "-o", self.out, prefix=prefix, env=env)
        self.assertEqual(p.returncode, 0, p.stderr)
        r = self.records()[0]
        self.assertEqual(r["status"], "ok")
        self.assertIn("pid_namespace", r["isolation"])

    def test_without_pid_namespaces(self):
        script = 'echo 0 >/proc/sys/user/max_pid_namespaces && exec "$0" run "$1" -o "$2"'
        p = subprocess.run(["unshare", "-Ur", "sh", "-c", script, UHBENCH,
                            self.matrix([nop(), nop(with_={"fault": "hang"})],
                                        deadline="500ms"), self.out],
                           stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
        self.assertEqual(p.returncode, 3, p.stderr)
        for r in self.records():
            self.assertIn("refused", r["isolation"]["pid_namespace"])

    def test_without_network_namespaces(self):
        script = 'echo 0 >/proc/sys/user/max_net_namespaces && exec "$0" run "$1" -o "$2"'
        cells = [{"workload": "udp", "target": "sendto", "with": {"link": ["loopback", "veth"]}},
                 {"workload": "netlink", "target": "recvmsg"}]
        for more, code in (([nop()], 0), ([], 77)):
            out = self.out + str(code)
            p = subprocess.run(["unshare", "-Ur", "sh", "-c", script, UHBENCH,
                                self.matrix(cells + more), out],
                               stdin=subprocess.DEVNULL, capture_output=True, text=True,
                               timeout=60)
            self.assertEqual(p.returncode, code, p.stderr)
            for r in self.records(out):
                if r["cell"]["workload"] == "nop":
                    self.assertEqual(r["status"], "ok")
                    continue
                self.assertEqual(r["status"], "skipped")
                self.assertIn("max_net_namespaces", r["reason"])


if __name__ == "__main__":
    UHBENCH = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=2)

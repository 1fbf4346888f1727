#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""command end to end: programs that do what they should, and every way in which one may not.

Usage: test_command.py UHBENCH

No figure of speed is judged that the machine has a part in, so that others may measure at the same
time. What programs do is decided by their arguments and told in files, never by how long something
takes, but for time-outs that are far from each other.
"""
import json
import os
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest

UHBENCH = None
PYTHON = f"{shlex.quote(os.path.realpath(sys.executable))} -I -S -u -c "


def python(text):
    return PYTHON + shlex.quote(text)


def shell(text):
    return "sh -c " + shlex.quote(text)


TELL = """
import json, sys, time
def tell(**what): print(json.dumps(what))
"""


class Case(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="uhbench-command-")
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)
        self.n = 0

    def call(self, *cells, top=None, verb="run", options=()):
        path = os.path.join(self.dir, "matrix.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"warmup": "50ms", "duration": "300ms", "repeats": 1} | (top or {}) |
                      {"cells": [{"workload": "command"} | cell for cell in cells]}, file)
        self.n += 1
        self.out = os.path.join(self.dir, f"out{self.n}")
        words = [UHBENCH, verb, path]
        if verb == "run":
            words += ["-o", self.out, "--concurrent", *options]
        return subprocess.run(words, text=True, stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=200, check=False, cwd=self.dir)

    def records(self, *cells, code=0, **more):
        done = self.call(*cells, **more)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        with open(os.path.join(self.out, "runs.jsonl"), encoding="utf-8") as file:
            return [json.loads(line) for line in file]

    def ok(self, target, knobs, **more):
        cell = {"target": target, "with": knobs} | more.pop("cell", {})
        record, = self.records(cell, **more)
        self.assertEqual(record["status"], "ok", record["reason"])
        return record

    def fails(self, target, knobs, *words, status="failed", **more):
        cell = {"target": target, "with": knobs} | more.pop("cell", {})
        record, = self.records(cell, code=3, **more)
        self.assertEqual(record["status"], status, record["reason"])
        for word in words:
            self.assertIn(word, record["reason"])
        return record

    def each_fails(self, target, *rows, **more):
        """One session with a cell for each of the rows: (knobs, words of the reason...)."""
        records = self.records(*({"target": target, "with": row[0]} for row in rows), code=3,
                               **more)
        for knobs, *words in rows:
            record, = (r for r in records if knobs.items() <= r["cell"]["knobs"].items())
            self.assertEqual(record["status"], "failed", record["reason"])
            for word in words:
                self.assertIn(word, record["reason"])

    def refused(self, target, knobs, *words, **cell):
        done = self.call({"target": target, "with": knobs} | cell, verb="validate")
        self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)

    def no_process(self, mark):
        """Nobody is left whose command line has the mark; what was killed may take a moment."""
        for _ in range(200):
            left = []
            for pid in filter(str.isdigit, os.listdir("/proc")):
                try:
                    with open(f"/proc/{pid}/cmdline", "rb") as file:
                        if mark.encode() in file.read() and int(pid) != os.getpid():
                            left.append(pid)
                except OSError:
                    pass
            if not left:
                return
            time.sleep(0.05)
        self.fail(f"left: {left}")


def value(record, metric):
    return record["metrics"][metric]["value"]


class Repeat(Case):
    def test_an_operation_is_an_execution(self):
        r = self.ok("repeat", {"run": "true"}, cell={"threads": 2, "depth": 2})
        self.assertGreater(value(r, "throughput"), 0)
        self.assertEqual(r["histograms"]["service"]["count"],
                         round(value(r, "throughput") * 0.3))
        self.assertGreater(value(r, "latency_mean"), 0)
        target = r["usage"]["target"]
        self.assertGreater(target["programs"], 0)
        self.assertGreater(target["cpu_ns"], 0)
        self.assertIsNone(target["run_queue_ns"])
        self.assertGreaterEqual(value(r, "cpu_per_op") * r["histograms"]["service"]["count"],
                                target["cpu_ns"])
        # Its ratio is good on an idle machine only; how many go on at a time is known on any.
        self.assertGreater(r["little"]["throughput"], 0)
        self.assertEqual(r["little"]["nominal"], 4)
        self.assertLessEqual(r["little"]["in_flight"], 4)

    def test_rate(self):
        r = self.ok("repeat", {"run": "true"}, cell={"rate": 20, "depth": 8})
        self.assertIn("intended_p50", r["metrics"])
        self.assertLessEqual(r["open_loop"]["started"], 8)

    def test_values_are_filled_in_and_never_split(self):
        out = os.path.join(self.dir, "told")
        self.ok("repeat", {
            "run": f"sh -c 'echo \"$@\" > {out}; pwd >> {out}; echo $A,$B >> {out}' x ${{threads}} "
                   "${depth} ${batch} ${payload} ${rate} ${duration} ${warmup} ${duration_ms} "
                   "${warmup_ms} \\${seed} \"${bin}\"",
            "bin": "/a b/c", "env": "A=${depth} B='x y'"},
            cell={"depth": 2, "batch": 1, "payload": "4k", "rate": 100})
        with open(out, encoding="utf-8") as file:
            words, cwd, env = file.read().splitlines()
        self.assertEqual(words, "1 2 1 4096 100 0.3 0.05 300 50 ${seed} /a b/c")
        self.assertIn("/run-0", cwd)
        self.assertEqual(env, "2,x y")

    def test_folders(self):
        out = os.path.join(self.dir, "told")
        os.mkdir(os.path.join(self.dir, "there"))
        with open(os.path.join(self.dir, "there", "script"), "w", encoding="utf-8") as file:
            file.write(f"#!/bin/sh\npwd > {out}; echo $1 >> {out}\n")
        os.chmod(file.name, 0o755)
        self.ok("repeat", {"run": "there/script ${startdir}", "cwd": "there"})
        with open(out, encoding="utf-8") as file:
            self.assertEqual(file.read().splitlines(),
                             [os.path.join(self.dir, "there"), self.dir])

    def test_told_metrics(self):
        r = self.ok("repeat", {"run": python(
            TELL + "tell(metric='hits', value=40, unit='%', better='higher')\n"
            "tell(operations=10); print('{no json'); print('word')")})
        self.assertEqual(r["metrics"]["hits"], {"value": 40, "unit": "%", "better": "higher"})
        self.assertGreater(value(r, "operation_rate"), 0)
        self.assertIn("no JSON", " ".join(r["notes"]))

    def test_server(self):
        path = os.path.join(self.dir, "sock")
        server = python("import socket\ns = socket.socket(socket.AF_UNIX)\n"
                        f"s.bind({path!r}); s.listen(64)\n"
                        "while True: s.accept()[0].sendall(b'x')")
        client = python("import socket\ns = socket.socket(socket.AF_UNIX)\n"
                        f"s.connect({path!r})\nassert s.recv(1) == b'x'")
        r = self.ok("repeat", {"server": server, "ready": f"path:{path}", "run": client},
                    top={"duration": "1s"})
        self.assertGreater(value(r, "throughput"), 0)
        self.assertGreater(r["usage"]["driver"]["programs"], 0)
        self.assertNotIn("programs", r["usage"]["target"])
        self.assertEqual([p["role"] for p in r["processes"]], ["target"])

    def test_server_dies(self):
        self.fails("repeat", {"server": shell("sleep 0.2; echo gone >&2; kill -9 $$"),
                              "run": "true"}, "before the run was over", "SIGKILL", "gone")

    def test_fails(self):
        self.each_fails("repeat",
                        ({"run": shell("echo oh dear >&2; exit 3")}, "status 3", "oh dear"),
                        ({"run": shell("kill -SEGV $$")}, "SIGSEGV"))
        r = self.fails("repeat", {"run": shell("printf 'a\\001\\377\"b\\nlast'; exit 1")},
                       "a''\'b|last")
        self.assertNotIn("\x01", r["reason"])

    def test_hangs(self):
        self.fails("repeat", {"run": shell("echo waiting; exec sleep 1000"), "timeout": "300ms"},
                   "did not end within 0.3 s", "waiting")
        self.no_process("sleep\x001000")

    def test_stalls_by_the_deadline(self):
        r = self.fails("repeat", {"run": shell("trap '' TERM; sleep 1001")},
                       status="stalled", top={"deadline": "1500ms"})
        self.assertIn("process", {t["role"] for t in r["stall"]})
        self.no_process("sleep\x001001")

    def test_leaves_children(self):
        r = self.ok("repeat", {"run": shell("sleep 1002 & exit 0")})
        self.assertIn("left behind", " ".join(r["notes"]))
        r = self.ok("repeat", {"run": shell("setsid sleep 1002 & exit 0")})
        self.assertIn("left behind", " ".join(r["notes"]))
        self.no_process("sleep\x001002")

    def test_leaves_a_child_that_holds_stdout(self):
        r = self.ok("repeat", {"run": shell("(trap '' HUP TERM; sleep 1003) & echo done")})
        self.assertGreater(value(r, "throughput"), 0)

    def test_floods(self):
        r = self.ok("repeat", {"run": "head -c 3000000 /dev/zero"}, top={"duration": "1s"})
        self.assertGreater(value(r, "throughput"), 0)
        r = self.ok("repeat", {"run": shell("yes '{' | head -n 100000")}, top={"duration": "2s"})
        self.assertIn("no JSON", " ".join(r["notes"]))

    def test_tells_nonsense(self):
        told = {'{"operations": -5}': "operations", '{"metric": "x"}': "missing",
                '{"metric": "latency_p99", "value": 1, "unit": "ns"}': "measured"}
        self.each_fails("repeat", *(({"run": "echo " + shlex.quote(line)}, word)
                                    for line, word in told.items()))

    def test_no_such_program(self):
        text = os.path.join(self.dir, "text")
        with open(text, "w", encoding="utf-8") as file:
            file.write("just text\n")
        executable = shutil.copy(text, text + ".x")
        os.chmod(executable, 0o755)
        self.each_fails("repeat",
                        ({"run": "no-such-program-here"}, "run: ", "in $PATH"),
                        ({"run": "./nowhere"}, "run: there is no program", self.dir),
                        ({"run": text}, "run: ", "may be executed"),
                        ({"run": self.dir}, "run: ", "may be executed"),
                        ({"run": "${bin}"}, "run: ", "the knob `bin`"),
                        ({"run": executable}, "#!"),
                        ({"run": "true", "cwd": "/nowhere"}, "cwd", "/nowhere"))

    def test_probes_tell_the_role(self):
        if os.geteuid():
            self.skipTest("probes need root")
        run = shell("for i in 1 2 3; do (exec sleep 0.01) & done; wait")
        plain, probed = sorted(self.records({"target": "repeat", "with": {"run": run},
                                             "probes": "syscalls"}), key=lambda r: r["probed"])
        if probed["probes"]["syscalls"]["status"] != "ok":
            self.skipTest(probed["probes"]["syscalls"]["reason"])
        calls = {(c["role"], c["syscall"]) for c in probed["probes"]["syscalls"]["calls"]}
        self.assertIn(("target", "clock_nanosleep"), calls)  # children of the execution
        self.assertEqual(plain["status"], "ok")


class Once(Case):
    # 100 operations every 10 ms, whatever the machine makes of it
    STEADY = TELL + """
n = 0
while True:
    time.sleep(0.01); n += 1; tell(operations=100)
    if n == 3: tell(metric='hits', value=1)
"""

    def test_operations_are_told(self):
        r = self.ok("once", {"run": python(self.STEADY)}, cell={"threads": 4, "depth": 8})
        self.assertGreater(value(r, "throughput"), 0)
        self.assertLessEqual(value(r, "throughput"), 10001)
        self.assertEqual(value(r, "hits"), 1)
        self.assertGreater(r["verify"]["operations"], 0)
        self.assertNotIn("little", r)
        self.assertIsNone(value(r, "latency_p50"))
        self.assertEqual(r["usage"]["driver"]["threads"], 1)
        self.assertEqual(r["cell"]["axes"]["threads"], 4)
        self.assertGreater(r["usage"]["target"]["cpu_ns"], 0)
        self.assertEqual([p["role"] for p in r["processes"]], ["target"])
        self.assertAlmostEqual(sum(r["series"]["ops"]), r["verify"]["operations"], delta=50)

    def test_a_benchmark_that_ends_by_itself(self):
        r = self.ok("once", {"run": python(
            TELL + "time.sleep(float(sys.argv[1]) + float(sys.argv[2]))\n"
            "tell(operations=1000)\n"
            "tell(metric='latency_p99', value=5000, unit='ns')") + " ${warmup} ${duration}"})
        # 1000 operations in 0.35 s and what Python takes to start
        self.assertGreater(value(r, "throughput"), 0)
        self.assertLessEqual(value(r, "throughput"), 1000 / 0.35)
        self.assertEqual(value(r, "latency_p99"), 5000)

    def test_tells_its_rate_itself(self):
        r = self.ok("once", {"run": python(
            TELL + "tell(metric='throughput', value=77, unit='1/s'); time.sleep(1000)")})
        self.assertEqual(value(r, "throughput"), 77)

    def test_tells_its_rate_and_its_operations(self):
        r = self.ok("once", {"run": python(
            TELL + "tell(metric='throughput', value=77, unit='1/s')\n"
            "while True: time.sleep(0.01); tell(operations=100)")})
        self.assertEqual(value(r, "throughput"), 77)
        self.assertGreater(r["verify"]["operations"], 77)

    def test_tells_when_asked_to_end(self):
        r = self.ok("once", {"stop": "USR1", "run": python(
            "import signal\n" + TELL +
            "def end(*_):\n  tell(metric='sum', value=3); sys.exit(0)\n"
            "signal.signal(signal.SIGUSR1, end); print('up')\n"
            "while True: time.sleep(1000)"), "ready": "line:^up$"})
        self.assertEqual(value(r, "sum"), 3)
        self.assertIsNone(value(r, "throughput"))
        self.assertEqual(r["notes"], [])

    def test_falls_silent(self):
        silent = self.ok("once", {"run": python(
            TELL + "for i in range(5): time.sleep(0.02); tell(operations=100)\n"
            "time.sleep(1000)")}, top={"warmup": "0", "duration": "1s"})
        self.assertLessEqual(value(silent, "throughput"), 500)

    def test_what_ends_early_was_not_fast(self):
        """A program that works for a moment and ends well did little, not much in little time."""
        work = ("import sys\nfor i in range(10): time.sleep(0.02); tell(operations=100%s)\n"
                "sys.exit(0)")
        early = self.ok("once", {"run": python(TELL + work % "")},
                        top={"warmup": "0", "duration": "2s"})
        self.assertLessEqual(value(early, "throughput"), 500)
        self.assertEqual(early["notes"], [])
        self.each_fails("once",
                        ({"run": python(TELL + work % "") + " ${duration}"}, "% of the window"),
                        ({"run": python(TELL + work % ", seconds=0.02")}, "% of the window"),
                        top={"warmup": "0", "duration": "2s"})

    def test_ready(self):
        path = os.path.join(self.dir, "up")
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        up = {"path:${workdir}/up": "open('up', 'w')",
              "path:up": "open('up', 'w')",
              f"path:{path}": f"open({path!r}, 'w')",
              f"tcp:127.0.0.1:{port}":
                  "s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)\n"
                  f"s.bind(('127.0.0.1', {port})); s.listen(9)",
              f"udp::{port}": f"u.bind(('127.0.0.1', {port}))",
              "line:^up [0-9]+$": "print('up 17')"}
        stamps = {ready: os.path.join(self.dir, f"stamp{i}") for i, ready in enumerate(up)}
        records = self.records(*({"target": "once", "with": {"ready": ready, "run": python(
            "import socket, time\ns = socket.socket()\n"
            "u = socket.socket(type=socket.SOCK_DGRAM)\ntime.sleep(0.2)\n"
            f"open({stamps[ready]!r}, 'w').write(str(time.monotonic_ns()))\n"
            f"{action}\ntime.sleep(1000)")}} for ready, action in up.items()))
        self.assertEqual(len(records), len(up))
        for r in records:
            self.assertEqual(r["status"], "ok", r["reason"])
            with open(stamps[r["cell"]["knobs"]["ready"]], encoding="utf-8") as file:
                self.assertGreater(r["window"]["begin_ns"], int(file.read()))

    def test_ready_is_its_own_doing(self):
        """What another listens on, or left behind, tells nothing of the program."""
        path = os.path.join(self.dir, "stale")
        with open(path, "w", encoding="utf-8"):
            pass
        with socket.socket() as s, socket.socket(type=socket.SOCK_DGRAM) as u:
            s.bind(("127.0.0.1", 0))
            s.listen(64)
            u.bind(("127.0.0.1", 0))
            tcp, udp = (f"{kind}:127.0.0.1:{x.getsockname()[1]}"
                        for kind, x in (("tcp", s), ("udp", u)))
            for ready, word in ((tcp, "somebody answers"), (udp, "somebody answers"),
                                (f"path:{path}", "was there before")):
                self.fails("repeat", {"server": "sleep 1007", "run": "sleep 0.01", "ready": ready,
                                      "ready_timeout": "300ms"}, word)
            self.fails("once", {"run": "sleep 1007", "ready": tcp}, "somebody answers")
        self.no_process("sleep\x001007")
        # Made or written anew, it is.
        for again in f"touch {path}", f"rm {path}; sleep 0.1; touch {path}":
            self.ok("once", {"run": shell(f"sleep 0.1; {again}; exec sleep 1000"),
                             "ready": f"path:{path}"})

    def test_a_socket_that_meets_itself_is_no_answer(self):
        """In a range of so few ports, one that asks is soon given the one that it asks for."""
        if os.geteuid():
            self.skipTest("a network of its own needs root")
        matrix = os.path.join(self.dir, "matrix.json")
        with open(matrix, "w", encoding="utf-8") as file:
            json.dump({"warmup": "0", "duration": "100ms", "repeats": 1, "cells": [
                {"workload": "command", "target": "once", "with": {
                    "run": "sleep 1008", "ready": "tcp:127.0.0.1:40004",
                    "ready_timeout": "3s"}}]}, file)
        done = subprocess.run(
            ["unshare", "-n", "sh", "-ec", "ip link set lo up; echo 40000 40015 > "
             "/proc/sys/net/ipv4/ip_local_port_range; exec \"$@\"", "x", UHBENCH, "run", matrix,
             "-o", os.path.join(self.dir, "out"), "--concurrent"], text=True, timeout=200,
            stdin=subprocess.DEVNULL, capture_output=True, check=False)
        self.assertEqual(done.returncode, 3, done.stdout + done.stderr)
        self.assertIn("not ready", done.stdout + done.stderr)

    def test_is_never_ready(self):
        self.fails("once", {"run": shell("echo still loading; exec sleep 1004"),
                            "ready": "line:^up$", "ready_timeout": "300ms"},
                   "not ready (line:^up$) within 0.3 s", "still loading")
        self.no_process("sleep\x001004")
        self.each_fails("once",
                        ({"run": shell("echo no port >&2; exit 4"), "ready": "tcp::9"},
                         "before it was ready", "status 4", "no port"),
                        ({"run": "true", "ready": "line:x"}, "before it was ready", "ended"))

    def test_dies_early(self):
        self.each_fails("once",
                        ({"run": shell("sleep 0.15; echo sick >&2; exit 9")},
                         "before the window was over", "status 9", "sick"),
                        ({"run": shell("sleep 0.15; kill -ABRT $$")}, "SIGABRT"),
                        ({"run": "true"}, "before the window began", "${duration}"),
                        ({"run": shell("setsid sleep 1005 & exit 0")}, "before the window began"),
                        top={"warmup": "1s"})
        self.no_process("sleep\x001005")

    def test_ignores_the_signal(self):
        r = self.ok("once", {"run": python(
            "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('up')\n"
            "while True: time.sleep(1006)"), "ready": "line:up", "stop_timeout": "200ms"})
        self.assertIn("was killed", " ".join(r["notes"]))
        self.no_process("time.sleep(1006)")

    def test_crashes_when_asked_to_end(self):
        self.fails("once", {"run": python(
            "import os, signal, time\nsignal.signal(signal.SIGTERM, lambda *_: os.abort())\n"
            "print('up')\nwhile True: time.sleep(1000)"), "ready": "line:up"}, "SIGABRT")

    def test_a_namespace_of_its_own(self):
        """In there ids begin at 1 again: the run's own processes have those, too."""
        if os.geteuid():
            self.skipTest("a PID namespace needs root")
        inner = shlex.quote("sleep 1009 & wait")
        for _ in range(2):
            r = self.ok("once", {"run": shell(f"setsid unshare -pf sh -c {inner} & exec sleep 9")},
                        top={"duration": "200ms"})
            self.assertIn("left behind", " ".join(r["notes"]))
        self.no_process("sleep\x001009")

    def test_fails_when_asked_to_end(self):
        """What it finds out at its end may be that it lost data; 128 + signal is a shell's way."""
        wait = "echo up; while :; do sleep 0.01; done"
        up = {"ready": "line:up"}
        self.each_fails("once",
                        (up | {"run": shell(f"trap 'echo lost 7 >&2; exit 1' TERM; {wait}")},
                         "status 1", "lost 7"),
                        (up | {"run": shell(f"trap 'kill -KILL $$' TERM; {wait}")}, "SIGKILL"),
                        (up | {"server": shell(f"trap 'exit 2' TERM; {wait}"), "run": "sleep 9"},
                         "the server", "status 2"))
        r = self.ok("once", up | {"run": shell(f"trap 'exit 143' TERM; {wait}")})
        self.assertEqual(r["notes"], [])

    def test_the_tree_is_accounted(self):
        r = self.ok("once", {"run": shell("(while :; do :; done) & (while :; do :; done) & wait")})
        self.assertEqual(r["usage"]["target"]["threads"], 3)
        self.assertEqual(r["processes"][0]["threads"], 3)
        self.assertGreater(r["usage"]["target"]["cpu_ns"], 10_000_000)

    def test_children_that_ended_are_accounted(self):
        r = self.ok("once", {"run": shell("while :; do i=0; (while [ $i -lt 20000 ]; do i=$((i+1)); "
                                          "done); done")}, top={"duration": "1s"})
        self.assertGreater(r["usage"]["ended"]["cpu_ns"], 10_000_000)

    def test_floods(self):
        r = self.ok("once", {"run": shell("yes & yes >&2")})
        self.assertEqual(r["status"], "ok")
        r = self.ok("once", {"run": shell("yes '{\"operations\": 1}'")})
        self.assertGreater(value(r, "throughput"), 1000)

    def test_tells_nonsense(self):
        self.fails("once", {"run": shell("echo '{\"operations\": \"many\"}'; exec sleep 1000")},
                   "many")
        self.fails("once", {"server": shell("echo '{\"operations\": 5}'; sleep 0.2; "
                                            "echo '{\"operations\": 5}'; exec sleep 1000"),
                            "run": "sleep 1000"}, "the server", "told by the program")

    def test_server_and_program(self):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        server = python("import socket\ns = socket.socket()\n"
                        "s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)\n"
                        f"s.bind(('127.0.0.1', {port})); s.listen(9)\n"
                        "while True: s.accept()[0].sendall(b'x')")
        client = python(TELL + "import socket\nwhile True:\n  s = socket.socket()\n"
                        f"  s.connect(('127.0.0.1', {port})); s.recv(1); s.close()\n"
                        "  tell(operations=1)")
        r = self.ok("once", {"server": server, "ready": f"tcp::{port}", "run": client})
        self.assertGreater(value(r, "throughput"), 0)
        self.assertEqual([p["role"] for p in r["processes"]], ["target", "driver"])
        self.assertEqual(r["usage"]["driver"]["threads"], 2)

    def test_placed(self):
        out = os.path.join(self.dir, "cpus")
        for target, run in (("once", f"grep Cpus_allowed_list /proc/self/status > {out}; sleep 9"),
                            ("repeat", f"grep Cpus_allowed_list /proc/self/status > {out}")):
            self.ok(target, {"run": shell(run)}, cell={"cpus": {"target": "0"}})
            with open(out, encoding="utf-8") as file:
                self.assertEqual(file.read().split(), ["Cpus_allowed_list:", "0"])
        # Unplaced, it is not where the driver is.
        self.ok("repeat", {"run": shell(run)}, cell={"cpus": {"driver": "0"}})
        with open(out, encoding="utf-8") as file:
            self.assertEqual(file.read().split()[1], self.own_cpus())

    @staticmethod
    def own_cpus():
        with open("/proc/self/status", encoding="utf-8") as file:
            return next(line for line in file if line.startswith("Cpus_allowed_list")).split()[1]


class Compared(Case):
    """Two programs that do so much in every 10 ms, however long those are: a verdict is known."""

    def compare(self, cell, code, *options, base=100, head=100, told=""):
        for side, operations in (("base", base), ("head", head)):
            path = os.path.join(self.dir, side)
            with open(path, "w", encoding="utf-8") as file:
                file.write(f"#!/bin/sh\nN={operations}\necho {side} >> {self.dir}/who\nwhile sleep 0.01; do echo "
                           f"'{{\"operations\": {operations}, \"seconds\": 0.01{told}}}'; done\n")
            os.chmod(path, 0o755)
        matrix = os.path.join(self.dir, "matrix.json")
        with open(matrix, "w", encoding="utf-8") as file:
            json.dump({"warmup": "20ms", "duration": "60ms",
                       "cells": [{"workload": "command", "target": "once"} | cell]}, file)
        done = subprocess.run([UHBENCH, "ab", matrix, "--concurrent", "-o",
                               os.path.join(self.dir, "gate"), "--base", "./base", "--head",
                               "./head", "--max-foreign", "100%", "--max-steal", "100%",
                               *options], text=True, stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=200, check=False, cwd=self.dir)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def test_each_side_runs_its_own(self):
        done = self.compare({"with": {"run": "${bin}"}}, 0)
        self.assertRegex(done.stdout, r"(?m)^unchanged +command/once")
        with open(os.path.join(self.dir, "who"), encoding="utf-8") as file:
            self.assertEqual(set(file.read().split()), {"base", "head"})
        with open(os.path.join(self.dir, "gate", "pairs.jsonl"), encoding="utf-8") as file:
            pairs = [json.loads(line) for line in file]
        for side in ("base", "head"):
            self.assertTrue(all(pair[side]["operations"] > 0 for pair in pairs))

    def test_nobody_runs_them(self):
        # Without ${bin} in one of the cells the two are taken for builds of uhbench, which they are not.
        done = self.compare({"with": {"run": ["true", "${bin}"]}}, 2, "--budget", "20s")
        self.assertIn("for command/once run=true, which has no ${bin}", done.stderr)
        self.assertIn("no uhbench", done.stderr)

    def test_what_is_not_filled_in_is_not_run(self):
        """sh would make nothing of ${bin}: two different programs would never be executed."""
        done = self.compare({"with": {"run": "sh -c 'for i in 1 2; do ${bin} -x; done; true'"}},
                            2, "--budget", "20s")
        self.assertIn("${bin} is not filled in", done.stderr)
        for knobs in ({"run": "echo \\${bin}"}, {"run": "true", "cwd": "${bin}"}):
            done = self.compare({"with": knobs}, 2, "--budget", "20s")
            self.assertIn("no uhbench", done.stderr)

    def test_told_metric_is_gated(self):
        told = ', "metric": "left", "unit": "us", "better": "lower", "value": \'$((200 - $N))\''
        hits = {"metric": "left", "better": "lower", "unit": "us"}
        done = self.compare({"with": {"run": "${bin}"}, "gate": hits}, 1, told=told, head=80)
        self.assertRegex(done.stdout, r"^regressed: 1 of 1 cell .* left \+2\d\.\d %")
        gated, advisory = done.stdout.split("changed, but fail nothing")
        self.assertNotIn("throughput", gated)
        self.assertRegex(advisory, r"regressed .* throughput +\+25 %")
        shutil.rmtree(os.path.join(self.dir, "gate"))
        done = self.compare({"with": {"run": "${bin}"}, "gate": {**hits, "unit": "ms"}}, 4,
                            told=told)
        self.assertIn('left was not measured in pair 0: the run told it in "us", better lower, '
                      'and the matrix has "ms"', done.stdout)

    def test_slower(self):
        done = self.compare({"with": {"run": "sh -c \"exec '${bin}'\""}}, 1, head=80)
        self.assertRegex(done.stdout, r"^regressed: 1 of 1 cell .* throughput \+2\d\.\d %")


class Matrix(Case):
    def test_refused(self):
        for knobs, *words in (
                ({}, "which program?"),
                ({"run": "  "}, "run: there is no program"),
                ({"run": "a 'b"}, "run: character 3: this ' is never closed"),
                ({"run": "a ${thread}"}, "character 3", 'the nearest is "threads"'),
                ({"run": ["./x", "-t", "8"]}, "one text"),
                ({"run": "a", "server": "${x}"}, "server: character 1"),
                ({"run": "sh -c 'x -t ${threads}'"}, "run: character 13: ${threads} is not"),
                ({"run": "a", "env": "A"}, "env: word 1 is not NAME=VALUE"),
                ({"run": "a", "cwd": "${x}"}, "cwd: "),
                ({"run": "a", "server": "b", "ready": "soon"}, "ready: "),
                ({"run": "a", "ready": "tcp::1"}, "no server"),
                ({"run": "a", "stop": "STOP"}, "stop"),
                ({"run": "x" * 1024}, "1023 bytes")):
            with self.subTest(knobs=knobs):
                self.refused("repeat", knobs, *words)
        self.refused("repeat", {"run": "a"}, "at once", threads=16, depth=9)

    def test_one_line_in_labels(self):
        done = self.call({"target": "once", "with": {"run": "sh -c 'a\nb'"}},
                         options=["--dry-run"])
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("sh -c 'a b'", done.stdout)


if __name__ == "__main__":
    UHBENCH = os.path.abspath(sys.argv.pop(1))
    unittest.main()

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The stored gate from end to end: baseline, run --baseline, compare, and every exit code of theirs.

The cells are programs that tell a throughput that was made up, the same on an idle machine and on a
busy one; what has to differ is changed in the baseline's files.

Usage: test_baseline.py UHBENCH
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

UHBENCH = None
SESSIONS = 5


class Shared:
    """Sessions are measured once; every test works on a copy."""
    dir = None

    @classmethod
    def make(cls):
        cls.dir = tempfile.mkdtemp(prefix="uhbench-baseline-")
        write_matrix(os.path.join(cls.dir, "m.json"))
        for i in range(SESSIONS + 1):
            p = subprocess.run([UHBENCH, "run", "m.json", "-o", "s%d" % i], cwd=cls.dir,
                               capture_output=True, text=True, timeout=60)
            assert p.returncode == 0, p.stderr


def write_matrix(path, **top):
    program = 'echo \'{"metric": "throughput", "value": ${rate}, "unit": "1/s"}\'; exec sleep 60'
    cells = [{"workload": "command", "target": "once", "rate": [500, 1000],
              "with": {"run": "sh -c " + json.dumps(program)}}]
    with open(path, "w") as f:
        json.dump({"name": "steady", "warmup": "10ms", "duration": "100ms", "repeats": 5,
                   "cells": cells, **top}, f)


class Case(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="uhbench-baseline-")
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)
        self.copy = os.path.join(self.dir, "d")
        shutil.copytree(Shared.dir, self.copy)

    def uhbench(self, *args, code=0, env=None):
        p = subprocess.run([UHBENCH, *args], cwd=self.copy, stdin=subprocess.DEVNULL,
                           capture_output=True, text=True, timeout=120,
                           env={**os.environ, **(env or {})})
        if code is not None:
            self.assertEqual(p.returncode, code, p.stdout + p.stderr)
        return p

    def save(self, n=SESSIONS, name="b"):
        told = self.uhbench("baseline", "save", name, "s0").stderr
        self.assertEqual(told, "baseline %s: 1 session of 1 day; 4 more until it can judge\n" % name)
        for i in range(1, n):
            self.uhbench("baseline", "add", name, "s%d" % i)
        for i, path in enumerate(self.sheets(name)):
            self.edit(path, lambda lines: self.spread(lines, 1 + 0.03 * (i % 5 - 2)))

    def spread(self, lines, factor):
        """What sessions differ by is ours: 5 %, whatever else ran while they were measured."""
        for line in lines[1:]:
            m = line["metrics"]["throughput"]
            m["values"] = [line["cell"]["axes"]["rate"] * factor for _ in m["values"]]

    def sheets(self, name="b"):
        folder = os.path.join(self.copy, "results", "baselines", name)
        return sorted(os.path.join(folder, f) for f in os.listdir(folder)
                      if f.endswith(".jsonl"))

    def edit(self, path, change):
        with open(path) as f:
            lines = [json.loads(line) for line in f]
        change(lines)
        with open(path, "w") as f:
            f.writelines(json.dumps(line, separators=(",", ":")) + "\n" for line in lines)

    def faster_past(self, factor):
        def change(lines):
            for line in lines[1:]:
                m = line["metrics"]["throughput"]
                m["values"] = [v * factor for v in m["values"]]
        for path in self.sheets():
            self.edit(path, change)

    def other_kernel(self):
        def change(lines):
            lines[0]["machine"]["kernel"] = lines[0]["host"]["kernel"] = "1.0-old"
        for path in self.sheets():
            self.edit(path, change)
        info = os.path.join(os.path.dirname(self.sheets()[0]), "baseline.json")
        with open(info) as f:
            o = json.load(f)
        o["machine"]["kernel"] = "1.0-old"
        with open(info, "w") as f:
            json.dump(o, f)

    def verdicts(self, out="out"):
        with open(os.path.join(self.copy, out, "verdicts.json")) as f:
            return json.load(f, parse_constant=self.fail)


class Gate(Case):
    def run_gate(self, *args, code=0, out="out", **kw):
        return self.uhbench("run", "m.json", "-o", out, "--baseline", "b", *args, code=code, **kw)

    def test_passes_and_is_promoted(self):
        self.save()
        p = self.run_gate()
        v = self.verdicts()
        self.assertEqual((v["kind"], v["verdict"], v["exit_code"]), ("stored", "passed", 0))
        self.assertEqual(v["counts"]["unchanged"], 2)
        self.assertEqual(v["base"], "baseline b, 5 sessions")
        self.assertIn(v["line"], p.stdout)
        gated = [m for c in v["cells"] for m in c["metrics"] if m["gated"]]
        self.assertEqual([m["metric"] for m in gated], ["throughput"] * 2)
        self.assertTrue(all(m["n1"] == 5 and m["n2"] == 1 for m in gated))
        self.assertRegex(self.uhbench("baseline", "promote", "b", "out").stderr,
                         "^baseline b: 6 sessions of [12] day")
        show = json.loads(self.uhbench("baseline", "show", "b", "--json").stdout)
        self.assertEqual([s["pinned"] for s in show["sessions"]], [True] * 5 + [False])
        self.assertIn("part of it already",
                      self.uhbench("baseline", "promote", "b", "out", code=2).stderr)

    def test_promotes_no_other_session(self):
        self.save()
        self.run_gate()
        for name in ("runs.jsonl", "manifest.json", "yardsticks.jsonl"):
            shutil.copy(os.path.join(self.copy, "s5", name), os.path.join(self.copy, "out", name))
        self.assertIn("the records are of",
                      self.uhbench("baseline", "promote", "b", "out", code=2).stderr)

    def test_promotes_no_slow_step(self):
        self.save()
        self.faster_past(1.15)  # of sessions that differ by 5 % this does not show
        self.run_gate("--fail-on", "regressed")
        self.assertEqual(self.verdicts()["verdict"], "passed")
        p = self.uhbench("baseline", "promote", "b", "out", code=2)
        self.assertRegex(p.stderr, r"throughput is \+1\d\.\d % off, and passes only since")

    def test_regresses(self):
        self.save()
        self.faster_past(1.6)
        p = self.run_gate(code=1)
        v = self.verdicts()
        self.assertEqual((v["verdict"], v["exit_code"]), ("regressed", 1))
        self.assertRegex(p.stdout, r"(?m)^.*regressed")
        worst = v["cells"][0]["metrics"][0]
        self.assertAlmostEqual(worst["estimate"], 0.6, delta=0.2)
        self.assertLess(worst["mde"], 0.5)
        self.assertTrue(0 < worst["low"] < worst["estimate"] < worst["high"])
        self.assertIn("did not pass",
                      self.uhbench("baseline", "promote", "b", "out", code=2).stderr)
        self.run_gate("--fail-on", "inconclusive", out="milder")
        self.assertEqual(self.verdicts("milder")["verdict"], "regressed")

    def test_improves(self):
        self.save()
        self.faster_past(0.6)
        self.run_gate()
        self.assertEqual(self.verdicts()["verdict"], "improved")

    def test_gate_of_the_matrix(self):
        self.save()
        write_matrix(os.path.join(self.copy, "m.json"), gate="cpu_per_op")
        p = self.uhbench("run", "m.json", "-o", "out", "--baseline", "b", "--fail-on",
                         "regressed", "--fail-on", "inconclusive", code=None)
        gated = {m["metric"] for c in self.verdicts()["cells"] for m in c["metrics"] if m["gated"]}
        self.assertEqual(gated, {"cpu_per_op"}, p.stdout)  # in place of what the program tells
        # Without a matrix it is known from the session.
        v = json.loads(self.uhbench("compare", "b", "out", "--json", code=None).stdout)
        self.assertEqual({m["metric"] for c in v["cells"] for m in c["metrics"] if m["gated"]},
                         gated)

    def test_too_few_sessions(self):
        self.save(3)
        self.run_gate(code=4)
        v = self.verdicts()
        self.assertEqual(v["verdict"], "inconclusive")
        self.assertIn("3 sessions of it: 2 more are needed", v["line"])
        self.run_gate("--fail-on", "regressed", out="milder")

    def test_other_machine(self):
        self.save()
        self.other_kernel()
        p = self.run_gate(code=6)
        self.assertIn("another machine: kernel is", p.stderr)
        self.assertRegex(p.stderr, r"kernel +1\.0-old -> ")
        self.assertFalse(os.path.exists(os.path.join(self.copy, "out")), "nothing was measured")
        self.run_gate("--other-machine", code=4)
        v = self.verdicts()
        self.assertEqual(v["verdict"], "inconclusive")
        self.assertIn("advice only, another machine", v["line"])
        self.assertEqual(v["counts"]["unchanged"], 2)
        p = self.uhbench("baseline", "add", "b", "s5", code=6)
        self.assertIn("another machine", p.stderr)

    def test_other_recipe(self):
        self.save()
        write_matrix(os.path.join(self.copy, "m.json"), duration="50ms", warmup="20ms")
        told = self.run_gate(code=6).stderr
        self.assertIn("another recipe: ", told)
        self.assertIn("duration_ns is 50000000, not 100000000", told)
        self.assertIn("warmup_ns is 20000000, not 10000000", told)
        self.assertNotIn("between the two machines", told)

    def test_few_runs_are_told_before_measuring(self):
        self.save(1)
        write_matrix(os.path.join(self.copy, "m.json"), repeats=2)
        self.assertIn('judged from 3 runs of each cell on, and this session has 2: give the matrix '
                      '"repeats" of 5', self.run_gate(code=6).stderr)
        self.assertFalse(os.path.exists(os.path.join(self.copy, "out")), "nothing was measured")

    def test_no_baseline(self):
        p = self.run_gate(code=6)
        self.assertIn("there is no baseline", p.stderr)
        self.assertFalse(os.path.exists(os.path.join(self.copy, "out")))

    def test_no_cell_of_the_matrix(self):
        self.save(1)
        with open(os.path.join(self.copy, "m.json")) as f:
            o = json.load(f)
        o["cells"][0]["rate"] = [700]
        with open(os.path.join(self.copy, "m.json"), "w") as f:
            json.dump(o, f)
        self.assertIn("the baseline b has no cell of this matrix", self.run_gate(code=6).stderr)
        self.assertFalse(os.path.exists(os.path.join(self.copy, "out")), "nothing was measured")

    def test_broken_baseline(self):
        self.save()
        path = self.sheets()[2]
        with open(path) as f:
            text = f.read()
        for cut, place in ((len(text) - 40, 3), (text.index("\n") + 30, 2), (20, 1)):
            with open(path, "w") as f:
                f.write(text[:cut])
            p = self.run_gate(code=2)
            self.assertIn("%s:%d:" % (os.path.basename(path), place), p.stderr)
        with open(path, "w") as f:
            f.write(text.replace('"schema":1', '"schema":9', 1))
        self.assertIn(":1: schema 9, this build reads 1: a newer uhbench wrote it",
                      self.run_gate(code=2).stderr)

    def test_failing_run_is_a_failure(self):
        self.save()
        with open(os.path.join(self.copy, "m.json")) as f:
            m = json.load(f)
        m["cells"].append({"workload": "nop", "target": "null", "with": {"fault": "crash"}})
        with open(os.path.join(self.copy, "m.json"), "w") as f:
            json.dump(m, f)
        self.run_gate(code=3)
        v = self.verdicts()
        self.assertEqual((v["verdict"], v["exit_code"]), ("failed", 3))
        self.assertEqual(v["cells"][0]["failed"]["status"], "failed")
        self.assertIn("a run failed", self.uhbench("baseline", "add", "b", "out", code=2).stderr)

    def test_another_session_is_measuring(self):
        self.save(1)
        with subprocess.Popen([UHBENCH, "run", "m.json", "-o", "long", "--repeats", "500"],
                              cwd=self.copy, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL) as other:
            runs = os.path.join(self.copy, "long", "runs.jsonl")
            while other.poll() is None and not os.path.exists(runs):
                time.sleep(0.02)
            try:
                self.assertIn("is measuring", self.run_gate(code=5).stderr)
            finally:
                other.terminate()
        self.assertFalse(os.path.exists(os.path.join(self.copy, "out", "verdicts.json")))

    def test_nothing_can_run(self):
        if os.geteuid():
            self.skipTest("without root no namespace can be without network namespaces for sure")
        self.save(1)
        path = os.path.join(self.copy, "m.json")
        with open(path) as f:
            known = json.load(f)["cells"]
        write_matrix(path, cells=[{"workload": "netlink", "target": "recvmsg"}, *known])
        p = subprocess.run(["unshare", "-Ur", "sh", "-c", "echo 0 > /proc/sys/user/"
                            "max_net_namespaces && exec \"$@\"", "x", UHBENCH, "run", "m.json",
                            "-o", "out", "--baseline", "b", "--only", "netlink/*"],
                           cwd=self.copy, text=True, stdin=subprocess.DEVNULL, capture_output=True, timeout=120)
        self.assertEqual(p.returncode, 77, p.stdout + p.stderr)
        self.assertFalse(os.path.exists(os.path.join(self.copy, "out", "verdicts.json")))

    def test_json_and_forge(self):
        self.save()
        summary = os.path.join(self.dir, "summary.md")
        p = self.run_gate("--json", env={"GITHUB_STEP_SUMMARY": summary})
        self.assertIn("\n" + self.verdicts()["line"] + "\n", p.stderr)
        self.assertEqual(len(json.loads(p.stdout)["cells"]), 2)
        with open(summary) as f:
            self.assertIn("passed", f.read())


class Compare(Case):
    def test_session_against_baseline(self):
        self.save()
        p = self.uhbench("compare", "b", "s5", "--json")
        self.assertEqual(json.loads(p.stdout)["verdict"], "passed")
        self.assertIn("passed", self.uhbench("compare", "b", "s5").stdout)
        self.assertIn("`uhbench compare b s5` judges the session by the baseline",
                      self.uhbench("compare", "s5", "b", code=4).stderr)
        self.assertIn("neither such a results folder nor a baseline results/baselines/none",
                      self.uhbench("compare", "none", "s5", code=6).stderr)
        self.faster_past(1.6)
        self.uhbench("compare", "b", "s5", code=1)
        self.uhbench("compare", "b", "s5", "--fail-on", "inconclusive")

    def test_unfinished_sessions_are_not_judged(self):
        self.save()
        path = os.path.join(self.copy, "s5", "runs.jsonl")
        with open(path) as f:
            first = f.readline()
        with open(path, "w") as f:
            f.write(first)
        for sides in (("b", "s5"), ("s5", "s4")):
            p = self.uhbench("compare", *sides, code=2)
            self.assertEqual(p.stdout, "")
            self.assertIn("9 runs are missing: finish it with --resume first", p.stderr)

    def test_two_sessions_are_advice(self):
        p = self.uhbench("compare", "s0", "s1", code=4)
        self.assertIn("1 session of it: 4 more are needed", p.stdout)

    def test_damaged(self):
        """What is damaged, or of a newer schema, is an error with its place and no verdict."""
        self.save(1)
        newer = lambda text: re.sub(r'"schema":\s*1', '"schema": 9', text, count=1)
        cut = lambda text: text[:60]
        for path, change, says in (
                ("s5/runs.jsonl", newer, "s5/runs.jsonl:1: schema 9, this build reads 1"),
                ("s5/runs.jsonl", lambda text: text[:-30], "1 runs are missing"),
                ("s5/runs.jsonl", lambda text: text.replace(":", ";", 1), "s5/runs.jsonl:1: not"),
                ("s5/manifest.json", newer, "s5/manifest.json: schema 9, this build reads 1"),
                ("s5/manifest.json", cut, "s5/manifest.json:4:24: not JSON"),
                ("results/baselines/b/baseline.json", newer, "b/baseline.json: schema 9, this"),
                ("results/baselines/b/baseline.json", cut, "b/baseline.json:")):
            with self.subTest(says=says):
                path = os.path.join(self.copy, path)
                with open(path, encoding="utf-8") as f:
                    whole = f.read()
                with open(path, "w", encoding="utf-8") as f:
                    f.write(change(whole))
                p = self.uhbench("compare", "b", "s5", code=2)
                self.assertEqual(p.stdout, "")
                self.assertIn(says, p.stderr)
                with open(path, "w", encoding="utf-8") as f:
                    f.write(whole)

    def test_same_twice(self):
        self.save()
        a, b = (self.uhbench("compare", "b", "s5", "--json").stdout for _ in range(2))
        self.assertEqual(a, b)

    def test_wrong_words(self):
        self.assertIn("nor a baseline", self.uhbench("compare", "x", "s1", code=6).stderr)
        self.assertIn("neither a results folder nor",
                      self.uhbench("compare", "no/where", "s1", code=6).stderr)
        self.uhbench("compare", "s1", code=2)
        self.uhbench("compare", "s0", "s1", "--fail-on", "improved", code=2)
        with open(os.path.join(self.copy, "s1", "runs.jsonl"), "a") as f:
            f.write("nonsense\n")
        self.assertIn("runs.jsonl:11: not JSON", self.uhbench("compare", "s0", "s1", code=2).stderr)


class Baseline(Case):
    def test_life(self):
        self.assertIn("no baselines", self.uhbench("baseline", "list").stdout)
        self.save(2)
        self.assertIn("is there already", self.uhbench("baseline", "save", "b", "s2", code=2).stderr)
        self.assertIn("part of it already", self.uhbench("baseline", "add", "b", "s1", code=2).stderr)
        listed = json.loads(self.uhbench("baseline", "list", "--json").stdout)
        self.assertEqual([(b["baseline"], len(b["sessions"])) for b in listed], [("b", 2)])
        self.assertRegex(self.uhbench("baseline", "list").stdout, r"^b +2 sessions, machine [0-9a-f]{12} ")
        show = json.loads(self.uhbench("baseline", "show", "b", "--json").stdout)
        self.assertEqual([c["label"].split(" run=")[0] for c in show["cells"]],
                         ["command/once rate=500", "command/once rate=1k"])
        self.assertAlmostEqual(show["cells"][1]["throughput"], 1000, delta=150)
        self.assertIn("too few sessions", self.uhbench("baseline", "show", "b").stdout)
        self.uhbench("baseline", "rm", "b", show["sessions"][0]["session"])
        self.assertEqual(len(self.sheets()), 1)
        self.assertIn("only session", self.uhbench("baseline", "rm", "b",
                                                   show["sessions"][1]["session"], code=6).stderr)
        self.uhbench("baseline", "rm", "b")
        self.assertIn("no baselines", self.uhbench("baseline", "list").stdout)

    def test_unpin(self):
        self.save(3)
        def pinned():
            show = json.loads(self.uhbench("baseline", "show", "b", "--json").stdout)
            return [s["pinned"] for s in show["sessions"]]
        ids = [s["session"] for s in json.loads(
            self.uhbench("baseline", "show", "b", "--json").stdout)["sessions"]]
        self.uhbench("baseline", "unpin", "b", ids[1])
        self.assertEqual(pinned(), [True, False, True])
        self.assertIn("has no session nix", self.uhbench("baseline", "unpin", "b", "nix", code=6).stderr)
        self.uhbench("baseline", "unpin", "b")
        self.assertEqual(pinned(), [False] * 3)

    def test_a_broken_one_hides_no_other(self):
        self.save(1)
        self.save(1, "c")
        with open(self.sheets("b")[0], "w") as f:
            f.write("nonsense\n")
        p = self.uhbench("baseline", "list", code=2)
        self.assertIn(":1: ", p.stderr)
        self.assertRegex(p.stdout, r"^c +1 sessions, machine ")

    def test_size(self):
        self.save(1)
        with open(self.sheets()[0]) as f:
            cells = [len(line) for line in f][1:]
        self.assertLess(max(cells), 4096)

    def test_diff(self):
        self.save(2)
        self.uhbench("baseline", "save", "c", "s2")
        o = json.loads(self.uhbench("baseline", "diff", "b", "c", "--json").stdout)
        self.assertEqual((o["machine"], o["recipe"], len(o["cells"])), ([], [], 2))
        self.edit(self.sheets("c")[0], lambda lines: (lines.pop(), lines[0].update(cells=1)))
        for sides, a, b in ((("b", "c"), 2, 1), (("c", "b"), 1, 2)):
            cells = json.loads(self.uhbench("baseline", "diff", *sides, "--json").stdout)["cells"]
            self.assertEqual([sum(c[side]["throughput"] is not None for c in cells)
                              for side in "ab"], [a, b])
        self.assertIn("machine: the same", self.uhbench("baseline", "diff", "b").stdout)
        self.other_kernel()
        out = self.uhbench("baseline", "diff", "b", "s3").stdout
        self.assertIn("machine: another", out)
        self.assertRegex(out, r"kernel +1\.0-old -> ")

    def test_unfinished_session(self):
        runs = os.path.join(self.copy, "s0", "runs.jsonl")
        with open(runs) as f:
            lines = f.readlines()
        with open(runs, "w") as f:
            f.writelines(lines[:-1])
        self.assertIn("1 runs are missing", self.uhbench("baseline", "save", "b", "s0", code=2).stderr)

    def test_wrong_words(self):
        self.assertIn('the nearest is "save"', self.uhbench("baseline", "sve", "b", "s0", code=2).stderr)
        self.assertIn("usage: uhbench baseline save",
                      self.uhbench("baseline", "save", "b", code=2).stderr)
        self.assertIn("no name of a baseline", self.uhbench("baseline", "save", "../b", "s0", code=2).stderr)
        self.uhbench("baseline", "save", "b", "nowhere", code=2)
        self.uhbench("baseline", "show", "b", code=6)
        self.uhbench("baseline", "promote", "b", "s0", code=2)


class Yardsticks(Case):
    def test_begin_and_end(self):
        with open(os.path.join(self.copy, "s0", "yardsticks.jsonl")) as f:
            lines = [json.loads(line) for line in f]
        self.assertEqual([line["at"] for line in lines], ["begin", "end"])
        for line in lines:
            for name, y in line["yardsticks"].items():
                if y["ns"] is None:
                    self.assertTrue(y["reason"], name)
                else:
                    self.assertLessEqual(y["low"], y["ns"])
                    self.assertLessEqual(y["ns"], y["high"])


if __name__ == "__main__":
    UHBENCH = os.path.abspath(sys.argv.pop(1))
    Shared.make()
    try:
        unittest.main()
    finally:
        shutil.rmtree(Shared.dir, ignore_errors=True)

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`uhbench ab` from the command line to its exit code, and `uhbench replay` of what it left.

Cells are chosen so that neighbours cannot change the outcome: what must be slower is so by far, and
what must be alike runs at a rate that any machine keeps.

Usage: test_ab.py UHBENCH
"""
import json
import math
import os
import random
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import textwrap
import time
import unittest

UHBENCH = None
# Whatever else this machine does: pairs are not dropped for it.
CALM = ["--max-steal", "100%", "--max-foreign", "100%"]
# What is alike is seen to be so even where a run hardly gets a CPU.
ROUGH = ["--effect", "100%"]
# A build that is another uhbench's parent: it passes the request on and may change it, or the answer.
SHIM = """\
#!{python}
import json, os, subprocess, sys
me = os.path.basename(__file__)
request = json.loads(os.fdopen(3, "rb").read())
answer = None
{before}
if answer is None:
    def set_up():
        os.dup2(ask, 13); os.dup2(tell, 14); os.dup2(13, 3); os.dup2(14, 4)
    ask, ask_in = os.pipe()
    tell_out, tell = os.pipe()
    child = subprocess.Popen([{uhbench!r}, "child"], preexec_fn=set_up, close_fds=False)
    os.close(ask); os.close(tell)
    os.write(ask_in, json.dumps(request).encode()); os.close(ask_in)
    answer = json.loads(os.fdopen(tell_out, "rb").read())
    child.wait()
{after}
os.fdopen(4, "wb").write(json.dumps(answer).encode())
"""


def nop(**more):
    return {"workload": "nop", "target": "null", **more}


STEADY = nop(rate=4000)
# The folder by which reports are tested, which no gate has written.
GOLDEN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../reports/testdata/gate")
OPEN = ("host", "metrics", "counts")  # objects whose keys are names of things


def keys_of(value, where, found):
    """Into found: the paths of all keys below."""
    if isinstance(value, dict):
        for key, below in value.items():
            path = "%s.%s" % (where, "*" if where.split(".")[-1] in OPEN else key)
            found.add(path)
            keys_of(below, path, found)
    elif isinstance(value, list):
        for below in value:
            keys_of(below, where + "[]", found)
    return found


def keys_of_gate(folder):
    found = set()
    for name in ("verdicts.json", "gate.json", "pairs.jsonl"):
        with open(os.path.join(folder, name), encoding="utf-8") as f:
            for text in f if name.endswith("l") else [f.read()]:
                keys_of(json.loads(text), name, found)
    return found

# Runs whose figures are alike, whatever else the machine does.
ALIKE = """
import random
for metric in answer.get("metrics", {}).values():
    metric["value"] = random.uniform(990, 1010)
"""


class Case(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="uhbench-ab-")
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)
        self.out = os.path.join(self.dir, "out")

    def matrix(self, *cells, **top):
        path = os.path.join(self.dir, "m.json")
        with open(path, "w") as f:
            json.dump({"warmup": 0, "duration": "50ms", "cells": cells, **top}, f)
        return path

    def shim(self, name, before="", after=""):
        path = os.path.join(self.dir, name)
        with open(path, "w") as f:
            f.write(SHIM.format(python=sys.executable, uhbench=UHBENCH,
                                before=textwrap.dedent(before), after=textwrap.dedent(after)))
        os.chmod(path, 0o755)
        return path

    def uhbench(self, *args):
        return subprocess.run([UHBENCH, *args], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=240)

    def ab(self, matrix, *args):
        return self.uhbench("ab", matrix, "-o", self.out, "--seed", "7", *CALM, *args)

    def same(self, matrix, *args):
        return self.ab(matrix, "--base-set", "nop.work_ns=0", "--head-set", "nop.work_ns=0", *args)

    def path(self, name):
        return os.path.join(self.out, name)

    def load(self, name):
        with open(self.path(name)) as f:
            return json.load(f, parse_constant=self.fail)

    def write_gate(self, change):
        gate = self.load("gate.json")
        change(gate)
        with open(self.path("gate.json"), "w") as f:
            json.dump(gate, f)

    def pairs(self):
        with open(self.path("pairs.jsonl")) as f:
            return [json.loads(line, parse_constant=self.fail) for line in f]

    def verdict(self, p, code, verdict):
        self.assertEqual(p.returncode, code, p.stdout + p.stderr)
        v = self.load("verdicts.json")
        self.assertEqual((v["verdict"], v["exit_code"]), (verdict, code), v["line"])
        self.assertIn(v["line"], p.stdout)
        self.assertFalse([d for d in os.listdir(self.out) if d.startswith(".work")])
        return v

    def assert_keys_of_reports(self, pattern):
        """What reports are tested with is what a gate writes, as far as the pattern goes."""
        wanted = {k for k in keys_of_gate(GOLDEN) if re.search(pattern, k)}
        self.assertTrue(wanted)
        self.assertEqual(wanted - keys_of_gate(self.out), set())

    def refused(self, p, *texts):
        self.assertEqual(p.returncode, 2, p.stdout + p.stderr)
        for text in texts:
            self.assertIn(text, p.stderr)
        self.assertFalse(os.path.exists(self.path("gate.json")))


class Verdicts(Case):
    def test_slow_head_regresses_and_replays(self):
        m = self.matrix(nop(), nop(rate=20000), name="m")
        p = self.ab(m, "--base-set", "nop.work_ns=100", "--head-set", "nop.work_ns=100000", *ROUGH)
        v = self.verdict(p, 1, "regressed")
        self.assertEqual((v["kind"], v["name"]), ("paired", "m"))
        self.assertEqual((v["base"], v["head"]), ("nop.work_ns=100", "nop.work_ns=100000"))
        # Of a cell with a rate it counts how late operations are done.
        rate = next(c for c in v["cells"] if c["label"] == "nop/null rate=20k")
        self.assertEqual([m["metric"] for m in rate["metrics"] if m["gated"]],
                         ["intended_p50", "throughput"])
        self.assertEqual(rate["metrics"][0]["verdict"], "regressed")
        worst = next(c for c in v["cells"] if c["label"] == "nop/null")
        self.assertGreater(worst["metrics"][0]["estimate"], 5)
        self.assertEqual(worst["metrics"][0]["stage"], "stage2")
        self.assert_keys_of_reports(r"^(?!.*\.(failed|discarded)\.(side|status|reason)$)")
        self.check_pairs(v)
        self.check_replay(1)
        self.check_speed()

    def check_pairs(self, v):
        pairs = self.pairs()
        control = [p for p in pairs if p["control"]]
        self.assertEqual([p["pair"] for p in pairs], list(range(len(pairs))))
        self.assertEqual(len(control), 24)
        self.assertEqual(v["control"]["pairs"], 24)
        self.assertFalse(v["control"]["contaminated"])
        self.assertEqual(len(pairs) - 24, v["pairs"])
        self.assertEqual({p["first"] for p in pairs}, {"base", "head"})
        self.assertEqual({p["stage"] for p in pairs}, {"stage1", "stage2"})
        # Spread over the rounds of the first stage, not all in front.
        self.assertGreaterEqual(len({p["round"] for p in control}), 8)
        gate = self.load("gate.json")
        self.assertEqual((gate["ended"], gate["pairs"]), ("complete", len(pairs)))
        self.assertEqual(gate["params"]["margin_from"], "one build")
        self.assertEqual(gate["base"]["sha256"], gate["head"]["sha256"])
        self.assertEqual(gate["cells"][0]["cell"]["knobs"]["work_ns"], 0)

    def check_replay(self, code):
        with open(self.path("verdicts.json"), "rb") as f:
            first = f.read()
        os.unlink(self.path("verdicts.json"))
        p = self.uhbench("replay", self.out)
        self.assertEqual(p.returncode, code, p.stderr)
        with open(self.path("verdicts.json"), "rb") as f:
            self.assertEqual(first, f.read())
        p = self.uhbench("replay", self.out, "--json")
        self.assertEqual(json.loads(p.stdout), json.loads(first))

    def check_speed(self):
        """100 cells of 60 pairs, judged again and reported in every format: 2 s. Half are slower."""
        rng, gate = random.Random(1), self.load("gate.json")
        cell, pair = gate["cells"][0], next(p for p in self.pairs() if not p["control"])
        metrics = [m["metric"] for m in cell["metrics"] if m["channel"] == "time"]
        ids = ["%012x" % i for i in range(100)]
        gate["cells"] = [{**cell, "label": "nop/null work_ns=%s" % i, "cell": {**cell["cell"], "id": i},
                          "metrics": [{**m, "effect": 0.05, "matters": 0.025}
                                      for m in cell["metrics"]]} for i in ids]
        gate["params"]["control_pairs"], gate["pairs"] = 0, 6000
        with open(self.path("gate.json"), "w") as f:
            json.dump(gate, f)
        with open(self.path("pairs.jsonl"), "w") as f:
            for n in range(6000):
                i = n % 100
                for side, slower in (("base", 0), ("head", 0.1 * (i % 2))):
                    pair[side]["metrics"].update(
                        {m: 1e4 * math.exp((-slower if m == "throughput" else slower) +
                                           rng.gauss(0, 0.03)) for m in metrics})
                f.write(json.dumps({**pair, "cell": ids[i], "pair": n, "round": n // 100}) + "\n")
        begin = time.monotonic()
        v = self.verdict(self.uhbench("replay", self.out), 1, "regressed")
        for form in ("text", "json", "csv", "markdown", "annotations", "junit", "openmetrics", "html"):
            self.assertEqual(self.uhbench("report", self.out, "--format", form).returncode, 0)
        took = time.monotonic() - begin
        print("100 cells x 60 pairs judged, all reports written: %.2f s" % took)
        self.assertEqual(v["counts"]["regressed"], 50)
        self.assertLess(took, 2.0)

    def test_same_passes(self):
        alike = self.shim("alike", after=ALIKE)
        p = self.ab(self.matrix(STEADY), "--base", alike, "--head", alike)
        v = self.verdict(p, 0, "passed")
        self.assertEqual(v["counts"]["unchanged"], 2)
        self.check_replay(0)

    def test_fast_head_improves(self):
        p = self.ab(self.matrix(nop()), "--base-set", "nop.work_ns=4000",
                    "--head-set", "nop.work_ns=100", "--confirm-improvements")
        v = self.verdict(p, 0, "improved")
        self.assertLess(v["cells"][0]["metrics"][0]["estimate"], -0.5)
        self.assertEqual(v["cells"][0]["metrics"][0]["stage"], "stage2")

    def test_budget_leaves_it_inconclusive(self):
        p = self.same(self.matrix(STEADY), "--budget", "3500ms")
        v = self.verdict(p, 4, "inconclusive")
        self.assertEqual(v["ended"], "budget")
        self.assertLess(v["control"]["pairs"], 24)
        self.assertIn(f"{v['control']['pairs']} of 24 pairs", p.stdout)
        self.assertIn("the budget of 3.5s was used up", v["cells"][0]["metrics"][0]["why"])
        self.check_replay(4)

    def test_what_fails_can_be_chosen(self):
        p = self.same(self.matrix(STEADY), "--budget", "3500ms", "--fail-on", "none")
        self.verdict(p, 0, "inconclusive")
        self.assertEqual(self.load("gate.json")["params"]["fail_on"], [])
        # A replay fails on what its gate was to fail on.
        self.write_gate(lambda gate: gate["params"].update(fail_on=["regressed"]))
        self.verdict(self.uhbench("replay", self.out), 0, "inconclusive")
        self.write_gate(lambda gate: gate["params"].update(fail_on=["inconclusive"]))
        self.verdict(self.uhbench("replay", self.out), 4, "inconclusive")

    def test_tail_needs_operations(self):
        p = self.same(self.matrix({**STEADY, "gate": ["latency_p99", "switches"]}))
        v = self.verdict(p, 4, "inconclusive")
        by = {m["metric"]: m for m in v["cells"][0]["metrics"]}
        self.assertTrue(by["latency_p99"]["gated"])
        self.assertEqual(by["latency_p99"]["effect"], 0.15)
        self.assertIn("latency_p99 needs 10000 operations a run", by["latency_p99"]["why"])
        self.assertTrue(by["switches"]["gated"])
        self.assertEqual(by["switches"]["channel"], "count")
        self.assertFalse(by["latency_p50"]["gated"])

    def test_disturbed_pairs_are_dropped_whole(self):
        # One CPU's worth of work that is none of the run's.
        burner = subprocess.Popen([sys.executable, "-c", "while True: pass"])
        self.addCleanup(burner.wait)
        self.addCleanup(burner.kill)
        p = self.same(self.matrix(STEADY), "--max-foreign", f"{50 / os.cpu_count()}%")
        v = self.verdict(p, 4, "inconclusive")
        self.assertIn("a quieter machine helps, or --max-foreign", p.stderr)
        self.assertIn("disturbed by others", v["cells"][0]["metrics"][0]["why"])
        self.assertEqual(v["discarded"], v["cells"][0]["discarded"]["both"])
        self.assertEqual({p["discarded"]["reason"] for p in self.pairs()}, {"foreign"})
        self.assert_keys_of_reports(r"\.discarded\.")

    def test_no_build_chooses_its_pairs(self):
        # What it says of the machine is not what pairs are dropped by.
        build = self.shim("liar", after="""
        if "host" in answer:
            answer["host"].update(foreign_cpu_ns=1e12, steal_ns=1e12)
        """)
        p = self.ab(self.matrix(STEADY), "--base", UHBENCH, "--head", build, "--max-foreign",
                    "99%", "--budget", "3500ms")
        self.verdict(p, 4, "inconclusive")
        pairs = self.pairs()
        self.assertTrue(pairs)
        for p in pairs:
            seen = max(p[side]["others"]["foreign"] for side in ("base", "head"))
            self.assertEqual(p["discarded"] is not None, seen > 0.99, p)
            if not p["control"]:
                self.assertEqual(p["head"]["host"]["foreign_cpu_ns"], 1e12)

    def test_dry_run_says_how_much(self):
        m = self.matrix(nop(depth=[1, 2]))
        p = self.same(m, "--dry-run")
        self.assertEqual(p.returncode, 0, p.stderr)
        self.assertIn("2 cells: 44 pairs", p.stdout)
        self.assertFalse(os.path.exists(self.out))
        p = self.same(m, "--dry-run", "--json")
        self.assertEqual(json.loads(p.stdout)["pairs"], {"least": 44, "most": 164})


class SecondSlot(Case):
    """A program that takes 2 % longer for each operation whenever it runs second."""

    PROGRAM = """\
#!{python} -IS
import time
with open({count!r}, "ab") as f:
    f.write(b"x")
    second = f.tell() % 2 == 0
step = 0.001 * (1.02 if second else 1)
began = time.monotonic()
n = 0
while True:
    n += 1
    time.sleep(max(0, began + n * step - time.monotonic()))
    if n % 20 == 0:
        rate = n / (time.monotonic() - began)
        print('{{"metric": "throughput", "unit": "1/s", "better": "higher", "value": %f}}' % rate,
              flush=True)
"""

    def test_coin_and_fixed_order(self):
        if os.getloadavg()[0] > 2 * os.cpu_count():
            self.skipTest("a sleep of a millisecond is none where the CPUs are that busy")
        program = os.path.join(self.dir, "program")
        with open(program, "w") as f:
            f.write(self.PROGRAM.format(python=sys.executable,
                                        count=os.path.join(self.dir, "count")))
        os.chmod(program, 0o755)
        m = self.matrix(*({"workload": "command", "target": "once",
                           "with": {"run": "${bin} " + word}} for word in ("one", "other")),
                        warmup="80ms", duration="80ms")
        # Less than half of what it is about is a regression here.
        p = self.ab(m, "--base", program, "--head", program, "--matters", "0.9%", "--margin",
                    "0.3%", *ROUGH)
        self.verdict(p, 0, "passed")
        pairs = self.pairs()
        slower = [p[p["first"]]["metrics"]["throughput"] / p[self.second(p)]["metrics"]["throughput"]
                  for p in pairs]
        self.assertAlmostEqual(sorted(slower)[len(slower) // 2], 1.02, delta=0.008)
        self.check_fixed(pairs)

    @staticmethod
    def second(pair):
        return "head" if pair["first"] == "base" else "base"

    def check_fixed(self, pairs):
        """The same pairs, had base always been the first of them, as those of one cell."""
        gate = self.load("gate.json")
        gate["cells"] = gate["cells"][:1]
        gate["params"]["control_pairs"] = 0
        gate["pairs"] = len(pairs)
        for p in pairs:
            p.update(cell=gate["cells"][0]["cell"]["id"], control=False, first="base",
                     base=p[p["first"]], head=p[self.second(p)])
        with open(self.path("pairs.jsonl"), "w") as f:
            f.writelines(json.dumps(p) + "\n" for p in pairs)
        with open(self.path("gate.json"), "w") as f:
            json.dump(gate, f)
        v = self.verdict(self.uhbench("replay", self.out), 1, "regressed")
        self.assertAlmostEqual(v["cells"][0]["metrics"][0]["estimate"], 0.02, delta=0.008)


class Builds(Case):
    def test_two_builds(self):
        slow = self.shim("slow", before="request['cell'] = {**request.get('cell', {}), 'with': "
                                        "{'work_ns': 4000}} if request['protocol'] else None")
        p = self.ab(self.matrix(nop()), "--base", UHBENCH, "--head", slow, "--head", slow)
        self.verdict(p, 1, "regressed")
        gate = self.load("gate.json")
        self.assertEqual(gate["head"]["paths"], [slow, slow])
        self.assertEqual(gate["params"]["margin"], 0.01)
        self.assertEqual(gate["base"]["protocol"], 3)
        self.assertTrue(gate["base"]["revision"])
        self.assertEqual({p["builds"]["head"] for p in self.pairs() if not p["control"]}, {0, 1})

    def test_older_protocol_still_works(self):
        old = self.shim("old", before="""
        if request["protocol"] == 1:
            if set(request) - {"protocol", "cell", "seed", "warmup_ns", "duration_ns", "workdir",
                               "sessiondir", "pad_iters_per_ns"}:
                sys.exit("an old build is sent what it does not know")
            request["protocol"] = 3
        else:
            request["protocol"] = 0
        """, after="answer['protocol'] = 1\nanswer.pop('revision', 0)\nanswer.pop('uhbench', 0)" + ALIKE)
        alike = self.shim("alike", after=ALIKE)
        p = self.ab(self.matrix(STEADY), "--base", old, "--head", alike)
        self.verdict(p, 0, "passed")
        gate = self.load("gate.json")
        self.assertEqual((gate["base"]["protocol"], gate["head"]["protocol"]), (1, 3))
        self.assertIsNone(gate["base"]["revision"])

    def test_gated_count_of_a_build_that_cannot_be_watched(self):
        old = self.shim("old", before="request['protocol'] = 0",
                        after="answer['protocol'] = 1")
        m = self.matrix({**STEADY, "probes": ["syscalls"], "gate": "syscalls"})
        self.refused(self.ab(m, "--base", old, "--head", UHBENCH),
                     '"gate" has "syscalls"', f"{old} is too old")

    def test_program_that_tells_no_operations_ends(self):
        program = os.path.join(self.dir, "program")
        with open(program, "w") as f:
            f.write("#!/bin/sh\nexec sleep 60\n")
        os.chmod(program, 0o755)
        m = self.matrix({"workload": "command", "target": "once", "with": {"run": "${bin}"}})
        p = self.ab(m, "--base", program, "--head", program)
        v = self.verdict(p, 4, "inconclusive")
        self.assertIn("throughput was not measured", v["cells"][0]["metrics"][0]["why"])
        self.assertIsNone(v["control"])

    def test_builds_that_cannot_be_compared(self):
        m = self.matrix(STEADY)
        for name, answer, text in (("ancient", '{"protocol": 0}', "is too old"),
                                   ("future", '{"protocol": 99}', "is newer than this uhbench"),
                                   ("other", '{"hello": 1}', "is no uhbench")):
            build = self.shim(name, before=f"answer = {answer}")
            self.refused(self.ab(m, "--base", build, "--head", UHBENCH), text, build)
        self.refused(self.ab(m, "--base", "/bin/true", "--head", UHBENCH), "is no uhbench")
        self.refused(self.ab(m, "--base", m, "--head", UHBENCH), "executed")
        self.refused(self.ab(m, "--base", self.dir, "--head", UHBENCH), "directory")
        self.refused(self.ab(m, "--base", "/none", "--head", UHBENCH), "No such file")

    def test_contaminated(self):
        other = self.shim("other", before="""
        if me.startswith("copy") and request["protocol"]:
            request["cell"]["with"] = {"work_ns": 4000}
        """)
        p = self.ab(self.matrix(nop()), "--base", other, "--head", other, "--effect", "50%",
                    "--only", "nop/null")
        v = self.verdict(p, 5, "contaminated")
        self.assertTrue(v["control"]["contaminated"])
        self.assertGreater(v["control"]["estimate"], 1)

    def test_copy_that_crashes(self):
        other = self.shim("other", before="""
        if me.startswith("copy") and request["protocol"]:
            os.abort()
        """)
        p = self.ab(self.matrix(STEADY), "--base", other, "--head", other, *ROUGH)
        v = self.verdict(p, 3, "failed")
        self.assertIn("the control could not be measured: nop/null rate=4k: the copy of base: "
                      "failed: ", v["line"])

    def test_nothing_can_run(self):
        lacks = self.shim("lacks", before="""
        if request["protocol"]:
            answer = {"protocol": request["protocol"], "status": "unsupported", "reason": "no such device"}
        """)
        p = self.ab(self.matrix(nop()), "--base", lacks, "--head", lacks)
        v = self.verdict(p, 77, "skipped")
        self.assertEqual(v["cells"][0]["failed"]["side"], "both")

    def test_programs_of_the_user(self):
        programs = []
        for name, seconds in (("quick", 0.001), ("slow", 0.1)):
            programs.append(os.path.join(self.dir, name))
            with open(programs[-1], "w") as f:
                f.write(f"#!/bin/sh\nexec sleep {seconds}\n")
            os.chmod(programs[-1], 0o755)
        m = self.matrix({"workload": "command", "target": "repeat", "with": {"run": "${bin}"}},
                        duration="150ms")
        p = self.ab(m, "--base", programs[0], "--head", programs[1])
        self.verdict(p, 1, "regressed")
        gate = self.load("gate.json")
        self.assertIsNone(gate["base"]["protocol"])
        self.assertEqual((gate["base"]["name"], gate["head"]["name"]), tuple(programs))
        # Beside a cell of our own they would have to be uhbenches, too.
        shutil.rmtree(self.out)
        m = self.matrix({"workload": "command", "target": "repeat", "with": {"run": "${bin}"}},
                        nop())
        self.refused(self.ab(m, "--base", programs[0], "--head", programs[1]), "is no uhbench")

    def test_one_side_cannot_run(self):
        lacks = self.shim("lacks", before="""
        if request["protocol"]:
            answer = {"protocol": request["protocol"], "status": "unsupported", "reason": "no such device"}
        """)
        p = self.ab(self.matrix(nop()), "--base", lacks, "--head", UHBENCH)
        v = self.verdict(p, 3, "failed")
        self.assertEqual(v["cells"][0]["failed"],
                         {"side": "base", "status": "unsupported", "reason": "no such device"})


class Sick(Case):
    def sick(self, side, fault, **top):
        other = "head" if side == "base" else "base"
        p = self.ab(self.matrix(nop(), nop(depth=2), **top),
                    f"--{side}-set", f"nop/null.fault={fault}",
                    f"--{other}-set", "nop/null.fault=none")
        v = self.verdict(p, 3, "failed")
        self.assertEqual(v["counts"]["failed"], 2)
        self.assert_keys_of_reports(r"\.failed\.")
        made = [p for p in self.pairs() if not p["control"]]
        self.assertEqual(len(made), 2, "a cell that failed gets no further pairs")
        return v["cells"][0]["failed"]

    def test_base_that_crashes(self):
        failed = self.sick("base", "crash")
        self.assertEqual((failed["side"], failed["status"]), ("base", "failed"))
        self.assertIn("SIGSEGV", failed["reason"])

    def test_head_that_crashes_when_it_is_watched(self):
        sick = self.shim("sick", before="""
        if request.get("window"):
            os.abort()
        """)
        m = self.matrix({**STEADY, "probes": ["syscalls"]})
        v = self.verdict(self.ab(m, "--base", UHBENCH, "--head", sick), 3, "failed")
        failed = v["cells"][0]["failed"]
        if failed["side"] == "both":
            self.skipTest(failed["reason"])
        self.assertEqual((failed["side"], failed["status"]), ("head", "failed"))
        self.assertIn("in the run with probes: ", failed["reason"])
        self.assertIn("SIGABRT", failed["reason"])

    def test_cell_that_is_skipped_is_told(self):
        lacks = self.shim("lacks", before="""
        if request["protocol"] and request["cell"].get("depth") == 2:
            answer = {"protocol": request["protocol"], "status": "unsupported", "reason": "none"}
        """, after=ALIKE)
        p = self.ab(self.matrix(STEADY, nop(depth=2)), "--base", lacks, "--head", lacks)
        v = self.verdict(p, 0, "passed")
        self.assertIn("no regression in 1 cell; 1 more skipped", v["line"])

    def test_head_that_hangs(self):
        failed = self.sick("head", "hang", deadline="500ms")
        self.assertEqual((failed["side"], failed["status"]), ("head", "stalled"))
        self.assertIn("no end within 0.5 s", failed["reason"])


class Interrupted(Case):
    def start(self, *args):
        p = subprocess.Popen([UHBENCH, "ab", self.matrix(STEADY), "-o", self.out, *CALM,
                              "--base-set", "nop.work_ns=0", "--head-set", "nop.work_ns=0",
                              *args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True)
        self.addCleanup(lambda: (p.poll() is None and p.kill(), p.communicate()))
        return p

    def wait_for_pairs(self, n):
        end = time.monotonic() + 60
        while time.monotonic() < end:
            if os.path.exists(self.path("pairs.jsonl")) and len(self.pairs()) >= n:
                return
            time.sleep(0.02)
        self.fail("no pairs")

    def test_signal_keeps_what_is_there(self):
        p = self.start()
        self.wait_for_pairs(3)
        p.send_signal(signal.SIGINT)
        out, err = p.communicate(timeout=60)
        self.assertEqual(p.returncode, 130, err)
        v = self.load("verdicts.json")
        self.assertEqual((v["ended"], v["exit_code"]), ("interrupted", 130))
        self.assertEqual(self.load("gate.json")["pairs"], len(self.pairs()))
        self.assertEqual(self.uhbench("replay", self.out).returncode, 130)

    def test_killed_is_judged_by_what_is_there(self):
        p = self.start()
        self.wait_for_pairs(3)
        p.kill()
        p.communicate()
        with open(self.path("pairs.jsonl"), "a") as f:
            f.write('{"schema": 1, "pai')
        p = self.uhbench("replay", self.out)
        self.assertEqual(p.returncode, 130, p.stderr)
        self.assertIsNone(self.load("gate.json")["ended"])
        # Who comes next finds nothing of it.
        shutil.rmtree(self.out)
        p = self.same(self.matrix(STEADY))
        self.assertIn(p.returncode, (0, 4), p.stderr)
        self.assertFalse([d for d in os.listdir(self.out) if d.startswith(".work")])

    def test_another_session_is_measuring(self):
        p = self.start()
        self.wait_for_pairs(1)
        q = self.uhbench("ab", self.matrix(STEADY), "-o", self.out + "2", "--base-set",
                         "nop.work_ns=0")
        p.send_signal(signal.SIGTERM)
        p.communicate(timeout=60)
        self.assertEqual(q.returncode, 5, q.stderr)


class WrongWords(Case):
    def test_command_line(self):
        m = self.matrix(nop(), {"workload": "nop", "target": "uring"})
        for args, text in (
                ([], "what is to be compared?"),
                (["--base", UHBENCH], "--head is missing"),
                (["--base", UHBENCH, "--head-set", "nop.work_ns=1"], "not both"),
                (["--head-set", "work_ns=1"], "is not WORKLOAD[/TARGET].KNOB=VALUE"),
                (["--head-set", "wal.window=1ms"], "is for no cell of the matrix"),
                (["--head-set", "nop.wark_ns=1"],
                 'no cell of nop has a knob or an axis "wark_ns"; the nearest is "work_ns"'),
                (["--head-set", "nop.depth=2", "--head-set", "nop.depth=4"],
                 '"nop.depth=2" and "nop.depth=4" set the same'),
                (["--head-set", "nop/uring.work_ns=1"], 'no knob and no axis "work_ns"'),
                (["--head-set", "nop/null.work_ns=x"], '"nop/null.work_ns=x"'),
                (["--head-set", "nop.batch=8"], "batch 8 is above depth"),
                (["--head-set", "nop.depth=2", "--budget", "1s"], "--budget 1s is too little"),
                (["--head-set", "nop.depth=2", "--effect", "5"], "5 is not from 0 to 1"),
                (["--head-set", "nop.depth=2", "--effect", "x"], "is not a share"),
                (["--head-set", "nop.depth=2", "--margin", "6%"], "margin: 0.06 is not below"),
                (["--head-set", "nop.depth=2", "--alpha", "0"], "alpha"),
                (["--head-set", "nop.depth=2", "--fail-on", "slow"], "neither regressed nor"),
                (["--head-set", "nop.depth=2", "--fail-on", "none", "--fail-on", "regressed"],
                 "none leaves no room for another"),
                (["--head-set", "nop.depth=2", "--only", "wal/*"], "wal/*")):
            with self.subTest(args=args):
                if "nop.batch=8" in args:
                    m = self.matrix(nop(depth=4))
                self.refused(self.ab(m, *args), text)

    def test_gated_count_without_its_probe(self):
        self.refused(self.same(self.matrix({**STEADY, "gate": "syscalls"})),
                     "which the probe syscalls counts")

    def test_folder_without_a_gate(self):
        p = self.uhbench("replay", self.dir)
        self.assertEqual(p.returncode, 2)
        self.assertIn("holds no gate", p.stderr)

    def test_folder_in_use(self):
        os.makedirs(self.out)
        with open(self.path("manifest.json"), "w") as f:
            f.write("{}")
        self.refused(self.same(self.matrix(STEADY)), "holds a session already")


class Damaged(Case):
    """One gate, damaged in many ways: each is an error with its place, and no verdict."""

    def setUp(self):
        super().setUp()
        p = self.same(self.matrix(STEADY))
        self.assertIn(p.returncode, (0, 4), p.stderr)
        self.good = {}
        for name in ("gate.json", "pairs.jsonl"):
            with open(self.path(name), encoding="utf-8") as f:
                self.good[name] = f.read()

    def damaged(self, name, text, *expected):
        for n, good in self.good.items():
            with open(self.path(n), "w", encoding="utf-8") as f:
                f.write(text if n == name else good)
        before = os.stat(self.path("verdicts.json")).st_mtime_ns
        p = self.uhbench("replay", self.out)
        self.assertEqual(p.returncode, 3, p.stdout + p.stderr)
        self.assertFalse(p.stdout)
        for e in expected:
            self.assertIn(e, p.stderr)
        self.assertEqual(before, os.stat(self.path("verdicts.json")).st_mtime_ns)

    def test_all(self):
        gate, pairs = self.good["gate.json"], self.good["pairs.jsonl"]
        lines = pairs.splitlines(keepends=True)
        last = len(lines)

        def line(n, text):
            return "".join(lines[:n - 1] + [text] + lines[n:])

        def changed(n, **keys):
            return line(n, json.dumps({**json.loads(lines[n - 1]), **keys}) + "\n")

        for text, place in (
                (pairs[:-20], f"pairs.jsonl:{last}: the line is cut off"),
                ("".join(lines[:-1]), f"pairs.jsonl:{last - 1}: the file ends here"),
                (line(3, "{garbage\n"), "pairs.jsonl:3: not JSON"),
                (changed(4, schema=2), "pairs.jsonl:4: schema 2"),
                (changed(5, cell="none"), 'pairs.jsonl:5: cell "none"'),
                (changed(6, base=None), 'pairs.jsonl:6: "base" has no metrics'),
                (changed(2, discarded={"side": "left"}), 'pairs.jsonl:2: "side" cannot be "left"'),
                (changed(2, failed=7), 'pairs.jsonl:2: "failed" is not null or an object'),
                (changed(2, control=None), 'pairs.jsonl:2: "control" is not true or false'),
                (changed(2, duration=-1), 'pairs.jsonl:2: "duration" is not a number')):
            with self.subTest(place=place):
                self.damaged("pairs.jsonl", text, place)
        g = json.loads(gate)
        for text, place in (
                (gate[:-30], "gate.json:"),
                (json.dumps({**g, "schema": 9}), "gate.json: schema 9"),
                (json.dumps({**g, "kind": "stored"}), 'gate.json: "kind" cannot be "stored"'),
                (json.dumps({**g, "cells": []}), 'gate.json: "cells" is not'),
                (json.dumps({**g, "params": {}}), 'gate.json: "alpha" is not a number'),
                (json.dumps({**g, "cells": [{**g["cells"][0], "metrics": [{}]}]}),
                 'gate.json: cells[0]: "metric" is not a text')):
            with self.subTest(place=place):
                self.damaged("gate.json", text, place)


if __name__ == "__main__":
    UHBENCH = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=2)

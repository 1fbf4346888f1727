#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""calibrate from end to end: a short one with a pad, what follows from its folder, what `ab` makes of
what is kept, and every exit code of its own.

Usage: test_calibrate.py UHBENCH
"""
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import unittest

UHBENCH = None
# What others do on the machine that runs the tests is not what is tested.
UNDISTURBED = ["--concurrent", "--max-foreign", "100%", "--max-steal", "100%"]
NULL = {"workload": "nop", "target": "null", "with": {"work_ns": 2000}}


class Case(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="uhbench-calibrate-")
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)
        self.write("m.json", NULL)

    def write(self, name, *cells):
        with open(self.path(name), "w", encoding="utf-8") as f:
            json.dump({"name": "short", "warmup": "5ms", "duration": "30ms",
                       "cells": list(cells)}, f)

    def path(self, *names):
        return os.path.join(self.dir, *names)

    def load(self, *names):
        with open(self.path(*names), encoding="utf-8") as f:
            return json.load(f)

    def pairs(self, *names):
        with open(self.path(*names, "pairs.jsonl"), encoding="utf-8") as f:
            return [json.loads(line) for line in f]

    def uhbench(self, *args, codes=(0,)):
        done = subprocess.run([UHBENCH, *args], cwd=self.dir, capture_output=True, text=True,
                              check=False, timeout=200, stdin=subprocess.DEVNULL,
                              env=os.environ | {"UHBENCH_HISTORY": "none"})
        self.assertIn(done.returncode, codes, done.stdout + done.stderr)
        return done


class Calibrate(Case):
    def calibrate(self, *args, codes=(0,)):
        return self.uhbench("calibrate", "m.json", "--seed", "5", *UNDISTURBED, *args, codes=codes)

    def test_pad(self):
        """A machine that others keep busy may be called restless; what is written is the same."""
        done = self.calibrate("--gates", "6", "--slow", "10", "-o", "out", codes=(0, 5))
        found = self.load("out", "calibration.json")
        self.assertEqual(found["exit_code"], done.returncode)
        self.assertEqual(found["verdict"], {0: "calibrated", 5: "restless"}[done.returncode])
        self.assertEqual((found["gates"], found["alarms"]["of"]), (6, 6))
        self.assertIn(found["uniform"]["n"], range(1, 7))
        self.assertEqual(found["pairs"], len(self.pairs("out", "same")))
        self.assertIn("on this machine this gate sees >= ", done.stdout)
        self.check_pad(found)
        again = self.uhbench("calibrate", "--analyse", "out", "--json", codes=(0, 5))
        self.assertEqual(json.loads(again.stdout), found)
        with open(self.path("out", "calibration.json"), encoding="utf-8") as f:
            self.assertEqual(again.stdout.rstrip("\n"), f.read())
        self.assertEqual(os.path.isdir(self.path("results", "calibrations")), done.returncode == 0)
        refused = self.calibrate("-o", "out", codes=(2,))
        self.assertIn("holds a gate already", refused.stderr)

    def check_pad(self, found):
        log, = found["power"]
        cell, = log["cells"]
        self.assertEqual((log["log"], log["slow"], log["gates"]), ("slow-10", 0.1, 6))
        # The median of an operation's time is not touched by what takes the CPU away now and then.
        ratios = [p["head"]["metrics"]["latency_p50"] / p["base"]["metrics"]["latency_p50"]
                  for p in self.pairs("out", "slow-10")
                  if p["head"]["metrics"]["latency_p50"] and p["base"]["metrics"]["latency_p50"]]
        self.assertTrue(0.08 < statistics.median(ratios) - 1 < 0.125, statistics.median(ratios))
        # The throughput fell by 8 to 12 %, as far as it can be told here.
        self.assertLess(cell["low"], 0.12)
        self.assertGreater(cell["high"], 0.08)
        pads = self.load("out", "slow-10", "gate.json")["log"]["pads_ns"]
        same, = found["cells"]
        self.assertAlmostEqual(pads[0], 0.1 * 1e9 / same["base"], delta=1e-3)

    def test_settings(self):
        done = self.calibrate("--gates", "5", "--head-set", "nop/null.work_ns=5000", "-o", "out",
                              "--json")
        found = json.loads(done.stdout)
        log, = found["power"]
        self.assertEqual((log["log"], log["head_set"]), ("changed", ["nop/null.work_ns=5000"]))
        self.assertEqual(log["params"]["margin"], 0)
        cell, = log["cells"]
        self.assertGreater(cell["estimate"], 1)
        self.assertNotIn("alarms", found)
        self.assertFalse(os.path.exists(self.path("results")))

    def test_two_builds(self):
        shutil.copy(UHBENCH, self.path("another"))
        self.calibrate("--gates", "5", "--build", UHBENCH, "--build", "./another", "-o", "out",
                       codes=(0, 5))
        found = self.load("out", "calibration.json")
        self.assertEqual((found["margin"]["builds"], found["margin"]["from"]), (2, "builds"))
        self.assertTrue(0.005 <= found["margin"]["margin"] <= 0.02)
        drawn = {tuple(p["builds"].values()) for p in self.pairs("out", "same")}
        self.assertEqual(drawn, {(0, 0), (0, 1), (1, 0), (1, 1)})

    def test_too_few(self):
        done = self.calibrate("--gates", "1", "-o", "out", codes=(4,))
        self.assertTrue(done.stdout.startswith("too few gates"), done.stdout)
        self.assertFalse(os.path.exists(self.path("results")))
        self.assertIn("1 of 1 gates", done.stderr)
        self.assertNotIn("nan", done.stdout)

    def test_all_is_discarded(self):
        """Gates that could not be judged gave no alarm because they could give none."""
        self.calibrate("--gates", "1", "-o", "out", codes=(4,))
        pairs = self.pairs("out", "same")
        with open(self.path("out", "same", "pairs.jsonl"), "w", encoding="utf-8") as f:
            for pair in pairs:
                pair["discarded"] = {"reason": "steal", "side": "both"}
                f.write(json.dumps(pair) + "\n")
        done = self.uhbench("calibrate", "--analyse", "out", codes=(5,))
        self.assertTrue(done.stdout.startswith("restless\n"), done.stdout)
        self.assertIn("could not be judged", done.stdout)
        self.assertNotIn("nan", done.stdout)

    def test_a_run_fails(self):
        self.write("m.json", {"workload": "nop", "target": "null", "with": {"fault": "crash"}})
        done = self.calibrate("--gates", "5", "-o", "out", codes=(3,))
        self.assertTrue(done.stdout.startswith("failed: "), done.stdout)
        self.assertEqual(len(self.pairs("out", "same")), 1)

    def test_logs_that_are_damaged(self):
        self.calibrate("--gates", "1", "-o", "out", codes=(4,))
        path = self.path("out", "same", "pairs.jsonl")
        os.truncate(path, os.path.getsize(path) - 3)
        done = self.uhbench("calibrate", "--analyse", "out", codes=(3,))
        self.assertIn("pairs.jsonl:", done.stderr)

    def test_usage(self):
        self.write("rate.json", {"workload": "nop", "target": "null", "rate": 1000})
        for args, word in (
                (["m.json", "--slow", "0"], "--slow"), (["m.json", "--slow", "3,x"], "--slow"),
                (["m.json", "--slow", "5", "--head-set", "nop.work_ns=1"], "not both"),
                (["--analyse", "out", "m.json"], "--analyse"),
                (["--analyse", "nowhere"], "nowhere"), (["--analyse", "."], "no log"),
                (["rate.json", "--slow", "5"], "its rate is given"),
                (["m.json", "--build", "/nonexistent"], "nonexistent"),
                (["m.json", "--budget", "1ms"], "too little")):
            done = self.uhbench("calibrate", *UNDISTURBED, *args, codes=(2,))
            self.assertIn(word, done.stderr)
            self.assertEqual(done.stdout, "")


class Quoted(Case):
    """What is kept is made here from one that was measured, so that its figures are known."""

    def setUp(self):
        super().setUp()
        self.uhbench("calibrate", "m.json", "--gates", "5", "-o", "out", *UNDISTURBED,
                     codes=(0, 5))
        self.found = self.load("out", "calibration.json")
        self.found.update(exit_code=0, sees=0.071, gates=60, started="2026-05-02T10:00:00Z",
                          alarms={"hits": 0, "of": 60, "share": 0, "low": 0, "high": 0.05})
        self.found["margin"] = {"builds": 3, "differ": 0.015, "margin": 0.015, "from": "builds"}

    def keep(self, text):
        """The name is the machine's, which `calibrate` knows."""
        names = os.listdir(self.path("kept")) if os.path.isdir(self.path("kept")) else []
        os.makedirs(self.path("kept"), exist_ok=True)
        for name in names or [self.machine() + ".json"]:
            with open(self.path("kept", name), "w", encoding="utf-8") as f:
                f.write(text)

    def machine(self):
        """FNV-1a over the sorted members, as harness/host/machine.c has it."""
        def add(value, text):
            for byte in text.encode():
                value = (value ^ byte) * 0x100000001b3 % 2**64
            return value

        def walk(value, node):
            if isinstance(node, dict) and node:
                for key in sorted(node, key=str.encode):
                    value = walk(add(add(value, key), "="), node[key])
                return add(value, "\n")
            return add(add(value, json.dumps(node, ensure_ascii=False)), "\n")

        return "%012x" % (walk(0xcbf29ce484222325, self.found["machine"]) >> 16)

    def ab(self, *args, codes=(0, 1, 4, 5)):
        return self.uhbench("ab", "m.json", "--base", UHBENCH, "--head", UHBENCH, "--seed", "1",
                            "--calibrations", "kept", "-o", "gate", *UNDISTURBED, *args,
                            codes=codes)

    def test_gate(self):
        self.keep(json.dumps(self.found))
        done = self.ab()
        params = self.load("gate", "gate.json")["params"]
        self.assertEqual((params["margin"], params["margin_from"]), (0.015, "calibration"))
        said = ("on this machine this gate sees >= 7.1 %, calibrated 2026-05-02: 0 alarms in 60 "
                "gates without a difference")
        self.assertIn(said, done.stdout)
        quote = self.load("gate", "verdicts.json")["calibration"]
        self.assertEqual((quote["sees"], quote["margin_from"]), (0.071, "builds"))
        for form in ("markdown", "html"):
            done = self.uhbench("report", "gate", "--format", form, "-o", "report")
            with open(self.path("report"), encoding="utf-8") as f:
                self.assertIn("calibrated 2026-05-02", f.read())
        before = self.load("gate", "verdicts.json")
        self.uhbench("replay", "gate", codes=(0, 1, 4, 5))
        self.assertEqual(self.load("gate", "verdicts.json"), before)

    def test_given_margin_and_damage(self):
        self.keep(json.dumps(self.found)[:200])
        done = self.ab("--margin", "1%", codes=(3,))
        self.assertIn("kept/", done.stderr)
        self.keep(json.dumps({**self.found, "schema": 9}))
        self.assertIn("schema 9, this build reads 1", self.ab(codes=(3,)).stderr)
        self.found["machine"]["kernel"] = "9.9.9"
        self.keep(json.dumps(self.found))
        self.assertIn("another machine", self.ab(codes=(3,)).stderr)


if __name__ == "__main__":
    UHBENCH = os.path.abspath(sys.argv.pop(1))
    if os.geteuid():
        print("isolation of runs needs root")
        sys.exit(77)
    unittest.main()

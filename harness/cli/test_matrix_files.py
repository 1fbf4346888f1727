#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Files that are no matrix, given to `uhbench validate` and `uhbench run`: refused with exit code 2,
said on stderr, nothing on stdout, no results folder.

Usage: test_matrix_files.py UHBENCH
"""
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import unittest

UHBENCH = None
ENTRY = {"workload": "nop", "target": "null"}
SOUND = json.dumps({"cells": [ENTRY]})


def limit_memory():
    """A file of 50 MB must be refused, not swallowed."""
    resource.setrlimit(resource.RLIMIT_DATA, (256 << 20, 256 << 20))


class Files(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="uhbench-matrix-")
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)

    def file(self, content):
        path = os.path.join(self.dir, "m.json")
        with open(path, "wb") as f:
            f.write(content if isinstance(content, bytes) else content.encode())
        return path

    def uhbench(self, *args, **kw):
        return subprocess.run([UHBENCH, *args], capture_output=True, timeout=60, text=True,
                              **{"stdin": subprocess.DEVNULL, **kw})

    def refused(self, path, *words, **kw):
        out = os.path.join(self.dir, "out")
        for args in (["validate", path], ["run", path, "-o", out]):
            # A sanitizer's shadow does not fit under a limit of memory.
            done = self.uhbench(*args, **kw)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertEqual(done.stdout, "")
            for word in words:
                self.assertIn(word, done.stderr)
            self.assertFalse(os.path.exists(out))

    def test_every_truncation(self):
        for n in range(len(SOUND)):
            done = self.uhbench("validate", self.file(SOUND[:n]))
            self.assertEqual(done.returncode, 2)
            self.assertIn("m.json:1:%d: " % (n + 1), done.stderr)
            self.assertIn("the text ends here", done.stderr)

    def test_binary(self):
        with open(UHBENCH, "rb") as f:
            self.refused(self.file(f.read(1 << 20)), "m.json:1:1: expected a value, found byte 0x7f")
        self.refused(self.file(SOUND + "\0"), "nothing may follow the value, found byte 0x00")

    def test_nested(self):
        self.refused(self.file('{"cells":' + "[" * 1000000), "nested too deeply")
        self.refused(self.file("[" * 1000000 + "]" * 1000000), "m.json:1:33: ")

    def test_50_megabytes(self):
        big = '{"cells":[' + ",".join(json.dumps(ENTRY) for _ in range(1400000)) + "]}"
        self.assertGreater(len(big), 50 << 20)
        sanitized = any(v in os.environ for v in ("ASAN_OPTIONS", "TSAN_OPTIONS"))
        self.refused(self.file(big), "m.json: it is larger than 8 MiB",
                     **({} if sanitized else {"preexec_fn": limit_memory}))

    def test_8_megabytes_of_mistakes(self):
        text = '{"cells":[{"workload":"nop","target":"null","threads":[%s]}]}'
        text %= ",".join(["0"] * 4000000)
        self.refused(self.file(text), "threads[49]: 0 is below 1", "and 3999950 more")
        text = "{%s}" % ",".join('"%x":0' % n for n in range(600000))
        self.refused(self.file(text), "0: unknown key", "and ")

    def test_not_a_file(self):
        self.refused(self.dir, "cannot read it: Is a directory")
        self.refused(os.path.join(self.dir, "none.json"), "No such file or directory")

    def test_unreadable(self):
        if os.geteuid() == 0:
            self.skipTest("root reads everything")
        path = self.file(SOUND)
        os.chmod(path, 0)
        self.refused(path, "Permission denied")

    def test_all_at_once(self):
        done = self.uhbench("validate", self.file(
            '{"repeats": 0,\n "cells": [{"workload": "nop", "target": "nul"},\n'
            '  {"workload": "nop", "target": "null", "depth": [1, 0], "with": {"falt": "hang"}}],\n'
            ' "repeats": 1}'))
        self.assertEqual(done.returncode, 2)
        self.assertEqual([line.split("m.json:")[1] for line in done.stderr.splitlines()], [
            "1:13: repeats: 0 is below 1",
            '2:42: cells[0].target: workload "nop" has no target "nul"; the nearest is "null"',
            "3:54: cells[1].depth[1]: 0 is below 1",
            '3:67: cells[1].with.falt: nop/null has no such knob; the nearest is "fault"',
            "4:2: repeats: this key was given before, at 1:2"])

    def test_stdin(self):
        done = self.uhbench("validate", "-", stdin=None, input=SOUND)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(done.stdout.startswith("stdin: 1 cell, 3 repeats, 3 runs, at least 0:00:03"), done.stdout)
        done = self.uhbench("validate", "-", stdin=None, input="[")
        self.assertEqual(done.returncode, 2)
        self.assertTrue(done.stderr.startswith("stdin:1:2: "), done.stderr)


    def test_results_that_cannot_be_written(self):
        done = self.uhbench("run", "--concurrent", self.file(SOUND), "-o", "/dev/null/x")
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn("/dev/null/x: Not a directory", done.stderr)

    def test_names_stay_below_results(self):
        for name in ("../../etc/x y", "a/b", "..", ".hidden", "", "a\nb", "x" * 201):
            matrix = json.dumps({"name": name, "cells": [ENTRY]})
            self.refused(self.file(matrix), "1:10: name: ", "cannot name a folder")
        odd = os.path.join(self.dir, ".a\nb.json")
        with open(odd, "w", encoding="utf-8") as f:
            f.write(SOUND)
        said = json.loads(self.uhbench("validate", "--json", odd).stdout)
        self.assertEqual(said["name"], "a_b")

    def test_json(self):
        """What --json says is what the text says, and stays JSON when the matrix is wrong."""
        two = json.dumps({"repeats": 2, "name": "n", "cells": [{**ENTRY, "rate": ["10k", 0]}] * 2})
        done = self.uhbench("validate", "--json", self.file(two))
        said = json.loads(done.stdout)
        self.assertEqual((done.returncode, said["valid"], said["name"], said["errors"]),
                         (0, True, "n", []))
        self.assertEqual((said["cells"], said["repeats"], said["runs"]), (2, 2, 4))
        self.assertIn("given before", said["notes"][0]["text"])
        done = self.uhbench("validate", "--json", self.file('{"repeats": 0}'))
        said = json.loads(done.stdout)
        self.assertEqual((done.returncode, done.stderr, said["valid"]), (2, "", False))
        self.assertEqual(said["errors"], [
            {"line": 1, "column": 1, "text": '"cells" is missing'},
            {"line": 1, "column": 13, "text": "repeats: 0 is below 1"}])
        for wrong in ("", "none"):
            done = self.uhbench("validate", "--json", os.path.join(self.dir, wrong))
            self.assertEqual(json.loads(done.stdout)["errors"][0]["line"], None)
            self.assertEqual(done.returncode, 2)

    def test_plan_as_json(self):
        path = self.file(json.dumps({"cells": [{**ENTRY, "rate": ["10k", 0]}]}))
        plan = json.loads(self.uhbench("run", "--dry-run", "--json", path).stdout)
        text = self.uhbench("run", "--dry-run", path).stdout.splitlines()
        self.assertEqual([run["order"] for run in plan["runs"]], list(range(6)))
        self.assertEqual(len(text), 6)
        for line, run in zip(text, plan["runs"]):
            self.assertEqual(line.split(maxsplit=4)[2:], [str(run["repeat"]), run["cell"],
                                                          run["label"]])
        label = "nop/null rate=10k"
        self.assertIn(label, [run["label"] for run in plan["runs"]])
        only = json.loads(self.uhbench("run", "--dry-run", "--json", "--only", label, path).stdout)
        self.assertEqual({run["label"] for run in only["runs"]}, {label})
        done = self.uhbench("run", "--dry-run", "--only", "nop/nul", path)
        self.assertEqual(done.returncode, 2)
        self.assertIn('the nearest is "nop/null"', done.stderr)


class CommandLine(unittest.TestCase):
    def said(self, code, *args):
        done = subprocess.run([UHBENCH, *args], capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, code, done.stderr)
        return done.stderr if code else done.stdout

    def test_wrong_words(self):
        self.assertIn('"validat"; the nearest is "validate"', self.said(2, "validat"))
        self.assertIn('"--repets=3"; the nearest is --repeats', self.said(2, "run", "--repets=3"))
        self.assertIn('"workload"; the nearest is "workloads"', self.said(2, "list", "workload"))
        self.assertIn("missing MATRIX", self.said(2, "validate"))
        self.assertIn("one word too many", self.said(2, "schema", "x"))
        self.assertIn("usage: uhbench", self.said(2))

    def test_help(self):
        verbs = [line.split()[0] for line in self.said(0, "--help").splitlines()
                 if line.startswith("  ")]
        self.assertIn("validate", verbs)
        self.assertNotIn("child", verbs)
        for verb in verbs:
            self.assertEqual(self.said(0, verb, "--help"), self.said(0, "help", verb))

    def test_full_stdout(self):
        for args in (["list"], ["list", "matrix"], ["list", "--json"], ["schema"], ["help"],
                     ["doctor"], ["validate", "-"], ["validate", "--json", "-"],
                     ["run", "--dry-run", "-"], ["run", "--dry-run", "--json", "-"]):
            with open("/dev/full", "w") as full:
                done = subprocess.run([UHBENCH, *args], stdout=full, stderr=subprocess.PIPE,
                                      text=True, input=SOUND)
            self.assertEqual(done.returncode, 3, args)
            self.assertIn("No space left on device", done.stderr)

    def test_list(self):
        catalog = json.loads(self.said(0, "list", "--json"))
        text = self.said(0, "list")
        for section, rows in catalog.items():
            self.assertEqual(list(json.loads(self.said(0, "list", section, "--json"))), [section])
            self.assertTrue(rows)
            for row in rows:
                self.assertIn(row["name"], text)
                self.assertIn(row["help"], text)
        faults = [k for t in catalog["targets"] for k in t["knobs"] if k["fault"]]
        self.assertIn("FAULT: " + faults[0]["help"], text)


if __name__ == "__main__":
    UHBENCH = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=2)

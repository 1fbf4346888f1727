#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`uhbench report` of gates: other programs can read every format, whatever the size and the labels,
all of it is fast, and a folder that is damaged is said to be so, with the place.

Usage: test_verdict_output.py UHBENCH
"""
import csv
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
import xml.etree.ElementTree as ET

UHBENCH = None
TESTDATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "testdata")
FORMATS = ["text", "json", "csv", "markdown", "annotations", "junit", "openmetrics", "html"]
COMMENT_MAX = 65536  # characters that a forge takes


def run(folder, *args):
    return subprocess.run([UHBENCH, "report", folder, *args], capture_output=True, timeout=60)


def report(folder, form):
    done = run(folder, "--format", form, "-o", "-")
    if done.returncode != 0:
        raise AssertionError(done.stderr.decode())
    return done.stdout.decode("utf-8")


def lint_openmetrics(text):
    """The rules of OpenMetrics 1.0 that a writer can break. Returns {family: number of samples}."""
    assert text.endswith("# EOF\n")
    label = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*"'
    sample = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(%s(?:,%s)*)?\})? (\S+)" % (label, label))
    families, seen, name, kind = {}, set(), None, None
    for line in text[:-len("# EOF\n")].splitlines():
        if line.startswith("# TYPE "):
            name, kind = line.split(" ")[2:]
            assert name not in families, "a family comes twice: " + name
            families[name] = 0
        elif line.startswith("# UNIT "):
            assert line.split(" ")[2] == name and name.endswith("_" + line.split(" ")[3]), line
        elif line.startswith("# HELP "):
            assert line.split(" ")[2] == name, line
        else:
            m = sample.fullmatch(line)
            assert m, "no sample: " + line
            assert m.group(1) == name + ("_info" if kind == "info" else ""), line
            key = (m.group(1), m.group(2))
            assert key not in seen, "a sample comes twice: " + line
            seen.add(key)
            float(m.group(3))
            families[name] += 1
    return families


class Formats(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="uhbench-verdict-")
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)

    def large(self, cells, pairs):
        folder = os.path.join(self.dir, "large")
        subprocess.run([sys.executable, os.path.join(TESTDATA, "make_gate.py"), "large", folder,
                        str(cells), str(pairs)], check=True, timeout=120)
        return folder

    def gate(self):
        return os.path.join(TESTDATA, "gate")

    def copy(self):
        folder = os.path.join(self.dir, "copy")
        shutil.copytree(self.gate(), folder)
        return folder

    def test_comment_fits(self):
        """Whatever the size of the matrix: worst first, and what found no room is counted."""
        for cells in (300, 3000):
            text = report(self.large(cells, 1), "markdown")
            bad = (cells + 6) // 7
            self.assertLess(len(text.encode()), COMMENT_MAX)
            self.assertGreater(len(text), COMMENT_MAX * 0.5)
            rows = len(re.findall(r"^\| (?:\*\*)?(?:regressed|unchanged)", text, re.M))
            left = [int(n) for n in re.findall(r"^(\d+) more rows", text, re.M)]
            self.assertEqual(rows + sum(left), cells, left)
            self.assertEqual(text.count("<details>"), text.count("</details>"))
            first_unchanged = text.find("| unchanged")
            self.assertGreater(text.find("</summary>"), text.find("regressed"))
            if first_unchanged >= 0:
                self.assertEqual(text.count("| **regressed**", first_unchanged), 0)
            self.assertIn("regressed&#58; %d of %d cells" % (bad, cells), text)
            self.assertTrue(text.endswith("</sub>\n"))

    def test_comment_of_wide_labels(self):
        folder = self.copy()
        with open(os.path.join(folder, "verdicts.json"), encoding="utf-8") as f:
            doc = json.load(f)
        cell = doc["cells"][1]
        doc["line"] = "@|`<" * 5000
        doc["cells"] = [{**cell, "cell": "%012x" % i, "label": "|" * 5000 + str(i)}
                        for i in range(400)]
        with open(os.path.join(folder, "verdicts.json"), "w", encoding="utf-8") as f:
            json.dump(doc, f)
        os.unlink(os.path.join(folder, "gate.json"))
        text = report(folder, "markdown")
        self.assertLess(len(text.encode()), COMMENT_MAX)
        self.assertEqual(text.count("<details>"), text.count("</details>"))
        for line in text.splitlines():
            if line.startswith("| **regressed**"):
                self.assertEqual(len(line.split("|")), 12, line[:200])

    def test_junit(self):
        for kind, failures, errors, skipped in (("gate", 2, 1, 3), ("contaminated", 0, 1, 3),
                                                ("stored", 1, 0, 1)):
            suites = ET.fromstring(report(os.path.join(TESTDATA, kind), "junit"))
            suite = suites.find("testsuite")
            cases = suite.findall("testcase")
            want = {"tests": len(cases), "failures": failures, "errors": errors,
                    "skipped": skipped}
            self.assertEqual({k: int(suite.get(k)) for k in want}, want, kind)
            got = {k: len(suite.findall("testcase/" + k[:-1] if k != "skipped" else
                                        "testcase/skipped")) for k in want if k != "tests"}
            self.assertEqual(got, {k: want[k] for k in got}, kind)
            names = [(c.get("classname"), c.get("name")) for c in cases]
            self.assertEqual(len(names), len(set(names)))

    def test_junit_of_bytes_that_are_no_text(self):
        folder = self.copy()
        path = os.path.join(folder, "verdicts.json")
        with open(path, "rb") as f:
            data = f.read()
        data = data.replace(b"nop/null", b"nop/\xff\xc3\xed\xa0\x80\\u0001\\ufffe")
        with open(path, "wb") as f:
            f.write(data)
        suite = ET.fromstring(report(folder, "junit")).find("testsuite")
        self.assertTrue(any(c.get("name").startswith("nop/\ufffd")
                            for c in suite.findall("testcase")))
        lint_openmetrics(report(folder, "openmetrics"))
        report(folder, "markdown")
        report(folder, "annotations")

    def test_verdict_that_is_none(self):
        """Longer than a headline, and with what a headline does not keep."""
        for word in ("w" * 4000, "a\u0001b"):
            folder = self.copy()
            path = os.path.join(folder, "verdicts.json")
            with open(path, encoding="utf-8") as f:
                doc = json.load(f)
            doc["verdict"] = word
            doc["line"] = "LINE"
            with open(path, "w", encoding="utf-8") as f:
                json.dump(doc, f)
            top = re.search(r'<p class="verdict \w+">(.*?)(?: <span|</p>)',
                            report(folder, "html"), re.S)
            text = re.sub(r"<[^>]*>", "", top.group(1))
            self.assertRegex(text, r"^w+\u2026$" if word[0] == "w" else r"^a b: LINE$")
            shutil.rmtree(folder)

    def test_units_and_metrics_are_foreign_text(self):
        """As labels are: no format takes them for its own, and a cut character is none."""
        folder = self.copy()
        path = os.path.join(folder, "verdicts.json")
        for unit in ("<b>&|@all", "a\n# x\u001b[2J", "\u20ac" * 9):
            with open(os.path.join(self.gate(), "verdicts.json"), encoding="utf-8") as f:
                doc = json.load(f)
            for cell in doc["cells"]:
                for metric in cell["metrics"]:
                    metric.update(unit=unit, metric="<i>\u001b]0;x" + metric["metric"])
            with open(path, "w", encoding="utf-8") as f:
                json.dump(doc, f)
            ET.fromstring(report(folder, "junit"))
            lint_openmetrics(report(folder, "openmetrics"))
            text = report(folder, "markdown")
            self.assertNotRegex(text, r"<b>|<i>|@all|^# x")
            for line in text.splitlines():
                if line.startswith("| **regressed**"):
                    self.assertEqual(len(line.split("|")), 12, line)
            self.assertNotRegex(report(folder, "html"), r"<b>&|<i>|\x1b")
            for form in ("text", "annotations", "markdown"):
                self.assertNotIn("\x1b", report(folder, form))

    def test_openmetrics(self):
        families = lint_openmetrics(report(self.gate(), "openmetrics"))
        self.assertEqual(families["uhbench_gate"], 1)
        self.assertEqual(families["uhbench_gate_verdict"], 7)
        self.assertEqual(families["uhbench_gate_metric"], 15)
        self.assertEqual(families["uhbench_gate_change_ratio"], 12)
        self.assertEqual(lint_openmetrics(report(os.path.join(TESTDATA, "stored"), "openmetrics"))
                         ["uhbench_gate_change_ratio"], 2)

    def test_annotations(self):
        """Every line is a command, and there are not more of a kind than the runner shows."""
        large = report(self.large(300, 1), "annotations").splitlines()
        lines = report(self.gate(), "annotations").splitlines() + large
        for line in lines:
            self.assertRegex(line, r"^::(error|warning|notice) title=[^,:]+::[^\r\n]+$")
        self.assertEqual(sum(line.startswith("::error") for line in large), 10)
        self.assertIn("%s more are in the job's summary" % (43 - 8), large[9])

    def test_no_error_in_a_green_job(self):
        """With --fail-on a regression may leave the exit code 0, or that of undecided cells."""
        folder = self.large(14, 1)
        path = os.path.join(folder, "verdicts.json")
        with open(path, encoding="utf-8") as f:
            text = f.read()
        for code, level, failures in ((0, "warning", 0), (4, "warning", 0), (1, "error", 2)):
            with open(path, "w", encoding="utf-8") as f:
                f.write(text.replace('"exit_code": 1', '"exit_code": %d' % code))
            lines = report(folder, "annotations")
            self.assertEqual(lines.count("::%s title=uhbench%%3A regressed::" % level), 3)
            self.assertEqual("::error" in lines, code == 1)
            suite = ET.fromstring(report(folder, "junit")).find("testsuite")
            self.assertEqual(len(suite.findall("testcase/failure")), failures)
            self.assertEqual(suite.get("failures"), str(failures))
            self.assertEqual(suite.get("skipped"), str(2 - failures))
        self.assertNotIn("skipped>", report(folder, "junit"))

    def test_red_job_is_red_in_junit(self):
        """Whatever made it so: then one case is an error, and none passes."""
        folder = self.large(14, 1)
        path = os.path.join(folder, "verdicts.json")
        with open(path, encoding="utf-8") as f:
            doc = json.load(f)
        doc["cells"] = [c for c in doc["cells"] if c["metrics"][0]["verdict"] == "unchanged"]
        n = len(doc["cells"])
        for change, errors, skipped in (
                ({"exit_code": 3, "verdict": "failed"}, 1, n),  # the control did
                ({"exit_code": 5, "verdict": "inconclusive"}, 1, n),  # there was none
                ({"exit_code": 130, "verdict": "inconclusive"}, 1, n),
                ({"exit_code": 4, "verdict": "inconclusive", "advice": "another kernel"}, 1, n),
                ({"exit_code": 0, "verdict": "inconclusive", "advice": "another kernel"}, 0, 0),
                ({"exit_code": 4, "verdict": "inconclusive", "cells": []}, 1, 0),
                ({"exit_code": 0, "verdict": "passed"}, 0, 0)):
            with open(path, "w", encoding="utf-8") as f:
                json.dump({**doc, **change}, f)
            suite = ET.fromstring(report(folder, "junit")).find("testsuite")
            self.assertEqual((suite.get("errors"), suite.get("skipped"), suite.get("failures")),
                             (str(errors), str(skipped), "0"), change)
            self.assertEqual(len(suite.findall("testcase/error")), errors)
            self.assertEqual(len(suite.findall("testcase/skipped")), skipped)
            self.assertEqual(len(suite.findall("testcase[@name='the gate']")), errors)

    def test_fail_on_is_read(self):
        """A gate that broke says nothing of its regressions by its exit code."""
        folder = self.copy()
        path = os.path.join(folder, "verdicts.json")
        with open(path, encoding="utf-8") as f:
            doc = json.load(f)
        for words, failures in ((["inconclusive"], "0"), (["regressed", "inconclusive"], "2")):
            doc["params"]["fail_on"] = words
            with open(path, "w", encoding="utf-8") as f:
                json.dump(doc, f)
            suite = ET.fromstring(report(folder, "junit")).find("testsuite")
            self.assertEqual((suite.get("failures"), suite.get("errors")), (failures, "1"))
            lines = report(folder, "annotations")
            self.assertIn("::error title=uhbench%3A failed::", lines)
            self.assertEqual("::error title=uhbench%3A regressed::" in lines, failures == "2")

    def test_csv(self):
        rows = list(csv.DictReader(io.StringIO(report(self.gate(), "csv"))))
        self.assertEqual(len(rows), 15)
        self.assertEqual(rows[0]["verdict"], "failed")
        self.assertEqual(rows[1]["estimate"], "0.24")
        self.assertIn("second line", rows[1]["label"])
        self.assertEqual([r["gated"] for r in rows], ["true"] * 9 + ["false"] * 6)

    def test_speed(self):
        """100 cells of 60 pairs: all reports in 2 s."""
        folder = self.large(100, 60)
        begin = time.monotonic()
        for form in FORMATS:
            report(folder, form)
        took = time.monotonic() - begin
        print("all reports of 100 cells x 60 pairs: %.2f s" % took)
        self.assertLess(took, 2.0)

    def test_page_is_written_beside(self):
        folder = self.copy()
        done = run(folder, "--format", "html")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(os.path.exists(os.path.join(folder, "gate.html")))

    def test_page_of_what_is_large_or_unknown(self):
        """No interval is drawn where none is known, and an axis keeps inside its picture."""
        before = report(self.gate(), "html").count('class="g-range"')
        folder = self.copy()
        path = os.path.join(folder, "verdicts.json")
        with open(path, encoding="utf-8") as f:
            doc = json.load(f)
        doc["cells"][1]["metrics"][0].update(low=None, high=None)
        with open(path, "w", encoding="utf-8") as f:
            json.dump(doc, f)
        path = os.path.join(folder, "pairs.jsonl")
        with open(path, encoding="utf-8") as f:
            pairs = [json.loads(line) for line in f]
        for pair in pairs:
            if pair["base"]:
                pair["base"]["metrics"] = {k: v * 4e3 for k, v in pair["base"]["metrics"].items()}
        with open(path, "w", encoding="utf-8") as f:
            f.writelines(json.dumps(pair) + "\n" for pair in pairs)
        page = report(folder, "html")
        self.assertEqual(page.count('class="g-range"'), before - 1)
        labels = re.findall(r'text-anchor="end">([^<]*%)<', page)
        self.assertIn("+400k %", labels)
        self.assertLess(max(map(len, labels)), 9)

    def fails(self, folder, *args):
        done = run(folder, *args)
        self.assertEqual(done.returncode, 2, done.stdout)
        return done.stderr.decode()

    def test_wrong_format(self):
        self.assertIn("hdr is of sessions", self.fails(self.gate(), "--format", "hdr"))
        self.assertIn("markdown is of gates",
                      self.fails(os.path.join(TESTDATA, "session"), "--format", "markdown"))
        self.assertIn("manifest.json", self.fails(self.gate(), "--session"))

    def test_damaged(self):
        folder = self.copy()
        path = os.path.join(folder, "verdicts.json")
        with open(path, encoding="utf-8") as f:
            whole = f.read()
        for text, says in ((whole[:2000], "verdicts.json:"),
                           (whole.replace('"schema": 1', '"schema": 2'), "schema 2"),
                           ('{"schema": 1}', "no verdict")):
            with open(path, "w", encoding="utf-8") as f:
                f.write(text)
            for form in FORMATS:
                self.assertIn(says, self.fails(folder, "--format", form, "-o", "-"))
        os.unlink(path)
        self.assertIn("uhbench replay " + folder, self.fails(folder))

    def test_damaged_pairs(self):
        folder = self.copy()
        path = os.path.join(folder, "pairs.jsonl")
        with open(path, encoding="utf-8") as f:
            lines = f.read().splitlines()
        with open(path, "w", encoding="utf-8") as f:
            f.write("\n".join(lines)[:-20])
        self.assertIn("cut short", report(folder, "html"))
        with open(path, "w", encoding="utf-8") as f:
            f.write("\n".join(lines[:4]) + "\n{]\n")
        self.assertIn("pairs.jsonl:5: not JSON", self.fails(folder, "--format", "html", "-o", "-"))


if __name__ == "__main__":
    UHBENCH = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=2)

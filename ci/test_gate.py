#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""ci/gate, and the very steps of ci/action.yml and ci/gitlab.yml, on a small repository whose head is
slower than its base, and on one whose head only says it differently.

Usage: test_gate.py UHBENCH
"""
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as ET

try:
    import yaml
except ImportError:
    print("no python3-yaml: ci/setup test")
    sys.exit(77)

UHBENCH = None
CI = os.path.dirname(os.path.abspath(__file__))
GATE = os.path.join(CI, "gate")
PROGRAM = """/* %s */
int main(void)
{
	for (volatile long i = 0; i < %d; i++)
		;
	return 0;
}
"""
MATRIX = """{
	"name": "small",
	"warmup": "20ms",
	"duration": "100ms",
	"cells": [{"workload": "command", "target": "repeat", "with": {"run": "${bin}"}}]
}
"""
# What others do on the machine that runs the tests is not what is tested.
OPTIONS = "--concurrent --max-foreign 100% --max-steal 100% --seed 7"


class Gate(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="uhbench-gate-")
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)
        self.repo = os.path.join(self.dir, "repo")
        self.env = {k: v for k, v in os.environ.items()
                    if not k.startswith(("GITHUB_", "CI_", "GIT_", "UHBENCH"))}
        self.env.update(UHBENCH=UHBENCH, GIT_CONFIG_GLOBAL=os.devnull, GIT_CONFIG_NOSYSTEM="1")
        self.git("init", "-q", "-b", "trunk", self.repo, cwd=self.dir)
        self.git("config", "user.name", "test")
        self.git("config", "user.email", "test@localhost")
        self.write("Makefile", "program: program.c\n\t$(CC) -O1 -o $@ $<\n")
        self.write("gate.json", MATRIX)
        self.commit("first", 3000000)

    def git(self, *args, cwd=None):
        done = subprocess.run(["git", *args], cwd=cwd or self.repo, env=self.env, check=True,
                              capture_output=True, text=True, timeout=60)
        return done.stdout.strip()

    def write(self, name, text):
        with open(os.path.join(self.repo, name), "w", encoding="utf-8") as f:
            f.write(text)

    def commit(self, what, loops):
        self.write("program.c", PROGRAM % (what, loops))
        self.git("add", "-A")
        self.git("commit", "-q", "-m", what)
        return self.git("rev-parse", "HEAD")

    def path(self, name):
        return os.path.join(self.repo, "uhbench-gate", name)

    def text(self, name):
        with open(name, encoding="utf-8") as f:
            return f.read()

    def run_step(self, script, **env):
        return subprocess.run(["bash", "-euo", "pipefail", "-c", script], cwd=self.repo,
                              env={**self.env, **env}, capture_output=True, text=True, timeout=280)

    def assert_clean(self):
        """Nothing is left in the repository but the gate's folder."""
        self.assertEqual(len(self.git("worktree", "list").splitlines()), 1)
        self.assertIn(self.git("status", "--porcelain"), ("", "?? uhbench-gate/"))

    def test_action_sees_a_slower_head(self):
        """Compared with where it left the branch, not with what has come to that since."""
        left = self.git("rev-parse", "HEAD")
        self.git("checkout", "-q", "-b", "topic")
        self.commit("slower", 15000000)
        self.git("checkout", "-q", "trunk")
        self.commit("as slow, and none of the topic's business", 15000000)
        self.git("update-ref", "refs/remotes/origin/trunk", "trunk")
        self.git("checkout", "-q", "topic")

        with open(os.path.join(CI, "action.yml"), encoding="utf-8") as f:
            action = yaml.safe_load(f)
        step = next(s for s in action["runs"]["steps"] if s.get("id") == "gate")
        inputs = {k: v.get("default", "") for k, v in action["inputs"].items()}
        inputs.update(matrix="gate.json", build="make", binary="program", options=OPTIONS)
        env = {k: inputs[v.split("inputs.")[1].split(" ")[0]] for k, v in step["env"].items()}
        output, summary = os.path.join(self.dir, "output"), os.path.join(self.dir, "summary")
        done = self.run_step(step["run"], GITHUB_ACTION_PATH=CI, GITHUB_ACTIONS="true",
                             GITHUB_BASE_REF="trunk", GITHUB_OUTPUT=output,
                             GITHUB_STEP_SUMMARY=summary, **env)

        self.assertEqual(done.returncode, 1, done.stderr + done.stdout)
        self.assertEqual(self.text(output), "verdict=regressed\nfolder=uhbench-gate\n")
        self.assertEqual(self.text(summary), self.text(self.path("gate.md")))
        self.assertIn("**regressed**", self.text(summary))
        self.assertIn(left[:12], self.text(summary))
        self.assertIn("::error title=uhbench%3A regressed::", done.stderr)
        suite = ET.parse(self.path("junit.xml")).getroot().find("testsuite")
        self.assertEqual(suite.get("failures"), "1")
        self.assertIn('uhbench_gate_verdict{uhbench_gate_verdict="regressed"} 1',
                      self.text(self.path("openmetrics.txt")))
        self.assertIn("role=\"img\"", self.text(self.path("gate.html")))
        self.assert_clean()

    def test_comment_is_replaced(self):
        """The step that comments, with a gh that keeps what it is asked for."""
        with open(os.path.join(CI, "action.yml"), encoding="utf-8") as f:
            steps = yaml.safe_load(f)["runs"]["steps"]
        script = next(s for s in steps if s["name"] == "Comment")["run"]
        asked = os.path.join(self.dir, "asked")
        gh = os.path.join(self.dir, "gh")
        with open(gh, "w", encoding="utf-8") as f:
            f.write('#!/bin/sh\nprintf "%s\\n" "$*" >>"$ASKED"\n'
                    'case $* in *--jq*) [ -z "$THERE" ] || printf "4\\n$THERE\\n" ;; esac\n')
        os.chmod(gh, 0o755)
        env = {"PATH": self.dir + ":" + self.env["PATH"], "ASKED": asked, "OUT": "uhbench-gate",
               "COMMENTS": "repos/a/b/issues", "NUMBER": "12"}

        self.assertEqual(self.run_step(script, THERE="", **env).returncode, 0)
        self.assertFalse(os.path.exists(asked))  # there is no verdict to tell
        os.mkdir(os.path.join(self.repo, "uhbench-gate"))
        self.write("uhbench-gate/gate.md", "<!-- uhbench gate small -->\n")
        for there, call in (("", "-X POST repos/a/b/issues/12/comments"),
                            ("77", "-X PATCH repos/a/b/issues/comments/77")):
            done = self.run_step(script, THERE=there, **env)
            self.assertEqual(done.returncode, 0, done.stderr)
            last = self.text(asked).splitlines()[-1]
            self.assertIn(call + " -F body=@uhbench-gate/gate.md", last)

    def test_gitlab_lets_the_same_pass(self):
        base = self.git("rev-parse", "HEAD")
        self.commit("the same", 3000000)
        with open(os.path.join(CI, "gitlab.yml"), encoding="utf-8") as f:
            job = yaml.safe_load(f)[".uhbench-gate"]
        env = {k: str(v) for k, v in job["variables"].items()}
        env.update(UHBENCH_HOME=os.path.dirname(CI), UHBENCH_MATRIX="gate.json",
                   UHBENCH_BUILD="make", UHBENCH_BINARY="program", UHBENCH_OPTIONS=OPTIONS)
        done = self.run_step(job["script"][-1], CI_MERGE_REQUEST_DIFF_BASE_SHA=base, **env)

        # A machine that is busy with other things may leave it undecided; never red.
        self.assertIn(done.returncode, (0, 4), done.stderr + done.stdout)
        for name in job["artifacts"]["reports"].values():
            self.assertTrue(os.path.getsize(os.path.join(self.repo, name)), name)
        self.assertIn('failures="0" errors="0"', self.text(self.path("junit.xml")))
        self.assert_clean()

    def refused(self, status, says, *args):
        done = subprocess.run([GATE, *args], cwd=self.repo, env=self.env, capture_output=True,
                              text=True, timeout=60)
        self.assertEqual(done.returncode, status, done.stderr)
        self.assertIn(says, done.stderr)
        self.assert_clean()

    def test_usage(self):
        self.refused(2, "no matrix is given")
        self.refused(2, "unknown option '--bse'", "--bse", "HEAD", "gate.json")
        self.refused(2, "--base wants a value", "--base")
        self.refused(2, "none.json: there is no such matrix", "none.json")
        self.refused(2, "no commit 'nowhere'", "--base", "nowhere", "gate.json")
        self.refused(2, "no commit 'origin/HEAD'", "gate.json")
        self.refused(2, "/none is no program", "--uhbench", "/none", "--base", "HEAD", "gate.json")
        os.mkdir(os.path.join(self.repo, "uhbench-gate"))
        self.refused(2, "is there already", "--base", "HEAD", "gate.json")

    def test_what_does_not_build(self):
        base = self.git("rev-parse", "HEAD")
        self.write("Makefile", "program:\n\t@echo that went wrong; exit 1\n")
        self.commit("broken", 1)
        self.refused(3, "that went wrong", "--build", "make", "--binary", "program",
                     "--base", base, "gate.json")
        self.refused(3, "head (", "--build", "make", "--binary", "program",
                     "--base", base, "gate.json")
        self.refused(3, "has not made other", "--build", "make", "--binary", "other",
                     "--base", base, "--head", base, "gate.json")

    def test_other_work_trees_survive(self):
        """One that is on a disk which is not mounted now is there again later."""
        other, away = os.path.join(self.dir, "other"), os.path.join(self.dir, "away")
        self.git("worktree", "add", "-q", "-b", "feature", other)
        os.rename(other, away)
        done = subprocess.run([GATE, "--base", "HEAD", "--build", "false", "gate.json"],
                              cwd=self.repo, env=self.env, capture_output=True, text=True,
                              timeout=60)
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertEqual(len(self.git("worktree", "list").splitlines()), 2)
        os.rename(away, other)
        self.assertEqual(self.git("symbolic-ref", "HEAD", cwd=other), "refs/heads/feature")

    def test_matrix_is_wrong(self):
        """What `uhbench ab` refuses is refused here, by its own words and exit code."""
        self.write("gate.json", '{"name": "small", "cells": []}')
        self.commit("no cells", 1000)
        self.refused(2, "gate.json", "--build", "make", "--binary", "program",
                     "--base", "HEAD", "gate.json")


if __name__ == "__main__":
    UHBENCH = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=2)

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""ci/gate, and the very steps of ci/action.yml and ci/gitlab.yml, on a small repository whose head is
slower than its base, and on one whose head only says it differently.

Usage: test_gate.py UHBENCH
"""
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import xml.etree.ElementTree as ET

if not shutil.which("jq"):
    print("no jq: ci/setup test")
    sys.exit(77)
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
# A uhbench that measures nothing, and keeps what it is asked for.
ASKED = """#!/bin/bash
printf '%%s\\n' "$@" >%s
exit %d
"""
# One that finds a regression, and can write no report.
NO_REPORTS = """#!/bin/bash
[[ $1 == ab ]] || { echo 'no space is left' >&2; exit 3; }
mkdir uhbench-gate
printf '{"name": "\\\\"verdict\\\\": \\\\"x", "verdict":\\t"%s", "cells": [{"verdict": "failed"}]}' \
	>uhbench-gate/verdicts.json
exit %d
"""
# gh, with the comments of comments.json; keeps what is written, unless its token may only read.
GH = """#!/bin/bash
cd "${0%/*}" || exit
case $* in
*--jq*) while [[ $1 != --jq ]]; do shift; done; exec jq -r "$2" comments.json ;;
esac
[[ ! -e read-only ]] || { echo 'gh: Resource not accessible by integration (HTTP 403)' >&2; exit 1; }
{ printf '%s\\n' "$*"; cat; } >>asked
"""


def filled_in(text, values):
    """As a forge fills in ${{ EXPRESSION }}; one that the test does not know fails it."""
    return re.sub(r"\$\{\{ (.*?) \}\}", lambda m: values[m.group(1)], text)


def processes_with(text):
    """Those whose command line holds this."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/cmdline" % pid, "rb") as f:
                if text.encode() in f.read():
                    found.append(int(pid))
        except (FileNotFoundError, ProcessLookupError):
            pass  # it has ended
    return found


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

    def program(self, name, text):
        path = os.path.join(self.dir, "programs", name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(path, 0o755)
        return path

    def home(self):
        """A checkout of uhbench that installs and builds nothing, but says that it was asked to."""
        for name in ("setup", "build"):
            self.program("ci/" + name, '#!/bin/bash\nprintf "%%s\\n" "%s${1:+ $1}" >>%s\n' %
                         (name, os.path.join(self.dir, "prepared")))
        os.symlink(GATE, os.path.join(self.dir, "programs/ci/gate"))
        return os.path.join(self.dir, "programs")

    def run_script(self, script, **env):
        return subprocess.run(["bash", "-eo", "pipefail", "-c", script], cwd=self.repo,
                              env={**self.env, **env}, capture_output=True, text=True, timeout=280)

    def action(self):
        with open(os.path.join(CI, "action.yml"), encoding="utf-8") as f:
            return yaml.safe_load(f)

    def run_step(self, name, values, **env):
        step = next(s for s in self.action()["runs"]["steps"] if s["name"] == name)
        env.update({k: filled_in(v, values) for k, v in step.get("env", {}).items()})
        return self.run_script(step["run"], **env)

    def run_action(self, inputs, before="", queue="", **env):
        """All its steps but the one that comments. Returns how `Compare` ended, and what the
        workflow sees."""
        action = self.action()
        values = {"github.job": "build", "strategy.job-index": "0",
                  "github.event_name == 'push' && github.event.before || ''": before,
                  "github.event.repository.default_branch": "trunk",
                  "steps.gate.outputs.verdict": "", "steps.gate.outputs.folder": ""}
        for name, row in action["inputs"].items():
            values["inputs." + name] = filled_in(str(inputs.get(name, row.get("default", ""))),
                                                 values)
        values["inputs.base || github.event.merge_group.base_sha"] = values["inputs.base"] or queue
        outputs = os.path.join(self.dir, "outputs")
        env.update(GITHUB_OUTPUT=outputs, GITHUB_ACTION_PATH=os.path.join(self.home(), "ci"))
        for step in action["runs"]["steps"]:
            if step["name"] in ("Name", "Set up", "Compare"):
                done = self.run_step(step["name"], values, **env)
                with open(outputs, "a+", encoding="utf-8") as f:
                    f.seek(0)
                    for line in f.read().splitlines():
                        key, value = line.split("=", 1)
                        values["steps.%s.outputs.%s" % (step.get("id"), key)] = value
                    f.truncate(0)
        keep = next(s for s in action["runs"]["steps"] if s["name"] == "Keep")
        values["Keep.path"] = filled_in(keep["with"]["path"], values)
        for name, row in action["outputs"].items():
            values["outputs." + name] = filled_in(row["value"], values)
        return done, values

    def run_gitlab(self, options, base):
        with open(os.path.join(CI, "gitlab.yml"), encoding="utf-8") as f:
            job = yaml.safe_load(f)[".uhbench-gate"]
        env = {k: str(v) for k, v in job["variables"].items()}
        env.update(UHBENCH_HOME=self.home(), UHBENCH_MATRIX="gate.json", UHBENCH_BUILD="make",
                   UHBENCH_BINARY="program", UHBENCH_OPTIONS=options)
        return self.run_script("\n".join(job["script"]), CI_MERGE_REQUEST_DIFF_BASE_SHA=base,
                               **env), job

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

        inputs = {"matrix": "gate.json", "build": "make", "binary": "program", "options": OPTIONS}
        summary = os.path.join(self.dir, "summary")
        done, out = self.run_action(inputs, GITHUB_ACTIONS="true", GITHUB_BASE_REF="trunk",
                                    GITHUB_STEP_SUMMARY=summary)

        self.assertEqual(done.returncode, 1, done.stderr + done.stdout)
        self.assertEqual(out["outputs.verdict"], "regressed")
        self.assertEqual(out["outputs.folder"], out["Keep.path"])
        os.rename(os.path.join(self.repo, out["Keep.path"]), self.path(""))
        self.assertEqual(self.text(os.path.join(self.dir, "prepared")), "setup build\nbuild\n")
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
        """The bot's own of this gate, nobody else's; one that may not be written fails nothing."""
        gh = self.program("gh", GH)
        comments, asked = (os.path.join(os.path.dirname(gh), n) for n in ("comments.json", "asked"))
        values = {"github.token": "t", "github.repository": "a/b", "inputs.comment": "true",
                  "github.event.pull_request.number": "12", "steps.name.outputs.name": "job-1",
                  "steps.name.outputs.out": "uhbench-gate"}
        env = {"PATH": os.path.dirname(gh) + ":" + self.env["PATH"]}
        self.assertEqual(self.run_step("Comment", values, **env).returncode, 0)  # no verdict

        os.mkdir(os.path.join(self.repo, "uhbench-gate"))
        self.write("uhbench-gate/gate.md", "<!-- uhbench gate small -->\n@verdict\n")
        self.program("comments.json", "[]")
        only = self.program("read-only", "")
        done = self.run_step("Comment", values, **env)
        os.unlink(only)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("403", done.stderr)
        self.assertIn("::warning title=uhbench::no comment could be written", done.stdout)

        bot, mark = "github-actions[bot]", "<!-- job-1 -->"
        others = [(1, "somebody", mark + "\nquoted"), (2, bot, "<!-- job-12 -->\n"),
                  (3, bot, "see " + mark)]
        for there, call in ((others, "-X POST repos/a/b/issues/12/comments"),
                            ([(77, bot, mark + "\r\nold"), *others],
                             "-X PATCH repos/a/b/issues/comments/77")):
            with open(comments, "w", encoding="utf-8") as f:
                json.dump([{"id": i, "user": {"login": who}, "body": body}
                           for i, who, body in there], f)
            done = self.run_step("Comment", values, **env)
            self.assertEqual((done.returncode, done.stdout), (0, ""), done.stderr)
            self.assertEqual(self.text(asked), "api --silent %s -F body=@-\n%s\n@verdict\n" %
                             (call, mark))
            os.unlink(asked)

    def test_names_of_gates(self):
        """Two gates of one workflow keep different artifacts in different folders."""
        names = set()
        for key, matrix in (("a 0", "x.json"), ("a 1", "x.json"), ("a 0", "y.json"),
                            ("a 0", "\u00b5.json"), ("a 0", "\u00e4.json"), ("a-0", "x.json")):
            values = {"inputs.key": key, "inputs.matrix": matrix, "inputs.out": ""}
            outputs = os.path.join(self.dir, "outputs")
            done = self.run_step("Name", values, GITHUB_OUTPUT=outputs)
            self.assertEqual(done.returncode, 0, done.stderr)
            name, out = self.text(outputs).splitlines()[-2:]
            self.assertRegex(name, "^name=uhbench-gate-[A-Za-z0-9-]+$")
            self.assertEqual(out.split("=")[1], name.split("=")[1])
            names.add(name)
        self.assertEqual(len(names), 6)

    def test_gitlab_lets_the_same_pass(self):
        base = self.git("rev-parse", "HEAD")
        self.commit("the same", 3000000)
        # Two of the same: an effect as large as this is not to be seen on a busy machine either.
        done, job = self.run_gitlab(OPTIONS + " --effect 50%", base)
        self.assertEqual(done.returncode, 0, done.stderr + done.stdout)
        self.assertEqual(self.text(os.path.join(self.dir, "prepared")), "setup build\n")
        for name in job["artifacts"]["reports"].values():
            self.assertTrue(os.path.getsize(os.path.join(self.repo, name)), name)
        self.assertIn('failures="0" errors="0"', self.text(self.path("junit.xml")))
        self.assert_clean()

    def refused(self, status, says, *args, **env):
        done = subprocess.run([GATE, *args], cwd=self.repo, env={**self.env, **env},
                              capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, status, done.stderr)
        self.assertIn(says, done.stderr)
        self.assert_clean()
        return done.stderr

    def test_options_are_words(self):
        """In several lines and in quotes, and no pattern becomes names of files."""
        os.mkdir(os.path.join(self.repo, "wal"))
        self.write("wal/file", "")
        base = self.git("rev-parse", "HEAD")
        self.commit("the same", 3000000)
        asked = os.path.join(self.dir, "asked")
        self.env["UHBENCH"] = self.program("uhbench", ASKED % (asked, 4))
        options = "--effect 10%\n--only wal/*  --fail-on 'a  b'\n"
        want = ["--budget", "10m", "--effect", "10%", "--only", "wal/*", "--fail-on", "a  b"]
        done, _ = self.run_gitlab(options, base)
        self.assertEqual(done.returncode, 4, done.stderr)
        self.assertEqual(self.text(asked).splitlines()[-8:], want)
        os.unlink(asked)
        shutil.rmtree(os.path.join(self.dir, "programs/ci"))
        done, _ = self.run_action({"matrix": "gate.json", "build": "make", "binary": "program",
                                   "base": base, "options": options})
        self.assertEqual(done.returncode, 4, done.stderr)
        self.assertEqual(self.text(asked).splitlines()[-8:], want)

    def test_default_base(self):
        """What the forge says the head is to be compared with, for each kind of checkout."""
        first = self.git("rev-parse", "HEAD")
        self.git("checkout", "-q", "-b", "topic")
        self.write("other", "")
        self.commit("topic", 3000000)
        self.git("checkout", "-q", "trunk")
        second = self.commit("trunk", 4000000)
        self.git("update-ref", "refs/remotes/origin/trunk", "trunk")
        self.git("checkout", "-q", "--detach")
        self.git("merge", "-q", "-X", "theirs", "-m", "as a checkout of a pull request", "topic")
        zeros, gone = "0" * 40, "1" * 40
        merged = {"CI_MERGE_REQUEST_DIFF_BASE_SHA": first}
        for base, env in ((second, {"GITHUB_BASE_REF": "trunk"}),
                          (first, {"PUSHED_FROM": first}), (first, {"CI_COMMIT_BEFORE_SHA": first}),
                          (first, {**merged, "CI_COMMIT_BEFORE_SHA": zeros}),
                          # HEAD is the merge: the target's commit is what it was merged into
                          (second, {**merged, "CI_MERGE_REQUEST_TARGET_BRANCH_SHA": second}),
                          (second, {"PUSHED_FROM": zeros, "DEFAULT_BRANCH": "trunk"}),
                          (second, {"CI_COMMIT_BEFORE_SHA": gone, "CI_DEFAULT_BRANCH": "trunk"})):
            self.refused(3, "building base, " + base[:12], "--build", "false", "gate.json", **env)
        self.refused(2, "no commit 'origin/HEAD', the remote's default branch: --base", "gate.json",
                     PUSHED_FROM=zeros)
        self.refused(2, "111, which the push replaced, is not in this checkout", "gate.json",
                     PUSHED_FROM=gone)
        for base, event in ((first, {"before": first}), (second, {"before": gone}),
                            (first, {"queue": first})):
            done, _ = self.run_action({"matrix": "gate.json", "build": "false"}, **event)
            self.assertIn("building base, " + base[:12], done.stderr)
            shutil.rmtree(os.path.join(self.dir, "programs"))

    def test_nothing_was_measured(self):
        base = self.git("rev-parse", "HEAD")
        self.commit("the same", 3000000)
        build = ["--build", "make", "--binary", "program", "--base", base]
        self.refused(3, "nothing was measured", *build, "gate.json", "--dry-run")
        self.refused(2, "one commit", *build, "--head", base, "gate.json")
        for option in (["-o", "x"], ["-ox"], ["--out", "x"]):
            self.refused(2, "is named by --out", *build, "gate.json", *option)
        for option in (["--base", base], ["--uhbench=x"]):
            self.refused(2, "comes before the matrix", *build, "gate.json", *option)
        self.refused(2, "no words of a shell", *build, "--options", "--only 'x", "gate.json")

    def module(self, name, *uses):
        """A repository that others can have as a submodule."""
        path = os.path.join(self.dir, name)
        self.git("init", "-q", "-b", "trunk", path, cwd=self.dir)
        for other in uses:
            self.git("submodule", "--quiet", "add", other, os.path.basename(other), cwd=path)
        self.git("-c", "user.name=t", "-c", "user.email=t@localhost", "commit", "-q",
                 "--allow-empty", "-m", "first", cwd=path)
        return path

    def test_submodules(self):
        """Each side is built with those that its commit names and the user has initialised, be they
        in another; the repository's configuration stays what it was."""
        self.env.update(GIT_CONFIG_COUNT="1", GIT_CONFIG_KEY_0="protocol.file.allow",
                        GIT_CONFIG_VALUE_0="always")
        inner, gone = self.module("inner"), self.module("gone")
        for url in (self.module("lib", inner, gone), gone):
            self.git("submodule", "--quiet", "add", url, os.path.basename(url))
        base = self.commit("with libraries", 3000000)
        self.commit("the same", 3000000)
        self.git("submodule", "--quiet", "deinit", "-f", "gone")
        self.git("submodule", "--quiet", "update", "--init", "inner",
                 cwd=os.path.join(self.repo, "lib"))
        shutil.rmtree(gone)
        config = self.text(os.path.join(self.repo, ".git/config"))
        self.env["UHBENCH"] = self.program("uhbench", ASKED % (os.devnull, 4))
        said = self.refused(4, "gate: left out, not initialised: gone\n", "--build",
                            "test -e lib/.git -a -e lib/inner/.git -a ! -e gone/.git && make",
                            "--binary", "program", "--base", base, "gate.json")
        self.assertNotIn("initialised: lib", said)
        self.assertEqual(self.text(os.path.join(self.repo, ".git/config")), config)

    def test_reports_that_cannot_be_written(self):
        """The verdict stays, and is told; but what broke never ends with 0."""
        base = self.git("rev-parse", "HEAD")
        self.commit("the same", 3000000)
        outputs = os.path.join(self.dir, "outputs")
        for verdict, code, want in (("regressed", 1, 1), ("passed", 0, 3)):
            self.env["UHBENCH"] = self.program("uhbench", NO_REPORTS % (verdict, code))
            self.refused(want, "no space is left", "--build", "make", "--binary", "program",
                         "--base", base, "gate.json", GITHUB_OUTPUT=outputs)
            self.assertEqual(self.text(outputs), "verdict=%s\nfolder=./uhbench-gate\n" % verdict)
            os.unlink(outputs)
            shutil.rmtree(os.path.join(self.repo, "uhbench-gate"))

    def ended(self, base, build, is_there):
        """Sends SIGTERM as soon as is_there; neither a process nor a work tree may be left."""
        with subprocess.Popen([GATE, "--base", base, "--build", build, "--binary", "program",
                               "gate.json", *OPTIONS.split()], cwd=self.repo, env=self.env,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as gate:
            end = time.monotonic() + 60
            while not is_there() and gate.poll() is None and time.monotonic() < end:
                time.sleep(0.05)
            came = is_there() and gate.poll() is None
            gate.send_signal(signal.SIGTERM)
            try:
                said = gate.communicate(timeout=30)[0]
            finally:
                gate.kill()
        self.assertTrue(came, said)
        self.assertEqual(gate.returncode, 128 + signal.SIGTERM, said)
        self.assertEqual(processes_with(self.dir), [])
        self.assert_clean()

    def test_told_to_end(self):
        base = self.git("rev-parse", "HEAD")
        self.commit("the same", 3000000)
        self.env["TMPDIR"] = self.dir
        built = os.path.join(self.dir, "built")
        self.ended(base, "(exec -a %s/x sleep 1000) & touch %s; wait" % (self.dir, built),
                   lambda: os.path.exists(built))
        self.ended(base, "make", lambda: os.path.exists(self.path("pairs.jsonl")))
        shutil.rmtree(self.path(""))
        hook = os.path.join(self.repo, ".git/hooks/post-checkout")  # while a work tree is made
        os.makedirs(os.path.dirname(hook), exist_ok=True)
        os.unlink(built)
        shutil.copy(self.program("hook", "#!/bin/bash\ntouch %s\nexec -a %s/x sleep 1000\n" %
                                 (built, self.dir)), hook)
        self.ended(base, "make", lambda: os.path.exists(built))

    def test_usage(self):
        self.refused(2, "no matrix is given")
        self.refused(2, "unknown option '--bse'", "--bse", "HEAD", "gate.json")
        self.refused(2, "--base wants a value", "--base")
        self.refused(2, "none.json: there is no such matrix", "none.json")
        self.refused(2, "no commit 'nowhere'", "--base", "nowhere", "gate.json")
        self.refused(2, "no commit 'origin/HEAD'", "gate.json")
        self.commit("the same", 3000000)
        self.refused(2, "/none is no program", "--uhbench", "/none", "--base", "HEAD~", "gate.json")
        os.mkdir(os.path.join(self.repo, "uhbench-gate"))
        self.refused(2, "is there already", "--base", "HEAD~", "gate.json")

    def test_what_does_not_build(self):
        first = self.git("rev-parse", "HEAD")
        base = self.commit("the same", 3000000)
        self.write("Makefile", "program:\n\t@echo that went wrong; exit 1\n")
        self.commit("broken", 1)
        self.refused(3, "that went wrong", "--build", "make", "--binary", "program",
                     "--base", base, "gate.json")
        self.refused(3, "head (", "--build", "make", "--binary", "program",
                     "--base", base, "gate.json")
        self.refused(3, "has not made other", "--build", "make", "--binary", "other",
                     "--base", first, "--head", base, "gate.json")

    def test_other_work_trees_survive(self):
        """One that is on a disk which is not mounted now is there again later."""
        self.commit("the same", 3000000)
        other, away = os.path.join(self.dir, "other"), os.path.join(self.dir, "away")
        self.git("worktree", "add", "-q", "-b", "feature", other)
        os.rename(other, away)
        done = subprocess.run([GATE, "--base", "HEAD~", "--build", "false", "gate.json"],
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
                     "--base", "HEAD~", "gate.json")


if __name__ == "__main__":
    UHBENCH = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=2)

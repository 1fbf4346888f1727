#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What `uhbench hunt` says: to wrong words, as text and as a page, and while it lasts.

Usage: test_hunt_words.py UHBENCH
"""
import os
import pty
import select
import stat
import subprocess
import sys

from hunt_case import UHBENCH, Case, main


class Words(Case):
    def test_wrong_words(self):
        gone = subprocess.Popen(["true"])
        gone.wait()
        for args, said in (
                ((), "-p PID, or -- and a command"),
                (("-p", "1", "--", "true"), "not both"),
                (("true",), r'behind "--"'),
                (("true", "1", "2"), r'behind "--": -- true'),
                (("--",), "no command"),
                (("-p", str(gone.pid)), f"process {gone.pid}: No such process"),
                (("-p", "x"), "not a whole number"),
                (("--for", "0", "--", "true"), "0 is below 10ms"),
                (("--for", "5", "--", "true"), "time with a unit"),
                (("--", "no-such-program"), "no-such-program: command not found"),
                (("--", "/tmp"), "/tmp: Is a directory"),
                (("--", "/etc/passwd"), "/etc/passwd: Permission denied"),
                (("--probes", "shed", "--", "true"), 'probe "shed" is unknown'),
                (("--probes", "syscals", "--", "true"), 'nearest is "syscalls"'),
                (("--probes", "none", "--", "true"), "nothing to watch with"),
                (("--knob", "stack_wait", "--", "true"), "not NAME=VALUE"),
                (("--knob", "stack_wiat=1ms", "--", "true"), 'nearest is "stack_wait"'),
                (("--knob", "probe_cost=0", "--", "true"), 'probe_cost: "0" is below 1'),
                (("-o", "/no/such/x.html", "--", "true"), "No such file"),
                (("-o", self.dir, "--", "true"), "Is a directory"),
                (("-o", "-", "--", "true"), "stdout has the tables")):
            p = self.hunt(*args)
            self.assertEqual(p.returncode, 2, (args, p.stderr))
            self.assertRegex(p.stderr, said)
            self.assertEqual(p.stderr.count("\n"), 1, p.stderr)
            self.assertEqual(p.stdout, "")

    def test_a_thread_is_no_process(self):
        v = self.victim(sys.executable, "-c", "import threading, time\n"
                        "threading.Thread(target=time.sleep, args=(60,)).start()")
        tasks = f"/proc/{v.pid}/task"
        self.wait_for(lambda: len(os.listdir(tasks)) == 2)
        tid = next(t for t in os.listdir(tasks) if t != str(v.pid))
        p = self.hunt("-p", tid)
        self.assertEqual(p.returncode, 2, p.stderr)
        self.assertIn("is a thread", p.stderr)

    def test_a_file_that_cannot_be_executed(self):
        bad = self.path("bad")
        with open(bad, "w") as f:
            f.write("#!/no/such/interpreter\n")
        os.chmod(bad, 0o755)
        p = self.hunt("--", bad)
        self.assertEqual(p.returncode, 2, p.stderr)
        self.assertIn("No such file", p.stderr)

    def test_a_page_into_what_is_no_file(self):
        link, page = self.path("link.html"), self.path("page.html")
        os.symlink(page, link)
        self.assertEqual(self.hunt("-o", link, "--", "true").returncode, 0)
        self.assertTrue(os.path.islink(link))
        with open(page, encoding="utf-8") as f:
            self.assertTrue(f.read().rstrip().endswith("</html>"))
        full = self.path("full")
        os.mknod(full, 0o666 | stat.S_IFCHR, os.makedev(1, 7))  # as /dev/full
        p = self.hunt("-o", full, "--", "true")
        self.assertEqual(p.returncode, 3)
        self.assertIn("No space left", p.stderr)
        self.assertTrue(stat.S_ISCHR(os.stat(full).st_mode))

    def test_text_and_page(self):
        page = self.path("x.html")
        p = self.hunt("-o", page, "--", "sh", "-c", "echo '<b>&'")
        self.assertEqual(p.returncode, 0, p.stderr)
        self.assertRegex(p.stdout, r"\Ash -c echo '<b>&'\nwatched for .* until it ended\n"
                                   r"by the kernel's own account: user")
        self.assertIn("what the probes lost and cost", p.stdout)
        with open(page, encoding="utf-8") as f:
            html = f.read()
        self.assertIn("<h1>sh -c echo &#39;&lt;b&gt;&amp;&#39;</h1>",
                      html.replace("'", "&#39;").replace("&apos;", "&#39;"))
        self.assertNotIn("<script", html)
        self.assertTrue(html.rstrip().endswith("</html>"))


class Live(Case):
    def on_terminal(self, *args):
        """stderr of a hunt whose stderr is a terminal."""
        ours, theirs = pty.openpty()
        p = subprocess.Popen([UHBENCH, "hunt", *args], stdin=subprocess.DEVNULL,
                             stdout=subprocess.DEVNULL, stderr=theirs)
        os.close(theirs)
        said = b""
        while select.select([ours], [], [], 40)[0]:
            try:
                chunk = os.read(ours, 65536)
            except OSError:  # the other end is closed
                break
            said += chunk
        os.close(ours)
        self.assertEqual(p.wait(timeout=20), 0, said)
        return said.decode()

    def test_a_process_is_drawn_anew(self):
        v = self.victim("dd", "if=/dev/zero", "of=/dev/null")
        said = self.on_terminal("--for", "2500ms", "-p", str(v.pid))
        self.assertEqual(said.count(f"dd (process {v.pid}), "), 2, said)
        self.assertRegex(said, "\x1b\\[\\d+A\x1b\\[J")

    def test_a_command_gets_lines(self):
        said = self.on_terminal("--for", "2500ms", "--", "sh", "-c", "echo word; sleep 20")
        self.assertIn("word\r\n", said)
        self.assertRegex(said, r"\[1\.0\d* s\] \w")
        self.assertNotIn("\x1b", said)

    def test_nothing_without_a_terminal_or_as_json(self):
        p = self.hunt("--for", "1500ms", "--", "sleep", "20")
        self.assertEqual(p.stderr, "")
        self.assertEqual(self.on_terminal("--json", "--for", "1500ms", "--", "sleep", "20"), "")


if __name__ == "__main__":
    main()

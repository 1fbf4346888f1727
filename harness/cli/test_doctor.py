# SPDX-License-Identifier: MIT
"""uhbench doctor ends with 0 whatever is missing, and says the same as text and as JSON.

    test_doctor.py UHBENCH
"""
import json
import os
import subprocess
import sys

NOBODY = 65534


def run(argv, **options):
    return subprocess.run(argv, capture_output=True, text=True, check=False, **options)


def check(uhbench, **options):
    """Runs both forms. Returns {(group, finding): state}."""
    text, data = run([uhbench, "doctor"], **options), run([uhbench, "doctor", "--json"], **options)
    for done in (text, data):
        if done.returncode or done.stderr:
            sys.exit(f"{done.args} exits {done.returncode}: {done.stderr}")
    states = {}
    for group in json.loads(data.stdout)["groups"]:
        if not text.stdout.count(f"{group['name']}\n"):
            sys.exit(f"the text has no group {group['name']}")
        for finding in group["findings"]:
            states[group["name"], finding["name"]] = finding["state"]
            if finding["name"] not in text.stdout:
                sys.exit(f"the text does not name {finding['name']}")
            if finding["state"] in ("missing", "warning") and not finding.get("cost"):
                sys.exit(f"nobody says what the lack of {finding['name']} costs")
    width = max(map(len, text.stdout.splitlines()))
    if width > 100:
        sys.exit(f"a line of {width} columns")
    return states


def main():
    uhbench = os.path.abspath(sys.argv[1])
    check(uhbench, cwd="/")
    if os.geteuid() == 0:
        # The folder of the checkout need not be open to others: hand the program over by descriptor.
        with open(uhbench, "rb") as program:
            states = check(f"/proc/self/fd/{program.fileno()}", cwd="/", user=NOBODY, group=NOBODY,
                           pass_fds=[program.fileno()])
        if states["BPF", "raw tracepoints"] != "missing":
            sys.exit("a user without privilege is told that BPF programs can be loaded")
    wrong = run([uhbench, "doctor", "--jsno"])
    if wrong.returncode != 2 or "--json" not in wrong.stderr:
        sys.exit(f"a wrong option exits {wrong.returncode}: {wrong.stderr}")
    for folder in ("/nonexistent", "/dev/null"):
        wrong = run([uhbench, "doctor", "--dir", folder])
        if wrong.returncode != 2 or folder not in wrong.stderr or wrong.stdout:
            sys.exit(f"--dir {folder} exits {wrong.returncode}: {wrong.stderr}")


if __name__ == "__main__":
    main()

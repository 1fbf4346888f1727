# SPDX-License-Identifier: MIT
"""The README shows the example that is tested, and a first matrix that uhbench accepts.

    test_readme.py SOURCE-ROOT UHBENCH
"""
import os
import re
import subprocess
import sys


def block(text, mark):
    """The fenced block after a comment that begins with `mark`."""
    found = re.search(rf"<!-- {mark}:.*?-->\n```\w+\n(.*?)```", text, re.DOTALL)
    if not found:
        sys.exit(f"README.md has no block {mark}")
    return found.group(1)


def main():
    root, uhbench = sys.argv[1:]
    with open(os.path.join(root, "README.md"), encoding="utf-8") as f:
        readme = f.read()
    with open(os.path.join(root, "docs", "example_target.c"), encoding="utf-8") as f:
        example = f.read()
    if block(readme, "example-target") != example:
        sys.exit("the example in README.md is not docs/example_target.c")
    subprocess.run([uhbench, "validate", "-"], input=block(readme, "first-matrix"), text=True,
                   check=True)
    # A verb that is in no table, or in the README only, is found here.
    verbs = set(re.findall(r"^ +build/uhbench (\w+)", readme, re.MULTILINE))
    verbs |= {name[4:-2] for name in os.listdir(os.path.join(root, "harness", "cli"))
              if re.fullmatch(r"cmd_\w+\.c", name)}
    said = subprocess.run([uhbench, "help"], capture_output=True, text=True, check=True).stdout
    shown = re.findall(r"^  (\w+)  ", said, re.MULTILINE)
    if sorted(shown) != sorted(verbs - {"child"}):
        sys.exit(f"help shows {sorted(shown)}, the sources have {sorted(verbs)}")
    for verb in shown:
        subprocess.run([uhbench, verb, "--help"], stdout=subprocess.DEVNULL, check=True)


if __name__ == "__main__":
    main()

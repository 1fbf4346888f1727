# SPDX-License-Identifier: MIT
"""The README shows the example that is tested, and only matrices that are accepted by the program
that it names for them.

    test_readme.py SOURCE-ROOT UHBENCH UHBENCH-WITH-THE-EXAMPLE
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


def check_matrices(readme, programs):
    marked = re.findall(r"<!-- [\w-]+: validated with build/(\S+) -->\n```json\n(.*?)```", readme,
                        re.DOTALL)
    if len(marked) < 2 or len(marked) != readme.count("```json\n"):
        sys.exit("a JSON block of README.md does not say which program validates it")
    for program, text in marked:
        done = subprocess.run([programs[os.path.basename(program)], "validate", "-"], input=text,
                              capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"{program} refuses a matrix of README.md: {done.stderr}")


def check_options(where, text, uhbench, helps):
    """Options that are shown with a verb are options of it."""
    for verb, words in re.findall(r"build/uhbench (\w+)([^\n|`#]*)", text):
        words = words.split(" -- ")[0]
        for option in re.findall(r"(?<=\s)--?[a-z][a-z-]*", words):
            if verb in helps and not re.search(rf"(?m)^ .*(?<![\w-]){option}[ ,]", helps[verb]):
                sys.exit(f"{where}: {uhbench} {verb} has no option {option}")


def main():
    root, uhbench, with_example = sys.argv[1:]
    with open(os.path.join(root, "README.md"), encoding="utf-8") as f:
        readme = f.read()
    with open(os.path.join(root, "docs", "example_target.c"), encoding="utf-8") as f:
        example = f.read()
    if block(readme, "example-target") != example:
        sys.exit("the example in README.md is not docs/example_target.c")
    check_matrices(readme, {"uhbench": uhbench, "uhbench-example": with_example})
    # A verb that is in no table, or in the README only, is found here.
    verbs = set(re.findall(r"^ +build/uhbench (\w+)", readme, re.MULTILINE))
    verbs |= {name[4:-2] for name in os.listdir(os.path.join(root, "harness", "cli"))
              if re.fullmatch(r"cmd_\w+\.c", name)}
    said = subprocess.run([uhbench, "help"], capture_output=True, text=True, check=True).stdout
    shown = re.findall(r"^  (\w+)  ", said, re.MULTILINE)
    if sorted(shown) != sorted(verbs - {"child", "vm_guest"}):
        sys.exit(f"help shows {sorted(shown)}, the sources have {sorted(verbs)}")
    helps = {verb: subprocess.run([uhbench, verb, "--help"], capture_output=True, text=True,
                                  check=True).stdout for verb in shown}
    check_options("README.md", readme, uhbench, helps)


if __name__ == "__main__":
    main()

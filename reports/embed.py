#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Turns files into C strings: embed.py OUT.c NAME=PATH...

For a .js file NAME_sha256 holds the base64 digest that a Content-Security-Policy wants.
"""
import base64
import hashlib
import sys


def c_string(text):
    lines = []
    for line in text.splitlines(keepends=True):
        escaped = line.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        lines.append('\t"' + escaped.replace("\t", "\\t") + '"')
    return "\n".join(lines)


def main():
    with open(sys.argv[1], "w", encoding="utf-8") as out:
        out.write('#include "reports/assets.h"\n')
        for pair in sys.argv[2:]:
            name, path = pair.split("=", 1)
            with open(path, encoding="utf-8") as source:
                text = source.read()
            out.write(f"const char {name}[] =\n{c_string(text)};\n")
            if path.endswith(".js"):
                digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
                out.write(f'const char {name}_sha256[] = "{digest}";\n')


main()

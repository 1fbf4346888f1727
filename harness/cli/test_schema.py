#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`uhbench schema` against a validator that is not ours: it is a schema, and it judges matrices as
`uhbench validate` does.

Usage: test_schema.py UHBENCH
"""
import glob
import json
import os
import subprocess
import sys

try:
    import jsonschema
except ImportError:
    print("skipped: python3-jsonschema is not installed")
    sys.exit(77)

NOP = {"workload": "nop", "target": "null"}
OWN = {"workload": "command", "target": "repeat", "with": {"run": "true"}}
HITS = {"metric": "hits/s", "better": "higher"}
WAL = {"workload": "wal", "target": "group"}

SOUND = [
    {"cells": [NOP]},
    {"name": "n", "seed": 0, "repeats": 2, "warmup": 0, "duration": "1.5s", "deadline": "1min",
     "order": "sequential", "cells": [NOP]},
    {"cells": [{**NOP, "target": ["null", "uring"], "threads": [1, 2], "depth": 8, "batch": [1, 8],
                "rate": 1000, "arrival": ["fixed", "poisson"],
                "cpus": {"driver": ["", "0"], "sink": "0,0-0"},
                "skip": [{"target": "uring", "threads": [2]}, {"with": {"fault": "hang"}}]}]},
    {"$schema": "matrix.schema.json", "name": "a b", "cells": [NOP]},
    {"cells": [{**NOP, "rate": ["10k", "1.5M", 0, "0"]}]},
    {"cells": [{**WAL, "with": {"log_bytes": ["0.0009765625T", "64MB", "64MiB", "64Mi", "1048576B"]}}]},
    {"cells": [{**WAL, "with": {"window": ["0.1min", "20us", "1ns", "0"]}}]},
    {"cells": [{**NOP, "with": {"work_ns": [0, 100], "fault": "none"}}]},
    {"cells": [{**WAL, "payload": ["4k", 4096, "0.5KiB"],
                "with": {"window": ["20us", 0], "log_bytes": "1MiB", "direct": False}}]},
    {"probes": "all", "probe_knobs": {"stack_wait": "1ms", "hooks": "plain"}, "cells": [NOP]},
    {"probes": ["syscalls"], "probe_knobs": {},
     "cells": [{**NOP, "probes": "none"}, {**WAL, "probes": "syscalls"}, {**WAL, "probes": []}]},
    *({"gate": gate, "cells": [{**OWN, "gate": gate}]}
      for gate in ("operation_rate", HITS, ["switches", {**HITS, "unit": "%"}], [])),
]

WRONG = [
    [], {}, {"cells": []}, {"cells": {}}, {"cells": [7]},
    {"cells": [NOP], "comment": "x"},
    {"cells": [NOP], "repeats": 0},
    {"cells": [NOP], "repeats": 1.5},
    {"cells": [NOP], "seed": 2**53 + 2},
    {"cells": [NOP], "duration": 5},
    {"cells": [NOP], "duration": 0},
    {"cells": [NOP], "duration": "0"},
    {"cells": [NOP], "$schema": 1},
    *({"name": name, "cells": [NOP]} for name in
      ("", ".", "../x", "../../etc/x y", "a/b", "a\x1b[31m", "a\x7f", "a\n", "x" * 201)),
    {"cells": [{**NOP, "rate": "10KiB"}]},
    {"cells": [{**NOP, "rate": "1T"}]},
    {"cells": [{**NOP, "cpus": [{"driver": "0"}]}]},
    {"cells": [{**WAL, "with": {"log_bytes": "64m"}}]},
    {"cells": [NOP], "duration": "5"},
    {"cells": [NOP], "order": "random"},
    {"cells": [{"workload": "nop"}]},
    {"cells": [{"target": "null"}]},
    {"cells": [{**NOP, "workload": "npo"}]},
    {"cells": [{**NOP, "target": "nul"}]},
    {"cells": [{**NOP, "target": []}]},
    {"cells": [{**NOP, "thread": 1}]},
    {"cells": [{**NOP, "threads": 0}]},
    {"cells": [{**NOP, "threads": []}]},
    {"cells": [{**NOP, "threads": [1, "x"]}]},
    {"cells": [{**NOP, "threads": [[1]]}]},
    {"cells": [{**NOP, "payload": 2**21}]},
    {"cells": [{**NOP, "arrival": "poison"}]},
    {"cells": [{**NOP, "cpus": "0"}]},
    {"cells": [{**NOP, "cpus": {"drivr": "0"}}]},
    {"cells": [{**NOP, "cpus": {"driver": 0}}]},
    {"cells": [{**NOP, "cpus": {"driver": "0-"}}]},
    {"cells": [{**NOP, "with": {"falt": "hang"}}]},
    {"cells": [{**NOP, "with": {"fault": "hagn"}}]},
    {"cells": [{**NOP, "with": []}]},
    {"cells": [{**NOP, "target": ["uring", "null"], "with": {"fault": "none"}}]},
    {"cells": [{**NOP, "skip": {}}]},
    {"cells": [{**NOP, "skip": [{}]}]},
    {"cells": [{**NOP, "skip": [{"workload": "nop"}]}]},
    {"cells": [{**NOP, "skip": [{"threads": "x"}]}]},
    {"cells": [{**NOP, "skip": [{"with": {"falt": "none"}}]}]},
    {"cells": [{**WAL, "payload": "4q"}]},
    {"cells": [{**WAL, "payload": 1}]},
    {"cells": [{**WAL, "with": {"window": 5}}]},
    {"cells": [{**WAL, "with": {"direct": "yes"}}]},
    {"cells": [{**WAL, "with": {"dir": "x" * 1024}}]},
    *({"probes": probes, "cells": [NOP]}
      for probes in (7, "al", ["all"], ["syscalls", "none"], [["syscalls"]], {}, "procstat", None)),
    *({"probe_knobs": knobs, "cells": [NOP]}
      for knobs in ([], {"stack": 1}, {"stack_wait": 5}, {"hooks": "kprobe"},
                    {"stack_wait": ["1ms", "2ms"]})),
    {"cells": [{**NOP, "probes": "syscall"}]},
    *({"cells": [{**NOP, "gate": gate}]} for gate in ("operation_rate", HITS, 7)),
    *({"cells": [{**OWN, "gate": gate}]}
      for gate in ("hits", {"metric": "hits"}, {"better": "lower"}, {**HITS, "better": "none"},
                   {**HITS, "unit": ""}, {**HITS, "unit": "a b"}, {**HITS, "unit": "a|b"},
                   {**HITS, "unit": 1}, {**HITS, "metric": "a b"}, {**HITS, "more": 1})),
    {"cells": [{**NOP, "probe_knobs": {"stack_wait": "1ms"}}]},
    {"cells": [{**NOP, "skip": [{"probes": "all"}]}]},
]


def ours(uhbench, matrix):
    return subprocess.run([uhbench, "validate", "-"], input=json.dumps(matrix),
                          capture_output=True, text=True, timeout=60)


def read(path):
    with open(path) as f:
        return json.load(f)


def defaults(node):
    """Every default of the schema, with the part of it that the default has to satisfy."""
    if isinstance(node, dict):
        if "default" in node:
            yield node
        for child in node.values():
            yield from defaults(child)
    elif isinstance(node, list):
        for child in node:
            yield from defaults(child)


def wrong_defaults(schema):
    found = list(defaults(schema))
    assert len(found) > 20, "the schema has hardly a default"
    bad = [node for node in found
           if not jsonschema.Draft202012Validator(node).is_valid(node["default"])]
    for node in bad:
        print("the default does not satisfy its own schema: %s" % json.dumps(node))
    return len(bad)


def main():
    uhbench = sys.argv[1]
    tree = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
    files = glob.glob(os.path.join(tree, "ci/matrices/*.json"))
    assert files, "the tree's own matrices are gone"
    schema = json.loads(subprocess.run([uhbench, "schema"], capture_output=True, check=True).stdout)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    sound = SOUND + [read(path) for path in files]
    bad = wrong_defaults(schema)
    for expected, matrices in ((True, sound), (False, WRONG)):
        for matrix in matrices:
            done = ours(uhbench, matrix)
            for who, verdict in (("schema", validator.is_valid(matrix)),
                                 ("validate", done.returncode == 0)):
                if verdict != expected:
                    bad += 1
                    print("%s says %s: %s\n%s" % (who, verdict, json.dumps(matrix)[:300],
                                                  done.stderr))
    print("%d sound, %d wrong matrices, %d judged otherwise" % (len(sound), len(WRONG), bad))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())

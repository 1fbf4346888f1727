# SPDX-License-Identifier: MIT
"""What system tests of probes share: running the rig, and skipping with the reason."""

import json
import os
import subprocess
import sys

SKIP = 77
LOST_FEW = 20 # in a run, of however few events


def skip(reason):
    print(f"SKIP: {reason}")
    sys.exit(SKIP)


def wrapped(seen, path=""):
    """Where a figure is a difference that went below zero."""
    if isinstance(seen, dict):
        seen = seen.items()
    elif isinstance(seen, list):
        seen = enumerate(seen)
    else:
        return [path] if isinstance(seen, (int, float)) and abs(seen) > 1e18 else []
    return [place for key, value in seen for place in wrapped(value, f"{path}.{key}")]


def check_loss(seen, what):
    """More than a few events are never lost by chance."""
    most = max(LOST_FEW, seen["events"] // 100)
    assert seen["lost"] <= most, f"{what}: {seen['lost']} of {seen['events']} events lost, " \
        f"and {most} are the most that chance explains"


class Rig:
    """probe_rig of probes/rig/probe_rig.c"""

    def __init__(self, path):
        self.path = path
        if os.geteuid():
            skip("BPF programs need root")

    def run(self, probes, command, knobs=None, warm_ms=0, window_ms=0):
        """The record's `probes` of one command, all of it in the window unless warm_ms says so."""
        args = [self.path]
        for key, value in (knobs or {}).items():
            args += ["-k", f"{key}={value}"]
        if window_ms:
            args += ["-w", str(warm_ms), "-f", str(window_ms)]
        done = subprocess.run(args + [probes] + [str(word) for word in command],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=120)
        if done.returncode:
            raise AssertionError(f"{args}: {done.stderr}")
        seen = json.loads(done.stdout)
        assert not wrapped(seen), (args, wrapped(seen))
        return seen

    def complete(self, probe, command, knobs=None, before=lambda: None):
        """What one probe saw, with nothing lost: the kernel may skip a program while another one runs
        on the same CPU, and says so. Then it is done once more, for exact figures. `before` is
        called each time."""
        for _ in range(10):
            before()
            seen = self.run(probe, command, knobs)[probe]
            if not seen["lost"]:
                return seen
            check_loss(seen, f"{probe}, {seen['hooks']}")
            print(f"{probe}, {seen['hooks']}: {seen['lost']} events were lost; once more")
        raise AssertionError(f"{probe}: events are lost again and again")

    def hooks(self, probe):
        """The kinds of hooks that this kernel has for a probe; skips the test when it has none."""
        usable, reasons = [], []
        for hooks in ("btf", "plain"):
            seen = self.run(probe, ["true"], {"hooks": hooks})[probe]
            if seen["status"] == "ok":
                usable.append(hooks)
            else:
                reasons.append(f"{hooks}: {seen['reason']}")
        for reason in reasons:
            print(f"not tested: {reason}")
        if not usable:
            skip("; ".join(reasons))
        return usable

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What tests of probes put up with: a few lost events, and those only in some tries."""

import unittest

from rig import LOST_FEW, Rig


class Tries(Rig):
    """A rig of which each run loses as told."""

    def __init__(self, events, losses):
        self.events, self.losses = events, list(losses)

    def run(self, probes, command, knobs=None, warm_ms=0, window_ms=0):
        return {probes: {"hooks": "btf", "events": self.events, "lost": self.losses.pop(0)}}


class Complete(unittest.TestCase):
    def test_once_more(self):
        rig = Tries(100_000, [3, 900, 0, 7])
        self.assertEqual(rig.complete("lock", ["true"])["lost"], 0)
        self.assertEqual(rig.losses, [7])

    def test_too_many_at_once(self):
        for events, lost in (100_000, 1001), (10, LOST_FEW + 1):
            with self.assertRaisesRegex(AssertionError, f"{lost} of {events} events lost"):
                Tries(events, [lost, 0]).complete("lock", ["true"])

    def test_again_and_again(self):
        with self.assertRaisesRegex(AssertionError, "again and again"):
            Tries(100_000, [1] * 10).complete("lock", ["true"])


if __name__ == "__main__":
    unittest.main()

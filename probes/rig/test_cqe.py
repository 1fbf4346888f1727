#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""io_uring as `cqe` counts it, against programs that know their figures.

usage: test_cqe.py PROBE_RIG CQE_LOAD
"""

import sys

from rig import Rig

COUNT = 2000
ENTRIES = 64  # of cqe_load's ring
RINGS = 255  # probes/cqe/cqe.h


def watch(rig, load, kind, count, **knobs):
    seen = rig.complete("cqe", [load, kind, count], knobs)
    assert seen["status"] == "ok" and seen["hooks"] == knobs["hooks"], seen
    assert (seen["map_full"], seen["untracked"]) == (0, 0), (kind, seen)
    ring, = seen["rings"]
    assert ring["role"] == "process" and seen["more_rings"] == 0, ring
    return seen, ring, {op["opcode"]: op for op in ring["opcodes"]}


def check_op(op, submitted, completed, **failed):
    assert (op["submitted"], op["completed"]) == (submitted, completed), (op, submitted, completed)
    assert op["failed"] == failed, op
    for tally in (op["complete"], op["reap"]):
        assert tally is None or tally["count"] == sum(tally["slots"]), tally
        assert tally is None or tally["max_ns"] * tally["count"] >= tally["sum_ns"], tally


def check_nop(rig, load, hooks, made=COUNT):
    seen, ring, ops = watch(rig, load, "nop", made, hooks=hooks, cqe_sample=1)
    check_op(ops["NOP"], COUNT, COUNT)
    assert ops["NOP"]["complete"]["count"] == COUNT
    assert (ring["sq_entries"], ring["cq_entries"]) == (64, 128), ring
    sampling = seen["sampling"]
    assert [sampling[k] for k in ("every", "reason", "share")] == [1, None, 1], sampling
    hists = seen["histograms"]["NOP"]
    assert hists["complete"]["count"] == COUNT
    assert hists["complete"]["sum"] == ops["NOP"]["complete"]["sum_ns"]
    if hooks == "plain":
        assert hists["reap"] is None and ops["NOP"]["reap"] is None and ops["NOP"]["reason_reap"]
        return
    # The last one is taken when nothing enters the kernel for this ring any more.
    assert ops["NOP"]["reap"]["count"] == COUNT - 1
    assert hists["total"]["count"] == COUNT - 1
    assert hists["total"]["sum"] >= hists["reap"]["sum"]


def check_sampled(rig, load, hooks):
    """Counts stay complete, about one in eight is timed: six standard deviations are 100."""
    seen, _, ops = watch(rig, load, "nop", 8 * COUNT, hooks=hooks, cqe_sample=8)
    check_op(ops["NOP"], 8 * COUNT, 8 * COUNT)
    assert abs(ops["NOP"]["complete"]["count"] - COUNT) < COUNT / 5, ops["NOP"]["complete"]
    assert seen["sampling"]["every"] == 8 and seen["sampling"]["reason"], seen["sampling"]


def check_kinds(rig, load, hooks):
    _, ring, ops = watch(rig, load, "punt", 200, hooks=hooks)
    check_op(ops["FSYNC"], 200, 200)
    assert ops["FSYNC"]["punts"] == ring["punts"] == 200, ring
    assert 0 < ring["waits"] <= 200 and ring["cqes_per_wait"] == 200 / ring["waits"], ring

    check_op(watch(rig, load, "bad-fd", COUNT, hooks=hooks)[2]["READ"], COUNT, COUNT, EBADF=COUNT)
    check_op(watch(rig, load, "bad-opcode", COUNT, hooks=hooks)[2]["120"], COUNT, COUNT,
             EINVAL=COUNT)
    check_op(watch(rig, load, "link", COUNT, hooks=hooks)[2]["NOP"], 2 * COUNT, 2 * COUNT)
    check_op(watch(rig, load, "skip", COUNT, hooks=hooks)[2]["NOP"], 2 * COUNT, COUNT)
    _, ring, ops = watch(rig, load, "posted", COUNT, hooks=hooks)
    check_op(ops["POLL_ADD"], 1, 1, ECANCELED=1)  # by the removal
    check_op(ops["POLL_REMOVE"], 1, 1)
    check_op(ops["POSTED"], 0, COUNT)
    assert (ring["submitted"], ring["completed"]) == (2, COUNT + 2), ring

    _, ring, ops = watch(rig, load, "notif", COUNT, hooks=hooks)
    check_op(ops["SEND_ZC"], COUNT, COUNT)
    check_op(ops["NOTIF"], 0, COUNT)

    # Submitted by a thread of the kernel: the ring is its maker's.
    check_op(watch(rig, load, "sqpoll", COUNT, hooks=hooks)[2]["NOP"], COUNT, COUNT)


def check_shared(rig, load, hooks):
    """One thread submits while another one takes, and workers complete every other request."""
    made = 10 * COUNT
    seen, ring, ops = watch(rig, load, "shared", made, hooks=hooks, cqe_sample=1)
    check_op(ops["NOP"], made, made)
    assert ops["NOP"]["complete"]["count"] == made, ops["NOP"]
    assert (ring["punts"], ring["overflows"]) == (made / 2, 0), ring
    if hooks == "btf":
        # The last ones are taken when nothing enters the kernel for this ring any more.
        hists = seen["histograms"]["NOP"]
        assert made - ENTRIES <= ops["NOP"]["reap"]["count"] <= made, ops["NOP"]
        assert hists["total"]["count"] == ops["NOP"]["reap"]["count"], hists
        assert hists["total"]["min"] >= hists["complete"]["min"], hists


def check_short_window(rig, load, hooks):
    """Shorter than a pause between slices would be. One is watched nevertheless if the programs are
    gone in time, which those on plain tracepoints are not; else it is said."""
    for _ in range(10):
        seen = rig.run("cqe", [load, "nop", 600 * COUNT], {"hooks": hooks, "probe_cost": 1},
                       warm_ms=200, window_ms=20)["cqe"]
        assert seen["timing"] == "slices", seen
        if seen["rings"]:  # one slice: nothing was followed to another one
            assert "extrapolation" in seen["sampling"]["reason"], seen
            return
        assert "no slice" in seen["reason_timing"], seen
        if hooks == "plain":
            return
    raise AssertionError("there is never a slice")


def check_many_rings(rig, load, hooks):
    """What has no room is counted: as a ring, or, where its place in the table is full, as such."""
    seen = rig.complete("cqe", [load, "rings", 400], {"hooks": hooks})
    known = len(seen["rings"])
    assert 200 < known <= RINGS and seen["more_rings"] > 0, seen
    assert known + seen["more_rings"] + seen["map_full"] >= 400, (known, seen)
    assert all((r["submitted"], r["completed"]) == (1, 1) for r in seen["rings"]), seen["rings"]


def check_overflow(rig, load, hooks):
    _, ring, ops = watch(rig, load, "overflow", 100, hooks=hooks)
    assert (ring["sq_entries"], ring["cq_entries"], ring["overflows"]) == (2, 4, 96), ring
    assert (ring["submitted"], ring["completed"]) == (100, 100), ring
    assert ops["NOP"]["submitted"] == 100 and ops["NOP"]["failed"] == {}, ops


def main():
    rig, load = Rig(sys.argv[1]), sys.argv[2]
    for hooks in rig.hooks("cqe"):
        check_nop(rig, load, hooks)
        check_sampled(rig, load, hooks)
        check_kinds(rig, load, hooks)
        check_shared(rig, load, hooks)
        check_short_window(rig, load, hooks)
        check_overflow(rig, load, hooks)
        check_many_rings(rig, load, hooks)
        try:
            check_nop(rig, load, hooks, COUNT - 1)
        except AssertionError:
            continue
        raise AssertionError("one request less was not noticed")


if __name__ == "__main__":
    main()

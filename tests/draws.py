"""Hypothesis strategies for stamps and for every kind of record."""

import string

from hypothesis import strategies as st

from edge.clock import FLOOR_NS, Quality, Stamp
from edge.records import (
    Alarm,
    Alarmed,
    Audit,
    Boot,
    Change,
    ClockAnchor,
    Event,
    FrameRef,
    FrameSet,
    Gap,
    GapReason,
    Source,
)

LATEST_NS = 2**62  # the year 2116
UPTIME_NS = 10 * 365 * 86_400 * 10**9  # a unit that has run for ten years

names = st.text(string.ascii_lowercase + string.digits + "-", min_size=1, max_size=12)
words = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)  # a lone surrogate is no Unicode text
counts = st.integers(0, 2**53)
BOOTS = ("boot-1", "boot-2", "boot-3")
boots = st.sampled_from(BOOTS)


@st.composite
def stamps(draw: st.DrawFn, *, boot: str | None = None, clock: Quality | None = None) -> Stamp:
    """A stamp as SystemClock makes it: an unsynced wall clock shows less than FLOOR_NS, the others more."""
    quality = clock or draw(st.sampled_from(list(Quality)))
    unsynced = quality is Quality.UNSYNCED
    return Stamp(
        boot or draw(boots),
        draw(st.integers(0, UPTIME_NS)),
        draw(st.integers(0, FLOOR_NS - 1) if unsynced else st.integers(FLOOR_NS, LATEST_NS)),
        quality,
        draw(st.integers(1, 16_000)) if quality is Quality.SYNCED else None,
    )


def _maybe(some: st.SearchStrategy) -> st.SearchStrategy:
    return st.none() | some


def _ranges() -> st.SearchStrategy[tuple[tuple[int, int], ...]]:
    return st.lists(st.tuples(counts, counts), max_size=4).map(tuple)


_common = {"epoch": names, "seq": counts, "at": stamps()}
events = st.builds(
    Event,
    **_common,
    change=st.sampled_from(Change),
    door=st.sampled_from(["shut", "open", "held", "unknown"]),
    since=_maybe(stamps()),
    edges=counts,
    settle_us=counts,
    reason=words,
    expected=_maybe(words),
)
frame_sets = st.builds(
    FrameSet,
    **_common,
    event=counts,
    of=names,
    frames=st.lists(st.builds(FrameRef, names, counts, counts), max_size=3).map(tuple),
    missing=words,
)
anchors = st.builds(ClockAnchor, **(_common | {"at": stamps(clock=Quality.SYNCED)}))
gaps = st.builds(
    Gap,
    **_common,
    reason=st.sampled_from(GapReason),
    records=_maybe(counts),
    frames=_maybe(counts),
    of=words,
    seqs=_ranges(),
)
boot_records = st.builds(
    Boot,
    **_common,
    version=words,
    clean=st.booleans(),
    new_boot=st.booleans(),
    last_alive=_maybe(stamps()),
    void=_maybe(st.tuples(counts, counts)),
)
audits = st.builds(
    Audit,
    **_common,
    what=words,
    by=words,
    detail=st.dictionaries(words, _maybe(counts | words), max_size=3),
    of=words,
    signature=words,
)
alarms = st.builds(Alarm, **_common, what=st.sampled_from(Alarmed), source=st.sampled_from(Source), detail=words)
records = events | frame_sets | anchors | gaps | boot_records | audits | alarms

"""The machine's clocks as the kernel has them, and what may be said of a time that was read from them."""

import ctypes
import struct
import time
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.clock import (
    FLOOR_NS,
    MS,
    SECOND,
    Known,
    Quality,
    Stamp,
    SystemClock,
    Timex,
    between_ns,
    bound_us,
    judge,
    know,
)
from tests.draws import LATEST_NS, UPTIME_NS, stamps

UNSYNC = 0x0040  # STA_UNSYNC in <linux/timex.h>
TIME_ERROR = 5
MOST_PPM = 100

quick = settings(max_examples=120, deadline=None)
uptimes = st.integers(0, UPTIME_NS)


class NtpTime(ctypes.Structure):
    """struct ntptimeval of ntp_gettime(3): another way to the same two facts."""

    _fields_ = (
        ("time_s", ctypes.c_long),
        ("time_us", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("rest", ctypes.c_long * 8),
    )


def ntp_time() -> tuple[int, int]:
    """The C library's own word: TIME_ERROR or another state, and the error bound in us."""
    told = NtpTime()
    state = ctypes.CDLL(None).ntp_gettime(ctypes.byref(told))
    return int(state), int(told.maxerror)


# The machine's clock


def test_the_boot_clock_is_the_kernels_clock_of_this_boot():
    clock = SystemClock()
    before, read, after = time.clock_gettime_ns(time.CLOCK_BOOTTIME), clock.now(), time.clock_gettime_ns(7)
    assert before <= read <= after


def test_the_boot_clock_never_runs_backwards():
    clock = SystemClock()
    readings = [clock.now() for _ in range(1000)]
    assert all(a <= b for a, b in pairwise(readings))


def test_a_reading_tells_boot_id_boot_clock_and_wall_clock_of_one_instant():
    clock = SystemClock()
    boot_before, wall_before = clock.now(), time.time_ns()
    stamp = clock.read()
    assert boot_before <= stamp.boot_ns <= clock.now()
    assert wall_before <= stamp.wall_ns <= time.time_ns()
    assert stamp.boot == Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def test_the_quality_is_what_the_c_library_says_of_the_kernels_discipline():
    stamp = SystemClock().read()
    state, maxerror_us = ntp_time()
    disciplined = state != TIME_ERROR
    assert (stamp.clock is Quality.SYNCED) is disciplined
    assert (stamp.error_ms is not None) is disciplined
    assert stamp.error_ms is None or abs(stamp.error_ms - maxerror_us / 1000) < 5


def test_a_simulated_clock_is_synced_whatever_the_kernel_says():
    stamp = SystemClock(assume_synced=True).read()
    assert (stamp.clock, stamp.error_ms) == (Quality.SYNCED, 1)


def test_the_kernels_struct_is_read_where_the_kernel_writes_it():
    raw = ctypes.create_string_buffer(b"\0" * 1024, 1024)
    state = ctypes.CDLL(None).adjtimex(raw)
    assert state == ntp_time()[0]
    native = struct.unpack_from("@Illllillllll", raw)  # modes, offset ... status ... tolerance, time (two), tick
    assert 9_000 <= native[-1] <= 11_000  # 10,000 us, slewed by a tenth at most: so the layout before it is right
    timex = Timex.from_buffer(raw)
    assert (timex.modes, timex.offset, timex.freq, timex.maxerror, timex.esterror, timex.status) == native[:6]


def test_the_kernel_writes_no_further_than_the_struct_reaches():
    size = ctypes.sizeof(Timex)
    raw = ctypes.create_string_buffer(b"\0" * 4 + b"\xaa" * 1020, 1024)  # modes = 0: read only
    assert ctypes.CDLL(None).adjtimex(raw) >= 0
    assert raw.raw[4:size] != b"\xaa" * (size - 4)
    assert raw.raw[size:] == b"\xaa" * (1024 - size)


@pytest.mark.parametrize(
    ("answer", "status", "bound"),
    [(0, 0, 1500), (0, 0x2001, 1500), (5, UNSYNC, None), (0, UNSYNC, None), (5, 0x2041, None), (-1, 0, None)],
)
def test_the_kernels_bound_counts_only_while_the_clock_is_disciplined(answer: int, status: int, bound: int | None):
    assert bound_us(answer, Timex(maxerror=1500, status=status)) == bound


# What a wall clock is worth


@quick
@given(st.integers(0, FLOOR_NS - 1), st.none() | st.integers(0, 10**9), st.booleans())
def test_a_clock_that_shows_a_time_before_any_unit_was_built_was_never_set(wall_ns, error_us, has_rtc):
    assert judge(wall_ns, error_us, has_rtc=has_rtc) == (Quality.UNSYNCED, None)


@quick
@given(st.integers(FLOOR_NS, LATEST_NS), st.integers(0, 16_000_000), st.booleans())
def test_a_disciplined_clock_is_synced_with_a_bound_no_tighter_than_the_kernels(wall_ns, error_us, has_rtc):
    quality, error_ms = judge(wall_ns, error_us, has_rtc=has_rtc)
    assert quality is Quality.SYNCED
    assert error_us < error_ms * 1000 <= error_us + 1000


@pytest.mark.parametrize(("has_rtc", "quality"), [(True, Quality.RTC), (False, Quality.RESTORED)])
def test_an_undisciplined_clock_has_no_bound_and_is_worth_what_set_it(has_rtc: bool, quality: Quality):
    assert judge(FLOOR_NS, None, has_rtc=has_rtc) == (quality, None)


def test_the_floor_is_the_day_in_2026_that_the_source_names():
    assert datetime.fromtimestamp(FLOOR_NS // SECOND, UTC).date().isoformat() == "2026-05-28"
    assert (MS * 1000, SECOND) == (SECOND, 10**9)


# Stamps


@quick
@given(stamps(), uptimes)
def test_another_instant_of_the_same_boot_moves_both_clocks_alike(stamp: Stamp, boot_ns: int):
    moved = stamp.at(boot_ns)
    assert moved.boot_ns == boot_ns
    assert moved.wall_ns - stamp.wall_ns == boot_ns - stamp.boot_ns
    assert (moved.boot, moved.clock, moved.error_ms) == (stamp.boot, stamp.clock, stamp.error_ms)
    assert moved.at(stamp.boot_ns) == stamp


# What can be said of a stamp later


@quick
@given(stamps(), st.none() | stamps())
def test_synced_is_claimed_only_of_a_synced_stamp_or_by_a_synced_anchor_of_its_boot(stamp, anchor):
    known = know(stamp, anchor)
    anchored = anchor is not None and anchor.boot == stamp.boot and anchor.clock is Quality.SYNCED
    assert (known.clock is Quality.SYNCED) is (stamp.clock is Quality.SYNCED or anchored)


@quick
@given(stamps(clock=Quality.SYNCED), st.none() | stamps())
def test_a_synced_stamp_stands_as_it_was_read(stamp, anchor):
    assert know(stamp, anchor) == Known(stamp.wall_ns, Quality.SYNCED, stamp.error_ms)


@quick
@given(stamps(boot="b", clock=Quality.UNSYNCED), st.none() | stamps())
def test_nothing_is_said_of_an_unsynced_stamp_without_an_anchor(stamp, anchor):
    assert know(stamp, anchor) == Known(None, Quality.UNSYNCED, None)


@quick
@given(st.sampled_from([Quality.RTC, Quality.RESTORED]).flatmap(lambda q: stamps(boot="b", clock=q)), stamps())
def test_a_clock_that_nobody_confirmed_is_told_with_its_quality_and_no_bound(stamp, anchor):
    assert know(stamp, anchor) == Known(stamp.wall_ns, stamp.clock, None)


unset = st.sampled_from([q for q in Quality if q is not Quality.SYNCED])


@quick
@given(unset, stamps(boot="b", clock=Quality.SYNCED), uptimes, uptimes)
def test_the_error_grows_with_the_way_from_the_anchor(quality, anchor, one_ns, other_ns):
    near, far = sorted((one_ns, other_ns), key=lambda ns: abs(ns - anchor.boot_ns))
    errors = [know(Stamp("b", ns, 0, quality), anchor).error_ms for ns in (anchor.boot_ns, near, far)]
    assert anchor.error_ms < errors[0] <= errors[1] <= errors[2]
    drift_ns = abs(far - anchor.boot_ns) * MOST_PPM // 1_000_000
    assert drift_ns < (errors[2] - anchor.error_ms) * MS <= drift_ns + MS


@quick
@given(
    unset,
    stamps(boot="b", clock=Quality.SYNCED),
    uptimes,
    st.integers(-MOST_PPM, MOST_PPM),
    st.floats(-1, 1),
)
def test_the_true_time_lies_within_the_bound_for_every_crystal_within_100_ppm(quality, anchor, boot_ns, ppm, luck):
    passed_ns = boot_ns - anchor.boot_ns
    true_ns = anchor.wall_ns + int(anchor.error_ms * MS * luck) + passed_ns + passed_ns * ppm // 1_000_000
    known = know(Stamp("b", boot_ns, 0, quality), anchor)
    assert abs(known.wall_ns - true_ns) <= known.error_ms * MS


def test_an_anchor_whose_error_nobody_bounded_gives_no_bound():
    anchor = Stamp("b", 0, FLOOR_NS, Quality.SYNCED, None)
    assert know(Stamp("b", 5, 0, Quality.UNSYNCED), anchor) == Known(FLOOR_NS + 5, Quality.SYNCED, None)


# How much time lies between two stamps


@quick
@given(stamps(boot="b"), stamps(boot="b"))
def test_within_one_boot_the_boot_clock_tells_whatever_the_wall_clock_did(earlier, later):
    assert between_ns(earlier, later) == later.boot_ns - earlier.boot_ns


@quick
@given(stamps(boot="b"), stamps(boot="c"))
def test_across_boots_only_wall_clocks_that_were_set_tell_and_never_less_than_nothing(earlier, later):
    unsynced = Quality.UNSYNCED in (earlier.clock, later.clock)
    told = between_ns(earlier, later)
    assert told == (None if unsynced else max(0, later.wall_ns - earlier.wall_ns))

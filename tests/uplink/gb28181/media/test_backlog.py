import threading

import pytest

from edge.parts import AccessUnit
from edge.uplink.gb28181.backlog import MAX_BYTES, MAX_UNITS, Backlog


def unit(n, *, key=False, size=100):
    return AccessUnit(bytes(size), key, n)


@pytest.fixture
def backlog():
    """One that has begun."""
    one = Backlog()
    one.put(unit(0, key=True))
    assert one.take(1) is not None
    return one


def taken(backlog):
    found = []
    while (one := backlog.take(0)) is not None:
        found.append(one.at_ns)
    return found


def test_pictures_come_out_as_they_went_in(backlog):
    for n in range(3):
        backlog.put(unit(n))
    assert taken(backlog) == [0, 1, 2]
    assert backlog.dropped == 0


def test_a_receiver_begins_with_a_key_frame():
    backlog = Backlog()
    assert backlog.starved
    for n in range(3):
        backlog.put(unit(n, key=n == 2))
    assert taken(backlog) == [2]
    assert backlog.dropped == 2


def test_a_full_one_drops_whole_pictures_until_the_next_key_frame_and_counts_them(backlog):
    for n in range(MAX_UNITS + 3):
        backlog.put(unit(n))
    assert backlog.take(0).at_ns == 0  # there is room again, but nothing that could be decoded
    backlog.put(unit(50))
    backlog.put(unit(51, key=True))
    backlog.put(unit(52))
    assert taken(backlog) == [*range(1, MAX_UNITS), 51]
    assert backlog.dropped == 3 + 1 + 1  # 52 found it full again


def test_a_key_frame_that_finds_it_full_is_dropped_too(backlog):
    for n in range(MAX_UNITS):
        backlog.put(unit(n))
    backlog.put(unit(50, key=True))
    assert backlog.dropped == 1
    assert len(taken(backlog)) == MAX_UNITS
    assert backlog.starved


def test_it_never_holds_more_bytes_than_its_bound(backlog):
    big = MAX_BYTES // 3
    for n in range(5):
        backlog.put(unit(n, size=big))
    assert taken(backlog) == [0, 1, 2]
    assert backlog.dropped == 2


def test_after_beginning_anew_nothing_before_the_next_key_frame_comes(backlog):
    backlog.put(unit(1))
    backlog.begin_anew()
    backlog.put(unit(2))
    backlog.put(unit(3, key=True))
    assert taken(backlog) == [3]
    assert backlog.dropped == 2


def test_who_waits_is_let_go_when_it_ends(backlog):
    got = []
    waiting = threading.Thread(target=lambda: got.append(backlog.take(30)))
    waiting.start()
    backlog.end()
    waiting.join(10)
    assert got == [None]

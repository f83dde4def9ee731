"""Ranges of what a platform holds are a set, whatever the order."""

import random

import pytest

from edge.spool.marks import Marks, read_marks

RULE = "events"


def keys(marks: Marks) -> set[tuple[str, int]]:
    return {
        (epoch, seq) for epoch, ranges in marks.held.items() for low, high in ranges for seq in range(low, high + 1)
    }


@pytest.mark.parametrize("seed", range(20))
def test_marks_hold_what_was_added_in_any_order_and_nothing_else(seed: int):
    dice = random.Random(seed)
    marks, truth = Marks(), set()
    for _ in range(200):
        key = (dice.choice("ab"), dice.randrange(1, 120))
        marks.add(key)
        truth.add(key)
        assert keys(marks) == truth
    for seq in range(125):
        assert (("a", seq) in marks) is (("a", seq) in truth)
    for ranges in marks.held.values():
        assert all(low <= high for low, high in ranges)
        assert all(one[1] + 1 < two[0] for one, two in zip(ranges, ranges[1:], strict=False))


@pytest.mark.parametrize("seed", range(10))
def test_marks_come_back_from_the_card_and_join_others(seed: int):
    dice = random.Random(seed)
    one, two = Marks(), Marks()
    for marks in (one, two):
        for _ in range(40):
            marks.add(("a", dice.randrange(80)))
    whole = keys(one) | keys(two)
    back = read_marks(one.pack(RULE), RULE)
    assert keys(back) == keys(one)
    back.update(two)
    assert keys(back) == whole


def test_a_long_sequence_is_one_range():
    marks = Marks()
    for seq in range(1, 100_001):
        marks.add(("epoch", seq))
    assert len(marks.pack(RULE)) < 60


def test_a_copy_is_its_own():
    marks = Marks()
    marks.add(("a", 1))
    copy = marks.copy()
    marks.add(("a", 2))
    marks.clear()
    assert keys(copy) == {("a", 1)}
    assert not marks


def test_marks_under_another_rule_are_void():
    marks = Marks()
    marks.add(("a", 1))
    assert not read_marks(marks.pack(RULE), "all")


@pytest.mark.parametrize(
    "raw",
    [b"", b"{", b"\xff", b"[" * 100_000, b'{"rule":"events","held":{"a":[[1]]}}', b'{"rule":"events","held":{"a":1}}'],
)
def test_marks_that_make_no_sense_are_void(raw: bytes):
    assert not read_marks(raw, RULE)

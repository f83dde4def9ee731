"""The guard against work that creeps in: counted, not timed."""

import pytest

from tests.bench import counts


def test_an_opening_and_an_idle_hour_cost_no_more_than_was_accepted():
    was, same_python = counts.accepted()
    found = counts.worse(was, counts.count(), same_python=same_python)
    assert not found, counts.remedy(found)


@pytest.mark.parametrize("now", [4.1, 4.0, 3.0])
def test_a_count_within_its_tolerance_or_lower_is_not_worse(now: float):
    assert counts.worse({"opening": {"syncs": 4.08}}, {"opening": {"syncs": now}}, same_python=True) == []


def test_a_count_that_rose_is_told_with_what_it_was_and_what_to_run():
    found = counts.worse({"opening": {"syncs": 4.0}}, {"opening": {"syncs": 5.0}}, same_python=True)
    assert found == ["syncs per opening: was 4, is 5"]
    assert "python tests/bench/counts.py --accept" in counts.remedy(found)


def test_a_count_that_the_table_does_not_know_is_worse():
    found = counts.worse({"opening": {}}, {"opening": {"syncs": 1.0}}, same_python=True)
    assert found == ["syncs per opening: was never counted, is 1"]


def test_calls_are_compared_on_the_python_that_they_were_counted_by_alone():
    was, now = {"opening": {counts.CALLS: 1000}}, {"opening": {counts.CALLS: 1200}}
    assert counts.worse(was, now, same_python=False) == []
    assert len(counts.worse(was, now, same_python=True)) == 1

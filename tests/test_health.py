"""Warnings: every row can be shown to somebody, grace and parents hush, and the log tells changes only."""

import logging
import re

import pytest

from edge.clock import SECOND
from edge.health import ROWS, Health, Warning

NOW = 1000 * SECOND
GRACEFUL = [row.code for row in ROWS.values() if row.grace_s]
PASSING = [row.code for row in ROWS.values() if row.lasts_s]
CHILDREN = [(row.code, parent) for row in ROWS.values() for parent in row.parents]


@pytest.fixture
def health() -> Health:
    return Health()


def codes(shown: list[Warning]) -> list[str]:
    """What is shown, by code."""
    return [warning.row.code for warning in shown]


def long_after(code: str) -> int:
    """A time at which its grace is over, if it began at NOW."""
    return NOW + ROWS[code].grace_s * SECOND


# The rows


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_every_row_speaks_both_languages(row):
    assert re.search(r"[a-z]{3}", row.en)
    assert re.search(r"[\u4e00-\u9fff]{2}", row.zh)
    assert not row.en.endswith(".")


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_every_row_is_found_by_its_own_code_which_names_a_part_and_what_it_has(row):
    assert ROWS[row.code] is row
    assert re.fullmatch(r"[a-z]+\.[a-z]+", row.code)


def test_no_two_rows_say_the_same():
    assert len({row.en for row in ROWS.values()}) == len({row.zh for row in ROWS.values()}) == len(ROWS)


@pytest.mark.parametrize(("code", "parent"), CHILDREN)
def test_every_parent_is_a_row_and_no_row_is_hushed_by_itself(code: str, parent: str):
    above = {parent}
    while more := {each for one in above for each in ROWS[one].parents} - above:
        above |= more
    assert code not in above


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_no_row_waits_longer_than_a_minute_to_be_shown(row):
    assert 0 <= row.grace_s <= 60


# Set and clear


def test_a_healthy_unit_shows_nothing(health: Health):
    assert health.shown(NOW) == []
    assert not any(health.active(code) for code in ROWS)


@pytest.mark.parametrize("code", ROWS)
def test_what_is_wrong_is_shown_once_its_grace_is_over(health: Health, code: str):
    assert health.set(code, NOW, "because")
    assert health.active(code)
    assert health.shown(long_after(code)) == [Warning(ROWS[code], NOW, "because")]


@pytest.mark.parametrize("code", GRACEFUL)
def test_what_is_wrong_is_not_shown_a_moment_before_its_grace_is_over(health: Health, code: str):
    health.set(code, NOW)
    assert health.shown(long_after(code) - 1) == []
    assert health.active(code)


@pytest.mark.parametrize("code", GRACEFUL)
def test_what_heals_within_its_grace_is_never_shown_and_begins_anew(health: Health, code: str):
    health.set(code, NOW)
    health.clear(code, long_after(code) - 1)
    health.set(code, long_after(code))
    assert health.shown(long_after(code) + 1) == []


def test_setting_and_clearing_tell_whether_that_was_a_change(health: Health):
    assert [health.set("heat.high", NOW), health.set("heat.high", NOW)] == [True, False]
    assert [health.clear("heat.high", NOW), health.clear("heat.high", NOW)] == [True, False]


def test_putting_sets_or_clears_and_tells_whether_that_was_a_change(health: Health):
    told = [health.put("heat.high", NOW, wrong) for wrong in (False, True, True, False, False)]
    assert told == [False, True, False, True, False]
    assert not health.active("heat.high")


def test_what_is_set_again_keeps_its_beginning_and_takes_the_newest_detail(health: Health):
    health.set("heat.high", NOW, "81 C")
    health.put("heat.high", NOW + 70 * SECOND, True, "85 C")
    assert health.shown(NOW + 71 * SECOND) == [Warning(ROWS["heat.high"], NOW, "85 C")]


@pytest.mark.parametrize("code", PASSING)
def test_what_happens_rather_than_lasts_is_shown_for_a_while_after_the_last_time(health: Health, code: str):
    while_ns = ROWS[code].lasts_s * SECOND
    health.set(code, NOW)
    assert health.next_ns(NOW) == NOW + while_ns
    health.set(code, NOW + while_ns - 1)
    assert codes(health.shown(NOW + 2 * while_ns - 2)) == [code]
    assert health.shown(NOW + 2 * while_ns - 1) == []


@pytest.mark.parametrize("code", PASSING)
def test_what_happens_again_after_its_while_was_over_is_told_anew(health: Health, code: str):
    told: list[bool] = []
    health.on_change = lambda: told.append(health.active(code))
    while_ns = ROWS[code].lasts_s * SECOND
    health.set(code, NOW)
    health.expire(NOW + while_ns - 1)
    assert told == [True]
    health.expire(NOW + while_ns)
    assert told == [True, False]
    health.set(code, NOW + 2 * while_ns)
    assert told == [True, False, True]
    assert health.shown(NOW + 2 * while_ns) == [Warning(ROWS[code], NOW + 2 * while_ns, "")]


def test_one_warning_that_heals_leaves_the_others(health: Health):
    health.set("power.low", NOW)
    health.set("spool.full", NOW)
    health.clear("power.low", NOW)
    assert codes(health.shown(NOW)) == ["spool.full"]


def test_a_detail_may_be_an_error_and_is_kept_as_text(health: Health):
    health.set("power.low", NOW, OSError(5, "input/output error"))
    assert health.shown(NOW)[0].detail == "[Errno 5] input/output error"


def test_an_unknown_code_is_a_fault_in_the_caller_and_changes_nothing(health: Health):
    with pytest.raises(KeyError):
        health.set("door.ajar", NOW)
    assert not health.active("door.ajar")


# Who waits to hear of it


def test_each_change_is_told_once_after_it_was_made_and_a_repetition_is_not(health: Health):
    told: list[bool] = []
    health.on_change = lambda: told.append(health.active("heat.high"))
    for wrong in (False, True, True, False, False, True):
        health.put("heat.high", NOW, wrong)
    assert told == [True, False, True]


def test_it_tells_when_the_next_grace_ends_and_nothing_where_none_runs(health: Health):
    assert health.next_ns(NOW) is None
    health.set("power.low", NOW)  # no grace at all
    assert health.next_ns(NOW) is None
    health.set("heat.high", NOW)
    health.set("link.server", NOW + SECOND)
    assert health.next_ns(NOW + SECOND) == long_after("link.server") + SECOND
    assert health.next_ns(long_after("link.server") + SECOND) == long_after("heat.high")
    assert health.next_ns(long_after("heat.high")) is None


@pytest.mark.parametrize("code", GRACEFUL)
def test_when_the_next_grace_ends_there_is_something_to_show_and_just_before_there_is_not(health: Health, code: str):
    health.set(code, NOW)
    ends_ns = health.next_ns(NOW)
    assert health.shown(ends_ns - 1) == []
    assert codes(health.shown(ends_ns)) == [code]


# Parents


@pytest.mark.parametrize(("code", "parent"), CHILDREN)
def test_a_parent_is_shown_instead_of_what_it_explains(health: Health, code: str, parent: str):
    health.set(code, NOW)
    health.set(parent, NOW)
    assert codes(health.shown(NOW + 100 * SECOND)) == [parent]
    assert health.active(code)


@pytest.mark.parametrize(("code", "parent"), CHILDREN)
def test_once_its_parent_heals_what_is_still_wrong_is_shown_since_it_began(health: Health, code: str, parent: str):
    health.set(parent, NOW)
    health.set(code, NOW)
    health.clear(parent, NOW + 100 * SECOND)
    assert health.shown(NOW + 100 * SECOND) == [Warning(ROWS[code], NOW, "")]


def test_warnings_that_explain_nothing_of_each_other_are_all_shown(health: Health):
    wrong = ["contact.chatter", "power.low", "spool.full"]
    for code in wrong:
        health.set(code, NOW)
    assert codes(health.shown(NOW)) == wrong


# The log


def test_the_log_warns_first_then_whispers_and_tells_the_recovery_with_its_length(health, caplog):
    caplog.set_level(logging.DEBUG, logger="edge.health")
    health.set("spool.full", NOW, "no room")
    health.set("spool.full", NOW + SECOND, "no room")
    health.clear("spool.full", NOW + 7 * SECOND)
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("WARNING", "spool.full: The card is full. no room"),
        ("DEBUG", "spool.full: no room"),
        ("INFO", "spool.full: well again after 7 s"),
    ]


def test_what_was_well_and_is_well_is_not_worth_a_line(health, caplog):
    caplog.set_level(logging.DEBUG, logger="edge.health")
    health.put("spool.full", NOW, False)
    assert caplog.records == []

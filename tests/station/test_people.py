"""Accounts, sign-in and sessions: who gets in, who is kept out and for how long, whatever the clock does."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from edge.clock import SECOND
from edge.errors import ConfigError
from edge.station import people as rules
from edge.station.audit import Act, Trail
from edge.station.people import LockedError, People, Role
from tests.station.desk import MORNING, PASSWORD, QUICK

WORKER = (Role.WORKER,)
HOUR_NS = 3600 * SECOND


@pytest.fixture
def trail(ledger) -> Trail:
    return Trail(ledger)


@pytest.fixture
def people(ledger, trail) -> People:
    return People(ledger, trail, QUICK)


@pytest.fixture
def token(people) -> str:
    """A session of 王芳, who has chosen PASSWORD."""
    first = people.add("王芳", WORKER, MORNING, "(test)")
    session = people.session(people.sign_in("王芳", first, "here", MORNING), MORNING)
    assert people.change_password(session, first, PASSWORD, "here", MORNING)
    return people.sign_in("王芳", PASSWORD, "here", MORNING)


def fail(people: People, times: int, name: str = "王芳", address: str = "here", now_ns: int = MORNING) -> None:
    for _ in range(times):
        assert people.sign_in(name, "wrong password", address, now_ns) is None


def test_a_first_password_lets_in_once_it_is_replaced(people):
    first = people.add("王芳", WORKER, MORNING, "(test)")
    session = people.session(people.sign_in("王芳", first, "here", MORNING), MORNING)
    assert session.person.fresh
    assert people.change_password(session, first, PASSWORD, "here", MORNING)
    assert people.sign_in("王芳", first, "here", MORNING) is None
    again = people.session(people.sign_in("王芳", PASSWORD, "here", MORNING), MORNING)
    assert (again.person.fresh, again.person.roles) == (False, WORKER)


def test_neither_password_nor_token_stands_in_the_ledger(people, token, tmp_path: Path):
    with closing(sqlite3.connect(tmp_path / "station" / "ledger.db")) as db:
        dump = "\n".join(db.iterdump())
    assert "scrypt$" in dump
    assert PASSWORD not in dump
    assert token not in dump


@pytest.mark.parametrize(
    ("new", "found"),
    [
        ("short", "5 characters"),
        ("x" * 201, "201 characters"),
        ("aaaaaaaaaaaa", "guessed first"),
        ("i am 王芳 indeed", "guessed first"),
        (PASSWORD, "the old one"),
    ],
)
def test_a_poor_new_password_is_refused_with_the_reason(people, token, new: str, found: str):
    session = people.session(token, MORNING)
    with pytest.raises(ConfigError, match=found):
        people.change_password(session, PASSWORD, new, "here", MORNING)
    assert people.sign_in("王芳", PASSWORD, "here", MORNING)


def test_the_old_password_is_asked_for_a_new_one(people, token):
    session = people.session(token, MORNING)
    assert not people.change_password(session, "not the old one", "another good password", "here", MORNING)


def test_five_failures_lock_a_name_and_the_right_password_does_not_open_it(people, token):
    fail(people, rules.FREE)
    with pytest.raises(LockedError) as locked:
        people.sign_in("王芳", PASSWORD, "elsewhere", MORNING)
    assert locked.value.wait_s == 60
    assert people.sign_in("王芳", PASSWORD, "here", MORNING + rules.LOCK_NS) is not None


def test_each_further_failure_locks_twice_as_long_up_to_a_quarter_of_an_hour(people, token):
    fail(people, rules.FREE)
    now_ns, waits = MORNING, []
    for _ in range(6):
        with pytest.raises(LockedError) as locked:
            people.sign_in("王芳", PASSWORD, "here", now_ns)
        waits.append(locked.value.wait_s)
        now_ns += locked.value.wait_s * SECOND
        fail(people, 1, now_ns=now_ns)
    assert waits == [60, 120, 240, 480, 900, 900]


def test_a_name_that_nobody_has_is_locked_as_one_that_somebody_has(people, token):
    fail(people, rules.FREE, name="nobody")
    with pytest.raises(LockedError):
        people.sign_in("nobody", PASSWORD, "here", MORNING)


def test_one_address_that_tries_many_names_is_locked(people, token):
    for number in range(rules.FREE_FROM):
        fail(people, 1, name=f"name {number}", address="10.0.0.9")
    with pytest.raises(LockedError):
        people.sign_in("王芳", PASSWORD, "10.0.0.9", MORNING)
    assert people.sign_in("王芳", PASSWORD, "10.0.0.8", MORNING) is not None


def test_an_office_whose_people_sign_in_all_day_is_not_locked(people, token):
    for _ in range(3 * rules.FREE_FROM):
        assert people.sign_in("王芳", PASSWORD, "here", MORNING) is not None


def test_failures_that_are_long_ago_do_not_count(people, token):
    fail(people, rules.FREE - 1)
    fail(people, 1, now_ns=MORNING + 2 * rules.FORGET_NS)
    assert people.sign_in("王芳", PASSWORD, "here", MORNING + 2 * rules.FORGET_NS) is not None


def test_a_lock_of_a_clock_that_was_years_ahead_does_not_last_for_years(people, token):
    fail(people, rules.FREE, now_ns=MORNING + 10_000 * HOUR_NS)
    assert people.sign_in("王芳", PASSWORD, "here", MORNING) is not None


def test_a_reset_opens_a_locked_account_with_a_new_first_password(people, token):
    fail(people, rules.FREE)
    first = people.reset("王芳", MORNING, "(test)")
    assert people.session(token, MORNING) is None
    assert people.session(people.sign_in("王芳", first, "here", MORNING), MORNING).person.fresh


def test_a_session_ends_after_a_shift_without_use(people, token):
    assert people.session(token, MORNING + rules.IDLE_NS - 1) is not None
    assert people.session(token, MORNING + 3 * rules.IDLE_NS) is None


def test_a_session_in_use_ends_after_a_week(people, token):
    steps = range(0, rules.LIFE_NS + 1, 6 * HOUR_NS)
    assert all(people.session(token, MORNING + step) for step in steps)
    assert people.session(token, MORNING + rules.LIFE_NS + 1) is None


def test_a_clock_that_is_set_back_a_day_ends_sessions(people, token):
    assert people.session(token, MORNING - 24 * HOUR_NS) is None
    assert people.session(token, MORNING - SECOND) is not None


def test_the_session_of_a_removed_person_is_over_at_once(people, token):
    people.remove("王芳", MORNING, "(test)")
    assert people.session(token, MORNING) is None
    assert people.sign_in("王芳", PASSWORD, "here", MORNING) is None
    assert people.all() == []


def test_signing_out_ends_this_session_and_no_other(people, token):
    other = people.sign_in("王芳", PASSWORD, "there", MORNING)
    people.sign_out(people.session(token, MORNING), MORNING)
    assert people.session(token, MORNING) is None
    assert people.session(other, MORNING) is not None


@pytest.mark.parametrize("name", ["", " ", "x" * 41, "two\nlines", "(bench)", "\x00"])
def test_a_name_that_no_list_can_show_is_refused(people, name: str):
    with pytest.raises(ConfigError, match="want 1 to 40 printable characters"):
        people.add(name, WORKER, MORNING, "(test)")


def test_a_name_is_given_once_and_needs_a_role(people, token):
    with pytest.raises(ConfigError, match="found an account of that name"):
        people.add(" 王芳 ", WORKER, MORNING, "(test)")
    with pytest.raises(ConfigError, match="found no role"):
        people.add("李强", (), MORNING, "(test)")
    with pytest.raises(ConfigError, match="found no account of that name"):
        people.remove("李强", MORNING, "(test)")


def test_every_sign_in_and_every_failure_is_in_the_audit(people, trail, token):
    fail(people, rules.FREE)
    with pytest.raises(LockedError):
        people.sign_in("王芳", PASSWORD, "10.0.0.9", MORNING)
    newest, before, *_ = trail.rows()
    assert (newest.what, newest.person, newest.subject, newest.detail) == (Act.REFUSED, "王芳", "10.0.0.9", "locked")
    assert (before.what, before.detail) == (Act.REFUSED, "name or password")
    assert [row.what for row in trail.rows()].count(Act.SIGNED_IN) == 2


@pytest.mark.parametrize("name", ["\udcff\udcfe", "a\x00b", "'; DROP TABLE person; --", "x" * 100_000])
def test_a_name_of_any_bytes_is_only_a_wrong_name(people, trail, token, name: str):
    fail(people, 1, name=name)
    assert trail.rows()[0].what == Act.REFUSED
    assert people.any()

"""Who is in term today, how far installations are, and the week's sums, by the office's own days."""

import pytest

from edge.clock import SECOND
from edge.errors import ConfigError
from edge.station import team
from edge.station.office import Habits, Office
from tests.station.desk import MORNING, QUICK, SHANGHAI, ns, opened, see, term

HOUR_NS = 3600 * SECOND


@pytest.fixture
def office(ledger) -> Office:
    return Office(
        ledger, cost=QUICK, enrolled=lambda: {"door-1": "2026-11-01T00:00:00Z", "door-9": "2026-11-02T00:00:00Z"}
    )


def flat(office: Office, now_ns: int = MORNING) -> dict:
    (one,) = team.flats(office, now_ns)
    return one


@pytest.mark.parametrize(
    ("now", "state", "day"),
    [
        ("2026-11-20 11:59", "before", None),
        ("2026-11-20 12:00", "now", 1),
        ("2026-11-20 23:59", "now", 1),
        ("2026-11-21 00:00", "now", 2),
        ("2026-12-04 11:59", "now", 15),
        ("2026-12-04 12:00", "over", None),
    ],
)
def test_the_day_of_a_term_changes_at_the_offices_midnight(office, ledger, now: str, state: str, day: int | None):
    see(ledger, "door-1", term("2026-11-20 12:00", "2026-12-04 12:00"))
    one = flat(office, ns(now))
    assert (one["term"], one["day"], one["days"]) == (state, day, 15)


def test_a_term_that_ends_at_midnight_does_not_count_the_day_it_never_saw(office, ledger):
    see(ledger, "door-1", term("2026-11-20 00:00", "2026-12-04 00:00"))
    one = flat(office)
    assert (one["day"], one["days"]) == (5, 14)


@pytest.mark.parametrize(
    ("state", "told"),
    [
        (b"{}", "unknown"),
        (b'{"term":null}', "none"),
        (b'{"armed":false,"phase":"idle","starts":null,"ends":null}', "none"),
        (b'{"armed":true,"phase":"armed","starts":"2026-11-20T00:00:00Z","ends":"2026-12-04T00:00:00Z"}', "now"),
        (b'{"term":"soon"}', "unknown"),
        (b'{"term":{"starts":"2026-11-20T00:00:00Z"}}', "unknown"),
        (b'{"term":{"starts":1,"ends":2}}', "unknown"),
        (b'{"term":{"starts":"2026-12-20T00:00:00Z","ends":"2026-11-20T00:00:00Z"}}', "unknown"),
        (b'{"term":[]}', "unknown"),
    ],
)
def test_a_state_that_says_nothing_of_a_term_is_read_as_such(office, ledger, state: bytes, told: str):
    see(ledger, "door-1", state)
    assert flat(office)["term"] == told


def test_flats_come_as_people_count_them_and_those_without_a_label_last(office, ledger):
    for unit, label in (("door-1", "3-10-101"), ("door-2", ""), ("door-3", "3-2-501"), ("door-4", "甲-1")):
        see(ledger, unit)
        office.book.label(unit, label, "(test)", MORNING)
    assert [one["unit"] for one in team.flats(office, MORNING)] == ["door-3", "door-1", "door-4", "door-2"]


def test_the_last_opening_says_who_saw_to_it(office, ledger):
    opened(ledger, "door-1", 1, MORNING - 2 * HOUR_NS)
    opened(ledger, "door-1", 2, MORNING - HOUR_NS)
    office.book.attend(("door-1", "e1", 2), "王芳", "", MORNING)
    last = flat(office)["last"]
    assert (last["seq"], last["time"]) == (2, "2026-11-24T00:30:00.000000Z")
    assert [one["person"] for one in last["attended"]] == ["王芳"]
    assert last["attended_ms"] == HOUR_NS // 10**6


def test_an_opening_that_came_late_stands_in_the_week_it_was_in(office, ledger):
    opened(ledger, "door-1", 1, ns("2026-11-16 23:59"), late_ns=3 * 24 * HOUR_NS)
    opened(ledger, "door-1", 2, ns("2026-11-17 00:00"), late_ns=3 * 24 * HOUR_NS)
    opened(ledger, "door-1", 3, ns("2026-11-24 00:00"))
    assert [one["seq"] for one in team.openings(office, ns("2026-11-17 00:00"), ns("2026-11-24 00:00"))] == [2]
    assert team.week(office, MORNING)["openings"] == 1


def test_the_week_counts_openings_attended_and_how_fast_and_no_clock_that_ran_back(office, ledger):
    see(ledger, "door-1", term("2026-11-20 12:00", "2026-12-04 12:00"))
    see(ledger, "door-2", term("2026-11-10 12:00", "2026-11-20 12:00"))
    for seq in (1, 2, 3):
        opened(ledger, "door-1", seq, ns("2026-11-22 10:00") + seq * HOUR_NS)
    opened(ledger, "door-2", 1, ns("2026-11-19 10:00"))
    office.book.attend(("door-1", "e1", 1), "a", "", ns("2026-11-22 11:02"))
    office.book.attend(("door-1", "e1", 2), "a", "", ns("2026-11-22 11:59"))  # before it was opened, says the clock
    week = team.week(office, MORNING)
    sums = {key: week[key] for key in ("openings", "attended", "unattended", "median_ms", "in_term", "ended")}
    assert sums == {"openings": 4, "attended": 2, "unattended": 2, "median_ms": 120_000, "in_term": 1, "ended": 1}
    assert [(one["unit"], one["openings"], one["attended"]) for one in week["units"]] == [
        ("door-1", 3, 2),
        ("door-2", 1, 0),
    ]


def test_an_installation_is_done_when_each_of_its_steps_was_seen(office, ledger):
    see(ledger, "door-1", b'{"door":"shut","camera":"none","armed":true}')
    first = {one["unit"]: one for one in team.installations(office)}
    assert (first["door-1"]["done"], first["door-1"]["armed"]) == (False, True)
    assert first["door-9"]["steps"] == {
        "enrolled": True,
        "heard": False,
        "opened": False,
        "picture": False,
        "label": False,
    }
    opened(ledger, "door-1", 1, MORNING)
    office.book.label("door-1", "3-2-501", "(test)", MORNING)
    assert {one["unit"]: one["done"] for one in team.installations(office)} == {"door-1": True, "door-9": False}


def test_the_office_goes_by_its_own_zone_and_not_by_the_machines(ledger):
    see(ledger, "door-1", term("2026-11-24 00:00", "2026-12-04 00:00"))
    urumqi = Office(ledger, habits=Habits(zone="America/New_York"), cost=QUICK)
    assert flat(urumqi, ns("2026-11-24 00:30"))["days"] == 11  # there it began the evening before
    assert urumqi.local(MORNING).utcoffset() != SHANGHAI.utcoffset(urumqi.local(MORNING))


@pytest.mark.parametrize("zone", ["", "Asia/Nowhere", "../etc/passwd"])
def test_a_zone_that_there_is_not_is_refused(ledger, zone: str):
    with pytest.raises(ConfigError, match="want a name such as Asia/Shanghai"):
        Office(ledger, habits=Habits(zone=zone), cost=QUICK)

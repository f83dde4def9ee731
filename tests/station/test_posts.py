"""What goes to the group's robot: each once, at its time, whatever restarts, refusals and clocks do."""

import logging
from contextlib import closing

import pytest

from edge.clock import SECOND
from edge.errors import ServerError
from edge.station.ledger import Ledger
from edge.station.office import Habits, Office
from edge.station.posts import RETRY_NS, Posts, today_text, week_text
from tests.station.desk import QUICK, ns, opened, see, term

TUESDAY = "2026-11-24"
HOUR_NS = 3600 * SECOND


class Group:
    """A group's robot that can be down."""

    def __init__(self) -> None:
        self.got: list[str] = []
        self.down = False

    def post(self, text: str) -> None:
        if self.down:
            raise ServerError("robot", found="no answer", wanted="an answer", remedy="It is tried again.")
        self.got.append(text)

    def titles(self) -> list[str]:
        return [text.split()[0] for text in self.got]


@pytest.fixture
def group() -> Group:
    return Group()


@pytest.fixture
def office(ledger) -> Office:
    made = Office(ledger, cost=QUICK)
    made.book.keep_mark("weekly", "2026-11-23", 0)  # this Monday's is out
    see(ledger, "door-1", term("2026-11-20 12:00", "2026-12-04 12:00"))
    made.book.label("door-1", "3-2-501", "(test)", 0)
    return made


@pytest.fixture
def posts(office, group) -> Posts:
    return Posts(office, group)


def test_todays_list_goes_out_at_its_time_and_once(posts, group):
    assert [posts.tick(ns(f"{TUESDAY} {time}")) for time in ("07:59", "08:00", "08:01", "23:59")] == [0, 1, 0, 0]
    assert group.got == ["今日在期名单 2026-11-24: 1\n3-2-501  第 5/15 天，至 12-04 12:00"]


def test_a_restart_repeats_nothing(posts, group, office):
    posts.tick(ns(f"{TUESDAY} 08:00"))
    assert Posts(office, group).tick(ns(f"{TUESDAY} 08:05")) == 0


def test_a_station_that_was_off_at_the_time_posts_when_it_starts_that_day(posts, group):
    assert posts.tick(ns(f"{TUESDAY} 17:40")) == 1


def test_a_list_whose_day_is_over_is_not_posted_late(posts, group):
    posts.tick(ns(f"{TUESDAY} 08:00"))
    assert posts.tick(ns("2026-11-26 07:00")) == 0
    posts.tick(ns("2026-11-26 08:00"))
    assert group.got[-1].startswith("今日在期名单 2026-11-26")


def test_the_week_goes_out_on_monday_or_as_soon_as_the_station_is_on_again(posts, group, office):
    posts.tick(ns("2026-11-30 08:00"))
    assert group.titles() == ["今日在期名单"]
    posts.tick(ns("2026-11-30 08:30"))
    assert group.titles() == ["今日在期名单", "一周汇总"]
    assert "11-23 00:00 至 11-30 00:00" in group.got[-1]
    Posts(office, group).tick(ns("2026-12-09 09:00"))  # it was off on the 7th
    assert group.titles()[2:] == ["今日在期名单", "一周汇总"]


def test_the_end_of_a_term_is_told_once_and_again_for_another_term(posts, group, ledger):
    posts.tick(ns("2026-12-04 08:00"))
    assert posts.tick(ns("2026-12-04 12:00")) == 1
    assert group.got[-1] == "3-2-501 door-1 的期限已于 12-04 12:00 结束，请安排拆除设备。"
    assert posts.tick(ns("2026-12-04 12:01")) == 0
    see(ledger, "door-1", term("2026-12-04 13:00", "2026-12-04 15:00"))
    assert [posts.tick(ns(f"2026-12-04 {time}")) for time in ("14:00", "15:00", "16:00")] == [0, 1, 0]


def test_terms_that_ended_long_before_the_station_began_are_no_news(posts, ledger):
    see(ledger, "door-1", term("2026-11-01 12:00", "2026-11-21 12:00"))
    assert posts.tick(ns(f"{TUESDAY} 07:00")) == 0


def test_a_robot_that_is_down_gets_it_later_and_is_not_hammered(posts, group, caplog):
    caplog.set_level(logging.INFO)
    group.down = True
    at_ns, tries = ns(f"{TUESDAY} 08:00"), []
    for _ in range(60):
        posts.tick(at_ns)
        tries.append(posts._failures)
        at_ns += 60 * SECOND
    assert tries[-1] == 7  # in the hour: after 0, 1, 3, 8, 23, 38 and 53 minutes
    group.down = False
    assert posts.tick(at_ns + RETRY_NS[-1]) == 1
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]


def test_a_clock_that_is_set_back_an_hour_repeats_nothing(posts):
    posts.tick(ns(f"{TUESDAY} 08:30"))
    assert [posts.tick(ns(f"{TUESDAY} {time}")) for time in ("07:30", "08:00", "08:30")] == [0, 0, 0]


def test_a_clock_that_was_years_ahead_does_not_silence_the_posts(posts, group):
    posts.tick(ns("2031-01-01 09:00"))
    count = len(group.got)
    assert posts.tick(ns(f"{TUESDAY} 08:30")) == 2  # the day's and the week's, once more
    assert posts.tick(ns(f"{TUESDAY} 08:31")) == 0
    assert len(group.got) == count + 2


def test_a_clock_that_is_set_back_while_a_robot_is_down_does_not_stop_the_trying(posts, group):
    group.down = True
    posts.tick(ns("2026-11-25 08:00"))
    group.down = False
    assert posts.tick(ns(f"{TUESDAY} 08:30")) == 1


def test_the_offices_zone_says_when_it_is_eight(ledger, group):
    office = Office(ledger, habits=Habits(zone="UTC", language="en", daily_at="00:30"), cost=QUICK)
    office.book.keep_mark("weekly", "2026-11-23", 0)
    posts = Posts(office, group)
    assert [posts.tick(ns(f"{TUESDAY} {time}")) for time in ("08:29", "08:30")] == [0, 1]
    assert group.got == ["In term today 2026-11-24\nNobody is in term today"]


def test_a_long_list_is_cut_to_what_a_group_robot_takes_and_says_so(office, ledger):
    for number in range(200):
        see(ledger, f"door-{number}", term("2026-11-20 12:00", "2026-12-04 12:00"))
        opened(ledger, f"door-{number}", 1, ns("2026-11-20 10:00"))
    for text in (today_text(office, ns(f"{TUESDAY} 08:00")), week_text(office, ns(f"{TUESDAY} 08:00"))):
        assert len(text.encode()) <= 2048  # WeCom's limit
        assert "见工作站页面" in text.splitlines()[-1]


def test_marks_outlive_the_station(tmp_path, group):
    for _ in range(2):
        with closing(Ledger(tmp_path / "again")) as ledger:
            Posts(Office(ledger, cost=QUICK), group).tick(ns(f"{TUESDAY} 09:00"))
    assert group.titles() == ["今日在期名单", "一周汇总"]

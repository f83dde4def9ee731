"""The resident's page: one opening is announced by whoever has the code, and nothing else is to be had there."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from edge.station.ca import Authority
from edge.station.hub import Hub
from edge.station.orders import Orders, Reply
from edge.station.pageapi import page_app
from edge.station.resident import AGAIN_NS, WHO, address, code, resident_routes
from tests.station.desk import Desk

UNIT = "door-7"
BASE = "https://station.example:8080"


class Place:
    """A station with one unit that obeys; `page` is a phone that nobody signed in on."""

    def __init__(self, folder: Path) -> None:
        self.ca = Authority.open(folder / "ca")
        self.ca.issue(UNIT, folder / "identity")
        self.desk = Desk(folder / "station", self.ca)
        self.asked: list[dict[str, Any]] = []
        self.done: bool | None = True
        orders = Orders(self.ca, self.desk.clock, lambda _topic, _payload: None)
        orders.act = self.act  # type: ignore[method-assign]  # what a unit says is tests/station/test_orders.py's
        more = resident_routes(self.ca, orders, self.desk.office, self.desk.clock)
        app = page_app(self.desk.ledger, self.desk.frames, Hub(), self.desk.clock, None, self.desk.office, orders, more)
        self.page = TestClient(app, base_url=BASE)
        self.path = address(self.ca, BASE, UNIT).removeprefix(BASE)

    def act(self, unit: str, what: str, wish: dict[str, Any]) -> Reply:
        self.asked.append({"unit": unit, "what": what, **wish})
        return Reply("1", self.done, "")


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    opened = Place(tmp_path)
    yield opened
    opened.desk.close()


def test_whoever_has_the_code_announces_one_opening_and_needs_no_account(place: Place):
    assert "resident.js" in place.page.get(place.path).text
    assert place.page.get("/resident.js").status_code == 200
    answer = place.page.post(f"/api{place.path}", json={})
    assert answer.json() == {"done": True, "minutes": 10}
    assert place.asked == [{"unit": UNIT, "what": "visit", "kind": "resident", "minutes": "10", "openings": "1"}]
    (row,) = [row for row in place.desk.office.trail.rows(unit=UNIT) if row.person == WHO]
    assert row.subject == "visit"


@pytest.mark.parametrize(("done", "told"), [(None, None), (False, False)])
def test_what_the_unit_said_is_told_and_nothing_of_the_door(place: Place, done, told):
    place.done = done
    assert place.page.post(f"/api{place.path}", json={}).json() == {"done": told, "minutes": 10}


def test_it_is_announced_once_a_minute_at_most(place: Place):
    place.page.post(f"/api{place.path}", json={})
    again = place.page.post(f"/api{place.path}", json={})
    assert (again.status_code, again.json()["code"]) == (429, "again")
    place.desk.clock.wall_ns += AGAIN_NS
    assert place.page.post(f"/api{place.path}", json={}).status_code == 200
    assert len(place.asked) == 2


def test_another_code_and_a_unit_that_nobody_knows_get_the_same_answer(place: Place):
    wrong = ["a" * 16, code(place.ca, "door-8"), "é"]
    for unit, given in [(UNIT, one) for one in wrong] + [("door-8", code(place.ca, "door-8"))]:
        assert place.page.get(f"/go/{unit}/{given}").status_code == 404
        assert place.page.post(f"/api/go/{unit}/{given}", json={}).status_code == 404
    assert place.asked == []


def test_another_page_cannot_announce_in_the_residents_name(place: Place):
    answer = place.page.post(f"/api{place.path}", json={}, headers={"origin": "https://evil.example"})
    assert (answer.status_code, place.asked) == (403, [])


def test_behind_the_code_nothing_else_opens(place: Place):
    for path in ("/api/doors", "/api/events", "/api/team"):
        assert place.page.get(path).status_code == 401


def test_the_code_is_the_same_after_a_restart_and_another_for_each_station(place: Place, tmp_path: Path):
    assert code(Authority.open(tmp_path / "ca"), UNIT) == code(place.ca, UNIT)
    assert code(Authority.open(tmp_path / "other"), UNIT) != code(place.ca, UNIT)

"""The page's data: what it gives, what it refuses, and that nobody else's page may act."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from edge.clock import SystemClock
from edge.errors import LinkError
from edge.spool.seal import Sealer, frame_name
from edge.station.frames import FrameStore
from edge.station.hub import Hub
from edge.station.office import Office
from edge.station.pageapi import page_app
from tests.station.conftest import event, stamp


class PlayBench:
    """A bench that remembers what it was told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, dict[str, Any]]] = []

    def state(self):
        return {"unit": "door-1", "door": "shut", "network": True, "power": True, "waves": ["clean"]}

    async def act(self, what, wish):
        self.told.append((what, wish))
        if what == "power":
            raise LinkError("unit", found="no answer", wanted="an answer", remedy="Start it.")


@pytest.fixture
def bench():
    return PlayBench()


@pytest.fixture
def store(tmp_path, ledger, authority):
    return FrameStore(tmp_path / "frames", ledger, authority, SystemClock(), lambda _: None)


@pytest.fixture
def page(ledger, store, bench):
    with TestClient(
        page_app(ledger, store, Hub(), SystemClock(), bench, Office(ledger, open_=True)), base_url="http://127.0.0.1"
    ) as client:
        yield client


def test_doors_come_with_the_bench_and_the_stations_time(page, keep):
    keep(event(1))
    answer = page.get("/api/doors").json()
    assert [door["unit"] for door in answer["doors"]] == ["door-1"]
    assert answer["bench"]["waves"] == ["clean"]
    assert answer["now"].endswith("Z")


def test_events_come_newest_first_and_page_backwards(page, keep):
    keep(*(event(seq) for seq in range(1, 6)))
    keep(event(1), unit="door-2")
    assert [e["seq"] for e in page.get("/api/events?limit=2&unit=door-1").json()["events"]] == [5, 4]
    assert [e["seq"] for e in page.get("/api/events?limit=2&unit=door-1&before=4").json()["events"]] == [3, 2]


@pytest.mark.parametrize("query", ["limit=-1", "limit=x", "before=1e3", "limit=9999999999999"])
def test_a_number_that_is_none_is_refused_with_its_name(page, query):
    answer = page.get("/api/events?" + query)
    assert answer.status_code == 400
    assert "want a whole number" in answer.json()["error"]
    assert query.split("=")[0] in answer.json()["error"]


def test_the_bench_does_what_it_is_told(page, bench):
    answer = page.post("/api/bench/door", json={"to": "open", "wave": "clean"})
    assert answer.json()["unit"] == "door-1"
    assert bench.told == [("door", {"to": "open", "wave": "clean"})]


def test_a_bench_that_cannot_answers_with_a_sentence(page):
    answer = page.post("/api/bench/power", json={"on": True})
    assert (answer.status_code, answer.json()["error"]) == (503, "unit: found no answer; want an answer. Start it.")


@pytest.mark.parametrize(
    "body", [b"", b"[1]", b"{", b"\xff", b'{"to": 1}', b"[" * 5000, b'{"to": ' + b"[" * 975 + b"]" * 975 + b"}"]
)
def test_a_wish_that_is_no_object_is_refused(page, bench, body):
    answer = page.post("/api/bench/door", content=body)
    assert answer.status_code == 400
    assert "want a JSON object" in answer.json()["error"]
    assert bench.told == []


def test_another_sites_page_may_not_act(page, bench):
    answer = page.post("/api/bench/door", json={"to": "open"}, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403
    assert bench.told == []


def test_a_real_station_has_no_bench(ledger, store):
    with TestClient(
        page_app(ledger, store, Hub(), SystemClock(), None, Office(ledger, open_=True)), base_url="http://127.0.0.1"
    ) as page:
        assert page.get("/api/doors").json()["bench"] is None
        assert page.post("/api/bench/door", json={"to": "open"}).status_code == 404


def test_the_page_itself_is_served_with_a_policy_that_lets_nothing_in(page):
    answer = page.get("/")
    assert "text/html" in answer.headers["content-type"]
    assert answer.headers["content-security-policy"].startswith("default-src 'self'")
    assert answer.headers["cache-control"] == "no-store"
    assert page.get("/app.js").status_code == 200


def test_a_sealed_picture_is_opened_only_to_be_looked_at(page, store, authority, tmp_path):
    who = authority.issue("door-1", tmp_path / "id")
    sealer = Sealer(who.unit, who.seal_key, who.seal_key_id, who.sign_seed.reveal())
    sealed = sealer.seal(b"\xff\xd8 a picture", epoch="e1", event=1, at=stamp())
    assert store.put("door-1", frame_name(sealed), sealed)
    answer = page.get(f"/api/frames/{frame_name(sealed)}.jpg")
    assert (answer.content, answer.headers["content-type"]) == (b"\xff\xd8 a picture", "image/jpeg")
    assert answer.headers["cache-control"] == "no-store"
    assert not any(b"a picture" in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


def test_a_picture_that_never_came_is_a_sentence(page):
    answer = page.get("/api/frames/abc.jpg")
    assert (answer.status_code, answer.json()["error"].split(":")[0]) == (400, "picture abc")

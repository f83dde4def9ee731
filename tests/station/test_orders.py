"""What the station tells units: signed, answered or not; and which testimonies it believes."""

import base64
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from starlette.testclient import TestClient

from edge import wire
from edge.clock import SystemClock
from edge.errors import ConfigError
from edge.records import Audit
from edge.spool.seal import signature_of, signed_by
from edge.station.ca import Authority
from edge.station.frames import FrameStore
from edge.station.hub import Hub
from edge.station.ledger import Ledger
from edge.station.office import Office
from edge.station.orders import Orders
from edge.station.pageapi import page_app
from tests.station.conftest import stamp

UNIT = "door-7"


class Unit:
    """Obeys, or refuses, or says nothing at all."""

    def __init__(self, authority: Authority, folder: Path) -> None:
        self.who = authority.issue(UNIT, folder / "identity")
        self.heard: list[wire.Command] = []
        self.answer: Callable[[wire.Command], bytes | None] = lambda c: reply(c.id, True, "done")
        self.orders = Orders(authority, SystemClock(), self.take)

    def take(self, topic: str, payload: bytes) -> None:
        assert topic == wire.topic(UNIT, "command")
        command = wire.read_command(payload, lambda s, m: signed_by(self.who.command_key, s, m))
        self.heard.append(command)
        answer = self.answer(command)
        if answer is not None:
            self.orders.heard(UNIT, answer)


def reply(id_: str, done: bool, said: str) -> bytes:
    return msgspec.json.encode({"id": id_, "done": done, "said": said})


@pytest.fixture
def unit(authority: Authority, tmp_path: Path) -> Unit:
    return Unit(authority, tmp_path)


def erased(unit: Unit, **changed: object) -> Audit:
    detail = {"records": 3, "frames": 1}
    audit = Audit(epoch="e2", seq=1, at=stamp(1), what="erased", by="unit", detail=detail, of="e1")
    signature = signature_of(unit.who.sign_seed.reveal(), wire.testimony(UNIT, audit))
    signed = msgspec.structs.replace(audit, signature=base64.b64encode(signature).decode())
    return msgspec.structs.replace(signed, **changed)


@pytest.mark.parametrize(
    ("what", "wish"),
    [
        ("open-the-door", {}),
        ("term", {}),
        ("term", {"days": "0"}),
        ("term", {"days": "61"}),
        ("term", {"days": "-1"}),
        ("visit", {"kind": "doctor", "minutes": "ten"}),
        ("visit", {"kind": "doctor", "minutes": True}),
    ],
)
def test_an_order_that_makes_no_sense_is_not_sent(unit: Unit, what: str, wish: dict):
    with pytest.raises(ConfigError):
        unit.orders.act(UNIT, what, wish)
    assert unit.heard == []


def test_an_order_to_a_unit_of_another_station_is_not_sent(unit: Unit):
    with pytest.raises(ConfigError, match="a unit of this station"):
        unit.orders.act("door-99", "end", {})
    assert unit.heard == []


def test_a_term_is_sent_signed_and_its_answer_comes_back(unit: Unit):
    assert unit.orders.act(UNIT, "term", {"days": "14"}).done is True
    (command,) = unit.heard
    shape = wire.order(command, wire.TermOrder)
    lasts_ns = wire.from_rfc3339(shape.ends) - wire.from_rfc3339(shape.starts)
    assert (command.verb, lasts_ns) == ("term", 14 * 86_400 * 10**9)


def test_a_visit_is_sent_in_the_shape_that_the_wire_wants(unit: Unit):
    unit.orders.act(UNIT, "visit", {"kind": "staff", "minutes": "10"})
    assert wire.order(unit.heard[0], wire.VisitOrder).kind == "staff"


def test_a_refusal_is_told_and_no_answer_is_no_refusal(unit: Unit):
    unit.answer = lambda c: reply(c.id, False, "want an end after the start")
    assert unit.orders.send(UNIT, "end", {}).said == "want an end after the start"
    unit.answer = lambda _: None
    assert unit.orders.send(UNIT, "end", {}, wait_s=0).done is None


@pytest.mark.parametrize("payload", [b"", b"{", b"\xff", b"[" * 100_000, b'{"id": 7}', reply("of-another", True, "x")])
def test_an_answer_that_nobody_waits_for_or_can_read_is_passed_over(unit: Unit, payload: bytes):
    unit.answer = lambda _: payload
    assert unit.orders.send(UNIT, "end", {}, wait_s=0).done is None


def test_what_the_unit_signed_is_believed_and_nothing_else(unit: Unit):
    genuine = unit.orders.genuine
    assert genuine(UNIT, erased(unit))
    assert not genuine("door-8", erased(unit))
    for changed in ({"signature": ""}, {"signature": "*"}, {"by": "x"}, {"detail": {"records": 0, "frames": 1}}):
        assert not genuine(UNIT, erased(unit, **changed))


def test_the_page_gives_orders_and_says_what_became_of_them(
    unit: Unit, authority: Authority, ledger: Ledger, keep, tmp_path
):
    keep(erased(unit), unit=UNIT)
    store = FrameStore(tmp_path / "frames", ledger, authority, SystemClock(), lambda _: None)
    office, here = Office(ledger, open_=True), "http://127.0.0.1"
    with TestClient(page_app(ledger, store, Hub(), SystemClock(), None, office, unit.orders), base_url=here) as page:
        assert page.post(f"/api/orders/{UNIT}/end", json={}).json() == {"done": True, "said": "done"}
        assert page.post(f"/api/orders/{UNIT}/dance", json={}).status_code == 400
        assert (
            page.post(f"/api/orders/{UNIT}/end", json={}, headers={"sec-fetch-site": "cross-site"}).status_code == 403
        )
        (entry,) = page.get("/api/events").json()["events"]
        assert entry["detail"] == {
            "what": "erased",
            "by": "unit",
            "records": 3,
            "frames": 1,
            "of": "e1",
            "signed": True,
        }
    with TestClient(page_app(ledger, store, Hub(), SystemClock(), None, office), base_url=here) as page:
        assert page.post(f"/api/orders/{UNIT}/end", json={}).status_code == 404

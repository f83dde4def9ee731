"""The unit in the installer's hands: movements and tests are audits, never events, and a term takes the door back."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import timedelta
from typing import TypeVar

import pytest
from PIL import Image

from edge import wire
from edge.clock import SECOND
from edge.door.contact import Rest
from edge.errors import PartError
from edge.unit.hands import RECEIPTS_MAX, Hands, Tools
from tests.unit.rig import JSON, Rig, Start

T = TypeVar("T")


class RawEye:
    """What aiming has of camera.eye.Eye."""

    on_raw = None
    worn: tuple[object, ...] = ()

    def wear(self, polygons: tuple[object, ...]) -> None:
        self.worn = polygons


class Opener:
    """A platform that opens all it is sent."""

    def __init__(self) -> None:
        self.took: list[str] = []

    def put(self, name: str, _sealed: bytes) -> None:
        self.took.append(name)

    def reach(self) -> None:
        """It is there."""

    def opened(self, name: str) -> tuple[int, int]:
        assert name in self.took
        return 16, 16


def hands_of(rig: Rig, eye: RawEye | None = None) -> Hands:
    return Hands(rig.unit.crew, rig.unit.effects, Tools(rig.contact, eye, rig._seal, Opener))


def asked(rig: Rig, act: Callable[[], T]) -> T:
    """What a thread of the page's is told."""
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(act)
        while not answer.done():
            rig.loop.turn()
            wait([answer], 0.002)
        return answer.result()


def audits(rig: Rig) -> list[JSON]:
    return rig.records("audit")


def move(rig: Rig, closed: bool) -> None:
    rig.play("bounce", closed=closed)
    rig.live(0.2)


def test_movements_of_the_walk_test_are_told_to_the_installer_and_are_no_events(start: Start):
    rig = start(term=None)
    hands, told = hands_of(rig), []
    assert asked(rig, lambda: hands.walk(told.append)) == ""
    rig.live(0.2)
    for closed in (False, True, False):
        move(rig, closed)
    assert [rest.closed for rest in told] == [True, False, True, False]
    assert all(isinstance(rest, Rest) and rest.edges > 1 for rest in told[1:])
    hands.stand()
    rig.live(0.1)
    move(rig, True)
    assert len(told) == 4
    assert rig.changes() == []
    assert rig.sent("pulse")[-1]["door"] == "unwatched"


def test_a_term_that_begins_takes_the_contact_back_at_once(start: Start):
    rig = start(term=None)
    hands, told = hands_of(rig), []
    asked(rig, lambda: hands.walk(told.append))
    now_ns = rig.clock.read().wall_ns
    ends_ns = now_ns + timedelta(days=1).days * 86_400 * SECOND
    order = rig.command("term", starts=wire.rfc3339(now_ns), ends=wire.rfc3339(ends_ns))
    reply = rig.obey(order)
    assert reply is not None
    assert reply["done"]
    rig.live(0.2)
    move(rig, False)
    assert rig.changes() == ["found", "opened"]
    assert len(told) <= 1
    assert asked(rig, lambda: hands.walk(told.append)) == "walk.term"


def test_a_contact_that_cannot_be_read_is_told(start: Start):
    rig = start(term=None)
    hands, told = hands_of(rig), []
    asked(rig, lambda: hands.walk(told.append))
    rig.live(0.2)
    rig.wire.torn = True
    rig.live(2)
    assert isinstance(told[-1], PartError)
    rig.wire.torn = False
    asked(rig, lambda: hands.walk(told.append))
    rig.live(0.2)
    assert told[-1].closed is True


def test_an_audit_of_the_installer_s_has_its_receipt_and_is_signed_where_it_is_the_report(start: Start):
    rig = start(term=None)
    hands, came = hands_of(rig), []
    hands.on_receipt = lambda key, _now_ns: came.append(key)
    test = asked(rig, lambda: hands.have_recorded("test", {"n": 1}))
    done = asked(rig, lambda: hands.have_recorded("installed", {"report": "{}"}, sign=True))
    rig.live(0.2)
    assert [key for key in came if key[1] >= test.seq] == [(test.epoch, test.seq), (done.epoch, done.seq)]
    assert hands.receipt((test.epoch, test.seq), 0) is not None
    assert hands.receipt((test.epoch, 999), 0) is None
    assert [(a["what"], a["by"], "signature" in a) for a in audits(rig)] == [
        ("test", "installer", False),
        ("installed", "installer", True),
    ]


def test_what_is_remembered_of_receipts_is_bounded(start: Start):
    rig = start(term=None)
    hands = hands_of(rig)
    for _ in range(RECEIPTS_MAX + 20):
        asked(rig, lambda: hands.have_recorded("test", {}))
        rig.receipt_all()
    assert len(hands._receipts) == RECEIPTS_MAX


def test_the_camera_is_on_for_the_installer_alone_and_off_after(start: Start):
    rig, eye = start(term=None, camera=True), RawEye()
    hands, seen = hands_of(rig, eye), []
    asked(rig, lambda: hands.look(seen.append))
    rig.live(0.1)
    assert rig.sent("state")[-1]["camera"] == "on"
    rig.frame()  # masked ones go nowhere outside the term
    rig.fail_camera(PartError("camera", found="none", wanted="one", remedy="Seat it."))
    assert isinstance(seen[-1], PartError)
    assert not [w for p in rig.sent("pulse") for w in p["warnings"] if w["code"].startswith("camera")]
    hands.blink()
    rig.live(6)
    assert rig.sent("state")[-1]["camera"] == "off"
    assert eye.on_raw is None
    assert rig.records("frames") == []


def test_within_a_term_the_camera_stays_on_when_the_installer_has_looked(start: Start):
    rig = start(camera=True)
    hands = hands_of(rig, RawEye())
    asked(rig, lambda: hands.look(lambda _: None))
    hands.blink()
    rig.live(6)
    assert rig.sent("state")[-1]["camera"] == "on"


def test_a_picture_is_sealed_sent_and_opened_and_its_size_comes_back(start: Start):
    rig = start(term=None, camera=True)
    hands = hands_of(rig, RawEye())
    test = asked(rig, lambda: hands.have_recorded("test", {}))
    assert hands.deliver(Image.new("RGB", (16, 16)), test) == (16, 16)


def test_why_there_is_no_link_is_told_and_a_warning_of_it_goes_when_the_link_is_back(start: Start):
    rig = start(term=None, up=False)
    hands = hands_of(rig)
    changed: list[list[dict[str, str]]] = []
    hands.on_health = lambda: changed.append(hands.warnings())
    rig.link.drop()
    rig.live(10)
    assert asked(rig, hands.link) == (False, "", "link.network")
    assert [w["code"] for w in changed[-1]] == ["link.network"]
    rig.link.accept()
    rig.live(0.5)
    assert asked(rig, hands.link) == (True, "5", "")
    assert changed[-1] == []


def test_a_deciding_thread_that_does_not_answer_is_named(start: Start):
    hands = hands_of(start(term=None))
    hands.answer_s = 0.01
    with pytest.raises(PartError, match="deciding thread"):
        hands.link()

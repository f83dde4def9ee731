"""A whole unit beside each hub: what it says is what the hub takes, and what the hub answers is a receipt or none."""

import json

import msgspec
import pytest

from edge.cloud import Cloud
from edge.errors import LinkError
from edge.records import Alarmed, Boot, Source
from edge.secret import Secret
from edge.sim.hub import HUBS, Aliyun, HomeAssistant, Huawei, OneNet, ShapedHub
from edge.sim.time import SimClock
from edge.uplink.cloud import hub
from edge.uplink.other import Filing, Message, Other
from tests.unit.rig import Rig, Start

TOLD = "event, alarm, boot, gap, audit, frames"
WANTS = {"home-assistant": "event, alarm"}


def other(name: str, made: ShapedHub, clock: SimClock) -> Other:
    settings = Cloud(
        profile=name,
        host="hub.example",
        device_id=made.device,
        product_id=made.product,
        secret=Secret(made.secret.encode()),
        wants=WANTS.get(name, TOLD),
    )
    return hub(settings, "door-1", clock, print)


class Store:
    """other.Filing whose store is here; `full`: it does not answer."""

    def __init__(self, filing: Filing | None, status: int) -> None:
        self._filing = filing
        self.status = status
        self.put_there: dict[str, bytes] = {}

    def ask(self, name: str, size_bytes: int) -> Message:
        assert self._filing is not None
        return self._filing.ask(name, size_bytes)

    def tell(self, name: str, status: int) -> Message:
        assert self._filing is not None
        return self._filing.tell(name, status)

    def put(self, url: str, sealed: bytes) -> int:
        if not self.status:
            raise LinkError("store", found="silence", wanted="an answer", remedy="Wait.")
        self.put_there[url] = sealed
        return self.status


class Beside:
    """A unit, and one hub that reads all that it is sent."""

    def __init__(
        self, start: Start, clock: SimClock, name: str, *, puback: bool = True, status: int | None = None
    ) -> None:
        self.hub = HUBS[name]()
        spoken = other(name, self.hub, clock)
        self.store = Store(spoken.filing, 200 if status is None else status)
        if spoken.filing is not None:
            spoken = msgspec.structs.replace(spoken, filing=self.store)
        self.rig: Rig = start(other=spoken, camera=status is not None)
        self.puback = puback
        self._read = 0
        self.rig.beside.accept(protocol="3.1.1")
        self.turn()

    def turn(self) -> None:
        """All that was said is read and answered."""
        self.rig.live(0.2)
        while self._read < len(self.rig.beside.sent):
            publish = self.rig.beside.sent[self._read]
            self._read += 1
            answers = self.hub.take(publish.topic, publish.payload)
            if self.puback and publish.token:
                self.rig.beside.answer(publish.token)
            for topic, payload in answers:
                self.rig.beside.say(topic, payload)
            self.rig.live(0.1)

    def open_and_shut(self) -> None:
        for closed in (False, True):
            self.rig.play("clean", closed=closed)
            self.rig.live(1)
            self.turn()

    @property
    def backlog(self) -> int:
        (told,) = self.rig.unit.pulse([])["others"]
        return int(told["backlog"])


@pytest.mark.parametrize("name", HUBS)
def test_all_that_a_unit_tells_is_what_the_hub_takes(start: Start, clock: SimClock, name: str):
    beside = Beside(start, clock, name)
    beside.open_and_shut()
    at = clock.read()
    beside.rig.unit.crew.recorder.alarm(at, Alarmed.TAMPER, Source.LID, "opened")
    beside.rig.unit.crew.recorder.audit("term.changed", "unit", {"starts_ns": 1})
    beside.turn()
    assert len(beside.hub.held) >= 4
    assert beside.backlog == 0
    assert beside.rig.unit.crew.journal.backlog == 0
    assert "opened" in json.dumps(beside.hub.held)
    assert Boot.__name__.lower() in json.dumps(beside.hub.held) or name in WANTS


@pytest.mark.parametrize("name", ["aliyun-iot", "onenet"])
def test_a_hub_that_answers_keeps_nothing_until_it_has_said_so(start: Start, clock: SimClock, name: str):
    beside = Beside(start, clock, name)
    beside.hub.refusing = True
    beside.open_and_shut()
    assert beside.backlog == 2
    (denied,) = [w for w in beside.rig.unit.crew.health.lasting(clock.now()) if w.row.code == "cloud.denied"]
    assert "6401 tsl parse error" in denied.detail or "full" in denied.detail
    assert beside.rig.changes()[-2:] == ["opened", "shut"]
    beside.hub.refusing = False
    for _ in range(10):
        beside.rig.live(31)
        beside.turn()
    assert beside.backlog == 0


def test_a_brokers_word_is_no_receipt_where_the_hub_gives_its_own(start: Start, clock: SimClock):
    beside = Beside(start, clock, "aliyun-iot")
    beside.rig.play("clean", closed=False)
    beside.rig.live(0.5)
    beside.rig.beside.answer(beside.rig.beside.sent[-1].token)
    beside.rig.live(0.5)
    assert beside.backlog == 1


@pytest.mark.parametrize(
    "answer",
    [b"", b"\xff", b"[1]", b'"id"', b"null", b"[" * 100_000, b'{"id": "999", "code": 200}', b'{"id": {"a": 1}}'],
)
def test_an_answer_that_makes_no_sense_is_none(start: Start, clock: SimClock, answer: bytes):
    beside = Beside(start, clock, "aliyun-iot")
    beside.rig.play("clean", closed=False)
    beside.rig.live(0.5)
    for topic in (*Aliyun.subscribed, *OneNet.subscribed, "/sys/a1B2c3D4e5F/door-17/thing/service/x"):
        beside.rig.beside.say(topic, answer)
    beside.rig.live(0.5)
    assert beside.backlog == 1
    assert beside.rig.unit.crew.loop.faults == 0


COMMANDS = {
    "thingsboard": ("v1/devices/me/rpc/request/42", '{"method": "m", "params": {"command": %s}}'),
    "huawei-iotda": (
        "$oc/devices/door-17/sys/commands/request_id=42",
        '{"command_name": "c", "service_id": "Door", "paras": {"command": %s}}',
    ),
    "aliyun-iot": (
        "/sys/a1B2c3D4e5F/door-17/thing/service/order",
        '{"id": "7", "version": "1.0", "params": {"command": %s}}',
    ),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_hub_is_not_obeyed_but_for_what_the_platform_signed(start: Start, clock: SimClock, name: str):
    beside = Beside(start, clock, name)
    topic, form = COMMANDS[name]
    signed = json.dumps(beside.rig.command("pulse", id_="by-hub").decode())
    for text in ('"erase"', "7", '{"verb": "erase"}', '"{}"', signed):
        beside.rig.beside.say(topic, (form % text).encode())
        beside.turn()
    assert [reply["id"] for reply in beside.rig.sent("reply")] == ["by-hub"]
    assert beside.rig.unit.crew.warden.watching


def test_home_assistant_is_shown_the_door_as_it_is_and_never_as_it_was(start: Start, clock: SimClock):
    beside = Beside(start, clock, "home-assistant")
    shown = beside.hub
    assert isinstance(shown, HomeAssistant)
    assert (shown.available, shown.state["open"], shown.state["armed"]) == ("online", 0, True)
    beside.rig.play("clean", closed=False)
    beside.rig.live(1)
    beside.turn()
    assert shown.state["open"] == 1
    beside.rig.beside.drop()
    beside.open_and_shut()
    beside.rig.beside.accept()
    beside.turn()
    assert shown.state["open"] == 0
    beside.rig.stop()
    beside.turn()
    assert shown.available == "offline"
    retained = {publish.topic for publish in beside.rig.beside.sent if publish.retain}
    assert retained == {"doorunit/door-1/state", "doorunit/door-1/available", "homeassistant/device/door-1/config"}


@pytest.mark.parametrize(("status", "result"), [(200, 0), (403, 1), (0, 1)])
def test_a_sealed_picture_is_put_where_the_hub_says_and_told(start: Start, clock: SimClock, status: int, result: int):
    beside = Beside(start, clock, "huawei-iotda", status=status)
    assert isinstance(beside.hub, Huawei)
    beside.rig.frame()
    beside.rig.play("clean", closed=False)
    for _ in range(20):
        beside.rig.live(0.5)
        beside.rig.frame()
    beside.turn()
    beside.turn()
    assert len(beside.hub.files) >= 2
    assert set(beside.hub.files.values()) == {result}
    assert len(beside.store.put_there) == (len(beside.hub.files) if status else 0)
    assert set(beside.rig.post.took) >= {name.rpartition("_")[2] for name in beside.hub.files}


def test_a_picture_that_waits_for_an_address_is_erased_with_all_else(start: Start, clock: SimClock):
    beside = Beside(start, clock, "huawei-iotda", status=200)
    beside.rig.beside.sever()
    beside.rig.frame()
    beside.rig.play("clean", closed=False)
    for _ in range(20):
        beside.rig.live(0.5)
        beside.rig.frame()
    assert beside.rig.obey(beside.rig.command("erase")) is not None
    beside.rig.live(30)
    beside.rig.beside.drop()
    beside.rig.live(1)
    beside.rig.beside.accept()
    beside.turn()
    assert isinstance(beside.hub, Huawei)
    assert beside.hub.files == {}
    assert beside.store.put_there == {}

"""What the station's receiver takes off the broker: no message ends it, no receipt is for what is not stored, and all
that it has stored can be shown.

An input is messages that arrive together, each a topic, a new line and a payload; `--` on a line is between two.
"""

import json
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from paho.mqtt.client import Client, MQTTMessage, topic_matches_sub
from paho.mqtt.enums import CallbackAPIVersion

from edge import wire
from edge.clock import SystemClock
from edge.station.hub import Hub
from edge.station.ledger import Ledger
from edge.station.receiver import News, Receiver
from edge.station.teller import told
from tests.fuzz import wires
from tests.fuzz.asking import Request, asker
from tests.fuzz.bend import WORDS, Pick, bend_json, spoil
from tests.fuzz.office import office
from tests.fuzz.player import Play, Target
from tests.fuzz.wires import REAL, UNIT

GAP = b"\n--\n"
LEAVES = ("event", "state", "online", "pulse")
SUBSCRIBED = [f"{wire.ROOT}/+/{leaf}" for leaf in LEAVES]
TOPIC_MAX_BYTES = 65_535
PAGES = [Request.of(b"GET /api/doors"), Request.of(b"GET /api/events"), Request.of(b"GET /api/events?unit=door-1")]
STATE = b'{"door":"open","since":"2026-11-18T11:06:40.000000Z","camera":"ready"}'
WARNING = b'{"code":"c","zh":"z","en":"e","for_s":1}'
PULSE = b'{"time":"2026-11-18T11:06:40.000000Z","backlog":3,"link":"5","warnings":[' + WARNING + b"]}"
ONLINE = b'{"online":true,"boot":"b1","version":"0.1.0"}'
UNITS = [*WORDS, "", "door-2", "door-1 ", "station", "DOOR-1", ".", "x" * (TOPIC_MAX_BYTES - 14)]


class Ear(Client):
    """A client that never connects, and remembers what paho let pass."""

    def __init__(self) -> None:
        super().__init__(CallbackAPIVersion.VERSION2)
        self.said: list[tuple[str, bytes]] = []

    def publish(self, topic: str, payload: Any = None, qos: int = 0, *_: Any, **__: Any) -> Any:
        """Paho looks at the topic; without a connection nothing is queued at QoS 0."""
        assert qos == 1
        info = super().publish(topic, payload, 0)
        self.said.append((topic, payload))
        return info


class Desk(Receiver):
    """A receiver without a broker and a thread; `take` is what its thread does."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._clock = SystemClock()
        self._on_news = self._news
        self._inbox = queue.SimpleQueue()
        self._closing = threading.Event()
        self._kept = {}
        self._client = self.ear = Ear()
        self.refused = 0
        self.elsewhere = lambda _: False
        self.on_mqtt = lambda _: None

    def take(self, messages: list[tuple[bytes, bytes]]) -> None:
        """They arrive, and are committed together."""
        self.ear.said.clear()
        for topic, payload in messages:
            message = MQTTMessage(topic=topic)
            message.payload = payload
            self._on_message(self.ear, None, message)
        batch = [self._inbox.get() for _ in messages]
        self._take([message for message in batch if message is not None])

    def _news(self, news: News) -> None:
        hub = Hub()
        for event, what in told(self._ledger, news, lambda _unit, _audit: False):
            hub.push(event, what)
            json.dumps(what, ensure_ascii=False, allow_nan=False).encode()


def delivered(topic: bytes) -> bool:
    """Whether a broker takes such a topic and has it for this subscriber."""
    try:
        name = topic.decode()
    except UnicodeDecodeError:
        return False
    whole = len(topic) <= TOPIC_MAX_BYTES and not {"+", "#", "\0"} & set(name)
    return whole and any(topic_matches_sub(sub, name) for sub in SUBSCRIBED)


def drawable(door: dict[str, Any]) -> None:
    """What the page's scripts work with is of the kind that they take it for."""
    assert door["since"] is None or wire.from_rfc3339(door["since"])
    assert all(isinstance(warning["code"], str) for warning in door["warnings"])
    assert isinstance((door["pulse"] or {}).get("link", ""), str)


@contextmanager
def opened(folder: Path) -> Iterator[Play]:
    """An empty ledger, emptied again after each input."""
    with office(folder) as at, asker() as ask:
        desk = Desk(at.ledger)
        db = at.ledger.store.db

        def play(data: bytes) -> None:
            messages = [(topic, payload) for topic, _, payload in (part.partition(b"\n") for part in data.split(GAP))]
            messages = [message for message in messages if delivered(message[0])]
            desk.take(messages)
            stored = set(db.execute("SELECT unit, epoch, seq FROM record"))
            for topic, payload in desk.ear.said:
                said = wire.read_receipt(payload)
                named = {seq for low, high in said.stored for seq in range(low, high + 1)}
                assert {(topic.split("/")[2], said.epoch, seq) for seq in named} <= stored
            if at.ledger.units():
                for request in PAGES:
                    answer = ask(at.page, request)
                    assert answer.status == 200
                    for door in json.loads(answer.body).get("doors", ()):
                        drawable(door)
                for table in ("record", "unit", "void", "anchor"):
                    db.execute(f"DELETE FROM {table}")

        yield play


def bend(raw: bytes, pick: Pick) -> bytes:
    """One message more, or one bent, or on another topic."""
    parts = raw.split(GAP)
    at = pick(range(len(parts)))
    topic, _, payload = parts[at].partition(b"\n")
    how = pick(("payload", "payload", "payload", "payload", "unit", "leaf", "twice", "more", "spoil"))
    if how == "spoil":
        return spoil(raw, pick)
    if how == "more":
        return raw + GAP + pick(SEEDS)
    if how == "twice":
        return raw + GAP + parts[at]
    if how == "payload":
        payload = (wires.bend if topic.endswith(b"event") else bend_json)(payload, pick)
    else:
        unit, leaf = (pick(UNITS), "event") if how == "unit" else (UNIT, pick((*LEAVES, "reply", "event/x")))
        topic = f"{wire.ROOT}/{unit}/{leaf}".encode()
        payload = payload.replace(UNIT.encode(), unit.encode())
    return GAP.join([*parts[:at], topic + b"\n" + payload, *parts[at + 1 :]])


def _on(leaf: str, payload: bytes) -> bytes:
    return wire.topic(UNIT, leaf).encode() + b"\n" + payload


SEEDS = (*(_on("event", raw) for raw in REAL), _on("state", STATE), _on("pulse", PULSE), _on("online", ONLINE))
TARGET = Target("receiver", opened, (*SEEDS, GAP.join(SEEDS)), bend)

"""Takes what units send off the broker, commits it, and only then sends receipts.

Messages that arrive together are committed together: one sync and one receipt a unit for all of them.
"""

import logging
import queue
import socket
import ssl
import threading
from collections import defaultdict
from collections.abc import Callable

import msgspec
from paho.mqtt.client import Client, ConnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from edge import wire
from edge.clock import Clock
from edge.errors import PartError, WireError
from edge.identity import UNIT_ID
from edge.station.ledger import Batch, Ledger

log = logging.getLogger(__name__)

BATCH = 500  # messages in one commit at most
PULSE_S = 0.1  # of silence after a pulse, before it is committed by itself
RETRY_S = 1.0  # pause after the disk refused

_Plain = str | int | float | bool | None
_Near = _Plain | list[_Plain] | dict[str, _Plain]
_Told = dict[str, _Plain | list[_Near] | dict[str, _Near]]
# What a unit tells of itself. No deeper: one reader nests further than the next writer, and the page says it all again.
_told = msgspec.json.Decoder(_Told)


class _Warning(msgspec.Struct):
    code: str
    en: str = ""
    zh: str = ""


class _Known(msgspec.Struct):
    """What the page works with, of state and pulse together; the rest it only writes out."""

    since: str | None = None
    link: str = ""
    warnings: tuple[_Warning, ...] = ()


class Message(msgspec.Struct, frozen=True):
    """One message as it came: unit and leaf from its topic."""

    unit: str
    leaf: str
    payload: bytes
    received_ns: int


class News(msgspec.Struct, frozen=True):
    """What one commit brought: units that told something, and the numbers of new records."""

    units: frozenset[str]
    records: tuple[int, ...]


class Receiver:
    """One subscription for all units. `on_news` is called in the receiver's thread, after the commit."""

    def __init__(
        self,
        ledger: Ledger,
        clock: Clock,
        on_news: Callable[[News], None],
        *,
        host: str,
        port: int,
        tls: tuple[str, str, str] | None,
        v5: bool = True,
    ) -> None:
        self._ledger = ledger
        self._clock = clock
        self._on_news = on_news
        self._inbox: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        self.refused = 0  # messages that could not be read
        self.on_reply: Callable[[str, bytes], object] = lambda _unit, _payload: None  # in the network's thread
        self.connected = threading.Event()  # units are heard
        self._closing = threading.Event()
        self._client = Client(
            CallbackAPIVersion.VERSION2,
            "station",
            clean_session=None if v5 else True,
            protocol=MQTTProtocolVersion.MQTTv5 if v5 else MQTTProtocolVersion.MQTTv311,
        )
        if tls:
            context = ssl.create_default_context(cafile=tls[0])
            context.load_cert_chain(tls[1], tls[2])
            self._client.tls_set_context(context)
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = self._on_message
        self._client.on_socket_open = _at_once
        self._client.reconnect_delay_set(1, 5)
        self._client.connect_async(host, port, keepalive=20)
        self._client.loop_start()
        self._thread = threading.Thread(target=self._run, name="receiver", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Commit what has arrived, then end within 5 s; safe to repeat."""
        self._closing.set()
        self._client.disconnect()
        self._client.loop_stop()
        self._inbox.put(None)
        self._thread.join(timeout=5)

    def publish(self, topic: str, payload: bytes) -> None:
        """Hand a message to the broker; any thread. Without a connection it waits for one."""
        self._client.publish(topic, payload, qos=1)

    def _on_connect(
        self, client: Client, _data: object, _flags: ConnectFlags, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        if reason.is_failure:
            log.warning("receiver: the broker said %s", reason)
            return
        client.subscribe([(f"{wire.ROOT}/+/{leaf}", 1) for leaf in ("event", "state", "online", "pulse", "reply")])

    def _on_subscribe(self, *_: object) -> None:
        self.connected.set()

    def _on_message(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        parts = message.topic.split("/")
        if parts[3] == "reply":
            self.on_reply(parts[2], bytes(message.payload))
            return
        self._inbox.put(Message(parts[2], parts[3], bytes(message.payload), self._clock.read().wall_ns))

    def _run(self) -> None:
        while (first := self._inbox.get()) is not None:
            batch, patient = [first], first.leaf == "pulse"
            while len(batch) < BATCH:
                message = self._next(patient=patient)
                if message is None:
                    break
                batch.append(message)
                patient = patient and message.leaf == "pulse"
            self._take(batch)

    def _next(self, *, patient: bool) -> Message | None:
        """What has arrived besides, or None. A pulse waits for company: nobody waits for a receipt of it."""
        try:
            message = self._inbox.get(timeout=PULSE_S) if patient else self._inbox.get_nowait()
        except queue.Empty:
            return None
        if message is None:
            self._inbox.put(None)  # for `_run`
        return message

    def _take(self, batch: list[Message]) -> None:
        """Commit, then receipt. A disk that refuses costs time, not records: without a receipt they come again."""
        held: dict[tuple[str, str], list[int]] = defaultdict(list)
        new: list[int] = []
        try:
            with self._ledger.batch() as into:
                for message in batch:
                    self._one(into, message, held, new)
        except PartError as err:
            log.error("%s", err)  # noqa: TRY400 - the sentence says it all; the units send again
            self._closing.wait(RETRY_S)
            return
        for (unit, epoch), seqs in held.items():
            self._client.publish(wire.topic(unit, "receipt"), wire.receipt(epoch, seqs), qos=1)
        self._on_news(News(frozenset(m.unit for m in batch), tuple(new)))

    def _one(self, into: Batch, m: Message, held: dict[tuple[str, str], list[int]], new: list[int]) -> None:
        try:
            _require_unit(m.unit)
            if m.leaf == "event":
                envelope = wire.decode(m.unit, m.payload)
                record = envelope.data.record
                n = into.record(m.unit, envelope, m.received_ns)
                held[m.unit, record.epoch].append(record.seq)
                new += [n] if n is not None else []
                into.unit(m.unit, m.received_ns)
            elif m.leaf == "online":
                into.unit(m.unit, m.received_ns, online=bool(_object(m).get("online")))
            else:
                _object(m)
                into.unit(m.unit, m.received_ns, **{m.leaf: m.payload})
        except WireError as err:
            self.refused += 1
            log.warning("%s", err)


def _at_once(_client: Client, _data: object, sock: object) -> None:
    """Receipts are small, and a kernel that gathers small packets holds each back for 40 ms."""
    if isinstance(sock, socket.socket):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _require_unit(unit: str) -> None:
    """A broker with an ACL lets no other names pass; nothing is kept, or answered, under one that it did."""
    if not UNIT_ID.fullmatch(unit):
        raise WireError(
            f"message of {unit[:40]!r}",
            found="a name that no unit has",
            wanted="one that a unit was enrolled with",
            remedy="Look who may publish at the broker.",
        )


def _object(m: Message) -> _Told:
    try:
        told = _told.decode(m.payload)
        since = msgspec.convert(told, _Known).since
        if since is not None:
            wire.from_rfc3339(since)
    except (*wire.GARBLED, ValueError) as err:
        raise WireError(
            f"{m.leaf} of {m.unit}",
            found=err,
            wanted="a flat JSON object",
            remedy="Look at the unit's software version.",
        ) from err
    return told

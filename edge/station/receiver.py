"""Takes what units send off the broker, commits it, and only then sends receipts.

Messages that arrive together are committed together: one sync and one receipt a unit for all of them. Receivers side
by side share one subscription and one database; nothing else is shared, and none knows of the others.
"""

import logging
import queue
import ssl
import threading
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import Future

import msgspec
from paho.mqtt.client import Client, ConnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from edge import wire
from edge.clock import Clock
from edge.errors import PartError, WireError
from edge.identity import UNIT_ID
from edge.posting import Answer, Unfit
from edge.station.ledger import Batch, Ledger
from edge.uplink.client import QuickClient

log = logging.getLogger(__name__)

BATCH = 500  # messages in one commit at most
PULSE_S = 0.1  # of silence after a pulse, before it is committed by itself
RETRY_S = 1.0  # pause after the disk or the database refused
KEPT_S = 3600  # how long a broker keeps a durable session
ALONE = ("event", "state", "online", "pulse", "reply")
SHARED = ALONE[:-1]  # a reply is for the station that asked

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


class _Online(msgspec.Struct):
    online: bool = True


class Handed(msgspec.Struct, frozen=True):
    """A batch that a unit posted; `answer` is set once all of it is committed."""

    unit: str
    records: list[bytes]
    received_ns: int
    answer: "Future[Answer]"


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


class _Take:
    """What one batch brought."""

    def __init__(self) -> None:
        self.held: dict[tuple[str, str], list[int]] = defaultdict(list)  # seqs by unit and epoch: they get receipts
        self.new: list[int] = []
        self.seen_ns: dict[str, int] = {}
        self.told: dict[str, dict[str, object]] = defaultdict(dict)  # columns of each unit's row


class Receiver:
    """One subscription for all units. `on_news` is called in the receiver's thread, after the commit.

    `group`: it is shared with the other receivers of that group, which MQTT 5 alone can say; `name`: its own client id;
    `durable`: the broker keeps for an hour what comes while this one is away, which spares units from sending it again.
    """

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
        name: str = "station",
        group: str = "",
        durable: bool = False,
    ) -> None:
        self._ledger = ledger
        self._clock = clock
        self._on_news = on_news
        self._inbox: queue.SimpleQueue[Message | Handed | None] = queue.SimpleQueue()
        self.refused = 0  # messages that could not be read
        self.on_reply: Callable[[str, bytes], object] = lambda _unit, _payload: None  # in the network's thread
        self.elsewhere: Callable[[str], bool] = lambda _unit: False  # whether that unit is here by HTTPS
        self.on_mqtt: Callable[[str], object] = lambda _unit: None  # it speaks by the broker (again)
        self.connected = threading.Event()  # units are heard
        self._closing = threading.Event()
        before, leaves = (f"$share/{group}/", SHARED) if group else ("", ALONE)
        self._topics = [(f"{before}{wire.ROOT}/+/{leaf}", 1) for leaf in leaves]
        self._kept: dict[tuple[str, str], Message] = {}  # what nobody sends again, while the ledger refuses
        self._client = QuickClient(
            CallbackAPIVersion.VERSION2,
            name,
            clean_session=None if v5 else not durable,
            protocol=MQTTProtocolVersion.MQTTv5 if v5 else MQTTProtocolVersion.MQTTv311,
        )
        if tls:
            context = ssl.create_default_context(cafile=tls[0])
            context.load_cert_chain(tls[1], tls[2])
            self._client.tls_set_context(context)
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = self._on_message
        self._client.reconnect_delay_set(1, 5)
        if durable and v5:
            kept = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho leaves it untyped
            kept.SessionExpiryInterval = KEPT_S
            self._client.connect_async(host, port, keepalive=20, clean_start=False, properties=kept)
        else:
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

    def hand_in(self, unit: str, records: list[bytes]) -> "Future[Answer]":
        """Have a batch committed; any thread. The future gets the receipt, or the PartError of a disk that refuses."""
        answer: Future[Answer] = Future()
        self._inbox.put(Handed(unit, records, self._clock.read().wall_ns, answer))
        return answer

    def told(self, unit: str, leaf: str, payload: bytes) -> None:
        """What a unit posted besides: online, state, pulse or reply; any thread. Raises WireError."""
        if leaf != "reply":
            _object(Message(unit, leaf, payload, 0))
        self._hear(unit, leaf, payload)

    def publish(self, topic: str, payload: bytes) -> None:
        """Hand a message to the broker; any thread. Without a connection it waits for one."""
        self._client.publish(topic, payload, qos=1)

    def _on_connect(
        self, client: Client, _data: object, _flags: ConnectFlags, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        if reason.is_failure:
            log.warning("receiver: the broker said %s", reason)
            return
        client.subscribe(self._topics)

    def _on_subscribe(
        self, client: Client, _data: object, _mid: int, reasons: list[ReasonCode], _properties: Properties | None
    ) -> None:
        """A cluster in an election takes a connection and no subscription: another attempt, in order, as at first."""
        refused = [str(reason) for reason in reasons if reason.is_failure]
        if refused:
            log.warning("receiver: no subscription: %s", refused[0])
            client.subscribe(self._topics)
            return
        self.connected.set()

    def _on_message(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        _, _, unit, leaf = message.topic.split("/")
        payload = bytes(message.payload)
        if leaf == "online" and self.elsewhere(unit) and not says_online(payload):
            return  # the last will of a connection that the unit gave up for HTTPS
        if not message.retain:
            self.on_mqtt(unit)
        self._hear(unit, leaf, payload)

    def _hear(self, unit: str, leaf: str, payload: bytes) -> None:
        if leaf == "reply":
            self.on_reply(unit, payload)
            return
        self._inbox.put(Message(unit, leaf, payload, self._clock.read().wall_ns))

    def _run(self) -> None:
        while (first := self._inbox.get()) is not None:
            batch: list[Message | Handed] = [first]
            patient = _is_pulse(first)
            while len(batch) < BATCH:
                message = self._next(patient=patient)
                if message is None:
                    break
                batch.append(message)
                patient = patient and _is_pulse(message)
            self._take(batch)

    def _next(self, *, patient: bool) -> Message | Handed | None:
        """What has arrived besides, or None. A pulse waits for company: nobody waits for a receipt of it."""
        try:
            message = self._inbox.get(timeout=PULSE_S) if patient else self._inbox.get_nowait()
        except queue.Empty:
            return None
        if message is None:
            self._inbox.put(None)  # for `_run`
        return message

    def _take(self, batch: Sequence[Message | Handed]) -> None:
        """Commit, then receipt. A disk that refuses costs time, not records: without a receipt they come again.

        By unit, and the units' own rows last: two receivers that write to one database at once then wait for one
        another, but never both.
        """
        take = _Take()
        batch = sorted([*self._kept.values(), *batch], key=lambda message: message.unit)
        answers: list[tuple[Future[Answer], Answer]] = []
        try:
            with self._ledger.batch() as into:
                for message in batch:
                    if isinstance(message, Handed):
                        answers.append((message.answer, self._many(into, message, take)))
                    else:
                        self._one(into, message, take)
                for unit, seen_ns in take.seen_ns.items():
                    into.unit(unit, seen_ns, **take.told[unit])
        except PartError as err:
            for message in batch:
                if isinstance(message, Handed):
                    _settle(message.answer, err)
            log.error("%s", err)  # noqa: TRY400 - the sentence says it all; the units send again
            self._kept = {(m.unit, m.leaf): m for m in batch if isinstance(m, Message) and m.leaf != "event"}
            self._closing.wait(RETRY_S)
            return
        self._kept = {}
        for (unit, epoch), seqs in take.held.items():
            self._client.publish(wire.topic(unit, "receipt"), wire.receipt(epoch, seqs), qos=1)
        for future, answer in answers:
            _settle(future, answer)
        self._on_news(News(frozenset(m.unit for m in batch), tuple(take.new)))

    def _many(self, into: Batch, handed: Handed, take: _Take) -> Answer:
        """All of a batch that can be read, and of what cannot, why."""
        unit, epoch, seqs, refused = handed.unit, "", [], []
        for index, payload in enumerate(handed.records):
            try:
                _require_unit(unit)
                envelope = wire.decode(unit, payload)
                record = envelope.data.record
                if record.epoch != (epoch or record.epoch):
                    raise _mixed(unit, record.epoch, epoch)
                n = into.record(unit, envelope, handed.received_ns)
            except WireError as err:
                self.refused += 1
                log.warning("%s", err)
                refused.append(Unfit(index, str(err)))
                continue
            epoch = record.epoch
            take.new += [n] if n is not None else []
            seqs.append(record.seq)
        if seqs:
            take.seen_ns[unit] = handed.received_ns
        return Answer(epoch, wire.ranges(seqs), tuple(refused))

    def _one(self, into: Batch, m: Message, take: _Take) -> None:
        try:
            _require_unit(m.unit)
            if m.leaf == "event":
                envelope = wire.decode(m.unit, m.payload)
                record = envelope.data.record
                n = into.record(m.unit, envelope, m.received_ns)
                take.held[m.unit, record.epoch].append(record.seq)
                take.new += [n] if n is not None else []
            elif m.leaf == "online":
                take.told[m.unit]["online"] = bool(_object(m).get("online"))
            else:
                _object(m)
                take.told[m.unit][m.leaf] = m.payload
            take.seen_ns[m.unit] = m.received_ns
        except WireError as err:
            self.refused += 1
            log.warning("%s", err)


def _is_pulse(message: Message | Handed) -> bool:
    return isinstance(message, Message) and message.leaf == "pulse"


def _settle(future: "Future[Answer]", found: Answer | PartError) -> None:
    """Answer whoever waits; one that gave up waiting has cancelled."""
    if future.set_running_or_notify_cancel():
        if isinstance(found, PartError):
            future.set_exception(found)
        else:
            future.set_result(found)


def _mixed(unit: str, epoch: str, first: str) -> WireError:
    return WireError(
        f"record of {unit}",
        found=f"epoch {epoch[:40]} in a batch of epoch {first[:40]}",
        wanted="a batch of one epoch",
        remedy="Post the other epoch's records in a batch of their own.",
    )


def says_online(payload: bytes) -> bool:
    """Whether a message on `online` says that its unit is there."""
    try:
        return msgspec.json.decode(payload, type=_Online).online
    except (*wire.GARBLED, ValueError):
        return True  # whatever it is, it is for whoever reads it next


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

"""A unit as a GB/T 28181 device: who hears what comes from the platform. Lives in the deciding thread.

Everything a platform asks is answered; what it may change is Controls' and the settings' business.
"""

import logging
import random
from collections import deque
from collections.abc import Callable, Sequence

import msgspec

from edge.centre import Gb28181
from edge.clock import SECOND, Clock, Known, Stamp
from edge.errors import WireError
from edge.health import Health
from edge.loop import Loop, Timer
from edge.records import AnyRecord
from edge.uplink.courier import Source
from edge.uplink.gb28181 import answers, manscdp, notices
from edge.uplink.gb28181.alarms import Alarms, Told
from edge.uplink.gb28181.answers import Body, View
from edge.uplink.gb28181.calls import Calls
from edge.uplink.gb28181.controls import Controls
from edge.uplink.gb28181.manscdp import Document
from edge.uplink.gb28181.message import METHODS, Message, parse, unfit
from edge.uplink.gb28181.notices import Notice
from edge.uplink.gb28181.session import Session
from edge.uplink.gb28181.snapshots import Snapshots, Take
from edge.uplink.gb28181.sockets import Closed, Heard, Opened, Wires
from edge.uplink.gb28181.speaker import Speaker
from edge.uplink.gb28181.streams import Streams
from edge.uplink.gb28181.subscriptions import Subscriptions
from edge.uplink.gb28181.transactions import Transactions
from edge.uplink.gb28181.views import StreamEnded, ViewBegan, ViewEnded

log = logging.getLogger(__name__)

# Messages a second: a platform asks a few, and answers a backlog as fast as that goes. One takes a Pi a millisecond.
LOOKED_AT, LOOKED_AT_ANSWERS = 50, 400
LISTED_NS = 5 * SECOND  # a platform that has not taken the catalogue by then does not want it
WAITING_MAX = 32  # answers that wait for the one before them to be taken


class Kit(msgspec.Struct, frozen=True):
    """What a device is built from. view() is the unit now, known(stamp) the best that is known of a time."""

    gb: Gb28181
    loop: Loop
    clock: Clock
    health: Health
    dice: random.Random
    sockets: Wires
    source: Source
    view: Callable[[], View]
    known: Callable[[Stamp], Known]
    streams: Streams | None = None
    take: Take | None = None  # takes and uploads one picture; None: nobody does


class Device:
    """Hooks: those of `controls` (on_audit, on_boot) and `session.on_time`."""

    def __init__(self, kit: Kit) -> None:
        gb, loop = kit.gb, kit.loop
        self._kit = kit
        self._talk = Transactions(loop, kit.sockets.send)
        self._talk.lossy = kit.sockets.lossy
        self._speaker = Speaker(gb, kit.dice)
        self.session = Session(gb, kit.sockets, self._talk, self._speaker, loop, kit.health, kit.dice)
        self.controls = Controls(gb, loop.now)
        self.calls = Calls(gb, self._talk, self._speaker, kit.view, self.controls.audit, kit.streams)
        self.subscriptions = Subscriptions(gb, self._talk, self._speaker, loop)
        self.alarms = Alarms(kit.source, self._deliver, gb, loop, kit.health, kit.dice)
        self._snaps = None
        if kit.take is not None:
            self._snaps = Snapshots(gb.device_id or "", kit.take, self._snapped, loop, kit.clock)
            self.controls.on_snaps = self._snaps.begin
        self._queue: deque[tuple[bytes, bool]] = deque()  # answers that wait, and whether one ends the catalogue
        self._asking = False
        self._listed = False  # the platform took the catalogue, in this program's life
        self._listing: Timer | None = None
        self._second = 0
        self._seen = {False: 0, True: 0}  # requests, answers
        self._works: dict[str, bool] = {}
        self._acts: dict[str, Callable[[Message], None]] = {
            "MESSAGE": self._message,
            "INVITE": self.calls.invite,
            "ACK": self.calls.ack,
            "BYE": self.calls.bye,
            "CANCEL": self.calls.cancel,
            "INFO": self.calls.info,
            "SUBSCRIBE": self.subscriptions.take,
            "OPTIONS": lambda request: self._talk.answer(request, 200, "OK", headers=[("Allow", ", ".join(METHODS))]),
        }
        self._introduce()

    def start(self) -> None:
        """Register, and stay registered."""
        self.session.start()

    def stop(self, then: Callable[[], None]) -> None:
        """End calls, unregister; `then` follows within 2 s."""
        self.calls.end_all("the unit stops")
        self.session.stop(then)

    def live(self, n: int, record: AnyRecord) -> None:
        """A record was made; its row number."""
        self.alarms.live(n, record)

    def look(self) -> None:
        """Something of the unit changed: the term, the camera, a fault."""
        view, gb = self._kit.view(), self._kit.gb
        if not view.watching:
            self.calls.end_all("the term is over")
            if self._snaps is not None:
                self._snaps.stop()
        works = {gb.magnet_id or "": not view.magnet_failed}
        if view.has_camera:
            works[gb.camera] = not view.camera_failed
        changed = [(id_, well) for id_, well in works.items() if self._works.get(id_, well) != well]
        self._works = works
        if changed:
            self.subscriptions.changed(changed)

    def _introduce(self) -> None:
        loop = self._kit.loop
        loop.hear(Opened, self.session.opened)
        loop.hear(Closed, self.session.closed)
        loop.hear(Heard, self._heard)
        loop.hear(StreamEnded, lambda fact: self.calls.ended(fact.call, fact.reason))
        loop.hear(ViewBegan, self.controls.began)
        loop.hear(ViewEnded, self.controls.ended)
        self.session.keepalive = self._keepalive
        self.session.on_there = self._there
        self.session.on_lost = self._lost
        self.alarms.on_denied = self.session.unknown
        self.controls.on_reset = self.alarms.reset
        if self._kit.streams is not None:
            self.controls.on_key_frame = self._kit.streams.key_frame

    def _there(self) -> None:
        """The first time the catalogue goes first: WVP answers an alarm of a channel unknown to it, and drops it."""
        if self._listed:
            self.alarms.up()
        else:
            self._listing = self._kit.loop.after(LISTED_NS, self._list)

    def _list(self) -> None:
        if self._listing is not None:
            self._listing.cancel()
            self._listing = None
            self._listed = True
            self.alarms.up()

    def _lost(self) -> None:
        if self._listing is not None:
            self._listing.cancel()
            self._listing = None
        self.alarms.down()
        self.subscriptions.clear()
        self.calls.end_all("the platform is gone", tell=False)
        self._queue.clear()
        self._asking = False

    # What comes in

    def _heard(self, fact: Heard) -> None:
        if fact.life != self.session.life or not self._has_time(fact.raw[:4].upper() == b"SIP/"):
            return
        try:
            message = parse(fact.raw)
            if not message.vias or not message.get("from") or not message.get("to") or not message.cseq[1]:
                raise unfit("a message without Via, From, To or CSeq", "all of them")
        except WireError as err:
            log.debug("centre: %s", err)
            return
        if message.code:
            self._talk.hear(message)
        elif self._talk.take(message, fact.to):
            act = self._acts.get(message.method)
            if act is None:
                allow = [("Allow", ", ".join(METHODS))]
                self._talk.answer(message, 405, "Method Not Allowed", headers=allow)
            else:
                act(message)

    def _has_time(self, answer: bool) -> bool:
        second = self._kit.loop.now() // SECOND
        if second != self._second:
            self._second, self._seen = second, {False: 0, True: 0}
        self._seen[answer] += 1
        return self._seen[answer] <= (LOOKED_AT_ANSWERS if answer else LOOKED_AT)

    def _message(self, request: Message) -> None:
        try:
            document = manscdp.read(request.body)
        except WireError as err:
            log.debug("centre: %s", err)
            self._talk.answer(request, 400, "Bad Request")
            return
        self._talk.answer(request, 200, "OK", headers=self._speaker.versions)
        if document.kind == "query":
            view, stands = self._kit.view(), self.alarms.stands
            said = answers.answer(document, self._kit.gb, view, alarm_stands=stands)
            self._say("Response", said, catalog=document.name == "catalog")
        elif document.kind == "control":
            result = self.controls.take(document, self._kit.view())
            if result:
                self._say("Response", [[*answers.head(document), ("Result", result)]])
        elif document.kind == "response" and document.name == "alarm":
            self._responded(document)

    def _responded(self, document: Document) -> None:
        self.alarms.responded(int(document.sn), document.text("result"))

    # What goes out, besides alarms

    def _say(self, kind: str, bodies: Sequence[Body], *, catalog: bool = False) -> None:
        """One after another: each waits until the one before was answered (annex M)."""
        raws = [manscdp.write(kind, body, self._kit.gb.encoding) for body in bodies]
        self._queue.extend((raw, catalog and raw is raws[-1]) for raw in raws)
        while len(self._queue) > WAITING_MAX:
            self._queue.popleft()
        self._next()

    def _next(self) -> None:
        if self._queue and not self._asking:
            self._asking = True
            life = self.session.life
            raw, ends = self._queue.popleft()
            self._talk.ask(self._speaker.message(raw), lambda answer: self._said(life, answer, ends=ends))

    def _said(self, life: int, answer: Message | None, *, ends: bool) -> None:
        if life != self.session.life:
            return
        self._asking = False
        if ends and answer is not None and answer.code < 300:
            self._list()
        self._next()

    def _keepalive(self) -> bytes:
        gb, view = self._kit.gb, self._kit.view()
        faulty = answers.faulty(gb, view)
        body: Body = [("CmdType", "Keepalive"), ("SN", str(self._speaker.next_sn())), ("DeviceID", gb.device_id or "")]
        body.append(("Status", "ERROR" if faulty else "OK"))
        if faulty:
            body.append(("Info", [("DeviceID", id_) for id_ in faulty]))
        return manscdp.write("Notify", body, gb.encoding)

    def _snapped(self, session: str, names: list[str]) -> None:
        gb = self._kit.gb
        body: Body = [("CmdType", "UploadSnapShotFinished"), ("SN", str(self._speaker.next_sn()))]
        body += [("DeviceID", gb.camera), ("SessionID", session)]
        body.append(("SnapShotList", [("SnapShotFileID", name) for name in names]))
        self._say("Notify", [body])

    def _deliver(self, told: Notice, record: AnyRecord, then: Told) -> int:
        gb, sn = self._kit.gb, self._speaker.next_sn()
        body = notices.body(told, record.at, sn, gb, self._kit.known)

        def answered(answer: Message | None) -> None:
            then(None if answer is None else answer.code)

        one = self.subscriptions.wanted(told) if gb.alarm_by != "message" else None
        if one is not None:
            self.subscriptions.notify(one, body, answered if gb.alarm_by == "subscription" else lambda _: None)
        if one is None or gb.alarm_by == "both":
            self._talk.ask(self._speaker.message(manscdp.write("Notify", body, gb.encoding)), answered)
        return sn

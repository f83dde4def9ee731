"""The unit: introduces the parts to one another, and tells the platform how it is."""

import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET

from edge import VERSION, told, wire
from edge.board.host import HostReading
from edge.clock import SECOND, between_ns, know
from edge.errors import CorruptError, FullError, NewerError, PartError, WireError
from edge.loop import Timer
from edge.parts import (
    Acked,
    CameraFailed,
    FrameRow,
    FrameTaken,
    Incoming,
    LinkDown,
    LinkUp,
    PinChange,
    Snapshot,
    by_name,
)
from edge.records import AnyRecord, Event, GapReason
from edge.spool.journal import Rows
from edge.unit import numbers
from edge.unit.crew import Crew
from edge.unit.doorkeeper import UNWATCHED
from edge.unit.effects import COMMANDS, Effects
from edge.unit.recorder import last_alive, stored_door
from edge.uplink import discovery
from edge.uplink.commands import Commands
from edge.uplink.courier import Courier

if TYPE_CHECKING:
    from edge.unit.annex import Annex
    from edge.unit.centre import Centre

log = logging.getLogger(__name__)

CONTACT = "contact"  # the contact's long memory, in the spool's state
CARD = {FullError: "spool.full", NewerError: "spool.newer", CorruptError: "spool.lost"}  # any other: spool.failing
HOT_C = 80  # the Pi's firmware begins to slow the processor here


class Unit:
    """One unit at one door. `start`, then `loop.run()`; `stop` ends it in order."""

    def __init__(self, crew: Crew) -> None:
        self._c = self.crew = crew  # for the deciding thread alone
        self._begun = False
        self._telling: Timer | None = None
        self._whole_ns = 0  # when a pulse is due that has all numbers
        self._told: tuple[str, frozenset[str]] = ("", frozenset())  # camera and warnings, as the platform knows them
        self._stopping = False
        verbs = {
            "pulse": self._now,
            "resend": self._again,
            "identify": crew.guard.identify,
            "mounted": crew.guard.mounted,
        }
        self._commands = Commands(
            crew.unit, crew.verify, crew.clock, self._keep_commands, self._reply, verbs, crew.warden.deeds
        )
        self._commands.on_forged = lambda why: crew.health.set("command.forged", crew.loop.now(), why)
        self._effects = self.effects = Effects(crew, self._commands.pack, self._tell_state)
        self._introduce()

    def start(self) -> None:
        """Open the spool and the link side by side; a door is watched, in its term, once the card has answered."""
        for courier in self._couriers:
            courier.start()
        self._c.warden.load()
        self._c.journal.open(self._begin)

    def stop(self) -> None:
        """In the deciding thread: say good-bye, commit, then end the loop. Safe to repeat."""
        c = self._c
        if self._stopping:
            return
        self._stopping = True
        c.vigil.stop()
        c.doorkeeper.close()
        c.guard.close()
        c.link.publish(wire.topic(c.unit, "online"), self._online(False), retain=True)
        for annex in c.annexes:
            annex.part()
        c.journal.close(c.loop.stop if c.centre is None else partial(c.centre.stop, c.loop.stop))
        c.loop.after(3 * SECOND, c.loop.stop)  # a card that hangs must not keep the process

    def _introduce(self) -> None:
        c = self._c
        c.loop.hear(PinChange, c.doorkeeper.pin_changed)
        c.loop.hear(FrameTaken, c.photographer.frame_taken)
        c.loop.hear(CameraFailed, c.photographer.failed)
        c.loop.hear(LinkUp, c.courier.link_up)
        c.loop.hear(LinkDown, c.courier.link_down)
        c.loop.hear(Acked, c.courier.acked)
        c.loop.hear(Incoming, self._incoming)
        c.recorder.courier = c.courier
        c.recorder.on_synced = self._synced
        c.recorder.on_put = self._put
        c.recorder.also_keep = lambda: {CONTACT: c.doorkeeper.settler.memory.pack(), **c.guard.state()}
        c.doorkeeper.on_look = c.photographer.look
        c.doorkeeper.on_change = self._tell_state
        c.photographer.on_set, c.photographer.keep = c.recorder.frames, c.journal.keep
        if c.phones is not None:
            c.recorder.on_event = c.phones.tell
        c.photographer.on_frame = self._frame
        c.photographer.on_abandon = self._abandon
        c.album.on_lost = lambda rows: c.recorder.gap(GapReason.FULL, [], rows)
        c.album.on_unreadable = self._unreadable
        c.album.on_gone = lambda rows: c.recorder.gap(GapReason.CORRUPT, [], rows)
        c.journal.on_lost = c.shares.lost
        c.shares.on_lost = c.recorder.gap
        c.shares.on_robbed = lambda share: next(one for one in self._beside if one.share is share).robbed()
        c.journal.on_trouble = self._card
        c.journal.on_adopted = self._adopted
        c.journal.on_passed_over = self._passed_over
        if c.centre is not None:
            c.centre.meet(c, self.stop)
        c.journal.on_slow = lambda slow: c.health.put(
            "spool.slow", c.loop.now(), slow, "a commit has been under way for over 2 s"
        )
        c.health.on_change = self._health_changed
        c.loop.on_fault = self._faulted
        c.courier.on_up = self._link_up
        for annex in c.annexes:
            annex.on_command = self._commands.take
        if c.carrier is not None:
            c.carrier.may_go = lambda: c.courier.up and not c.courier.behind
            c.courier.on_caught_up = c.carrier.go
            c.photographer.on_row = c.carrier.go

    def _frame(self, event: Event, frame: FrameTaken) -> None:
        """One masked picture of an opening, to whoever takes it in clear."""
        for taker in (self._c.phones, self._c.gallery):
            if taker is not None:
                taker.frame(event, frame)

    def _abandon(self) -> None:
        """What waits in clear is erased with the rest."""
        if self._c.phones is not None:
            self._c.phones.abandon()
        if self._c.gallery is not None:
            self._c.gallery.clear()

    def _begin(self, snapshot: Snapshot | None) -> None:
        c = self._c
        if snapshot is not None:
            c.album.adopt(snapshot.frames)
            self._commands.begin(snapshot.state.get(COMMANDS, b""))
            self._recall_contact(snapshot)
        c.shares.begin(snapshot.state if snapshot else {})
        for courier in self._couriers:
            if courier.up:  # the broker was quicker than the card; what is recorded from here on is sent as it is made
                courier.restart()
        door, alive = c.recorder.begin(snapshot)
        if snapshot is not None:
            c.photographer.resume(snapshot)
            c.album.miss(snapshot.gone)
        self._begun = True
        self._effects.begin(door, alive, card_works=snapshot is not None)
        c.guard.begin(snapshot.state if snapshot else {})
        c.updates.begin(snapshot.state if snapshot else None)
        if c.courier.up:
            self._link_up()
        if c.renewal is not None:
            c.renewal.start()
        c.vigil.start()
        if c.gallery is not None:
            c.gallery.start()
        if c.centre is not None:
            c.centre.start()
        self._pulse()
        self._health_changed()

    def _adopted(self, snapshot: Snapshot) -> None:
        self._c.album.adopt(snapshot.frames)
        self._commands.begin(snapshot.state.get(COMMANDS, b""))
        self._recall_contact(snapshot)
        self._c.shares.begin(snapshot.state)
        stored, alive = stored_door(snapshot), last_alive(snapshot)  # before this run's own are kept in their place
        if self._c.warden.erasing:
            self._c.album.drop_all()
        with self._c.journal.together():  # this run's openings come onto the card with what is begun of their pictures
            self._c.recorder.adopted(snapshot)
            self._c.photographer.resume(snapshot)
        self._c.warden.opened()
        self._c.album.miss(snapshot.gone)
        self._c.doorkeeper.reconcile(stored, alive)
        self._restart()

    @property
    def _couriers(self) -> list[Courier]:
        return [self._c.courier, *(annex.courier for annex in self._c.annexes)]

    @property
    def _beside(self) -> "list[Annex | Centre]":
        """All platforms but the main one."""
        return [*self._c.annexes, *([] if self._c.centre is None else [self._c.centre])]

    def _restart(self) -> None:
        for courier in self._couriers:
            courier.restart()
        if self._c.centre is not None:
            self._c.centre.restart()

    def _passed_over(self) -> None:
        self._c.shares.afresh()
        self._restart()

    def _put(self, n: int, record: AnyRecord) -> None:
        """The main platform and the card have begun; now the others, which neither waits for."""
        self._c.shares.made(n, record)
        for other in self._beside:
            other.live(n, record)

    def _recall_contact(self, snapshot: Snapshot) -> None:
        if CONTACT in snapshot.state:  # else this run's own stays
            self._c.doorkeeper.settler.recall(snapshot.state[CONTACT])

    def _synced(self) -> None:
        for courier in self._couriers:
            courier.hurry()
        self._c.warden.tick()

    def _link_up(self) -> None:
        if not self._begun:
            return
        log.info("link up: %s", by_name(self._c.courier.protocol))
        if self._c.carrier is not None:
            self._c.carrier.start_afresh()
        self._c.link.publish(wire.topic(self._c.unit, "online"), self._online(True), retain=True)
        prefix = self._c.config.home_assistant.prefix
        if prefix is not None:
            self._c.link.publish(*discovery.message(self._c.unit, prefix, VERSION), retain=True)
        self._tell_state()
        self._tell_pulse()

    def _incoming(self, fact: Incoming) -> None:
        leaf = fact.topic.removeprefix(wire.topic(self._c.unit, ""))
        if leaf == "command":
            self._commands.take(fact.payload)
        elif leaf == "receipt":
            try:
                self._c.courier.receipt(wire.read_receipt(fact.payload))
            except WireError as err:
                log.warning("%s", err)
        else:  # some brokers send what nobody asked for
            log.debug("message on %s is not for this unit", fact.topic)

    # Commands

    def _keep_commands(self, state: bytes, then: Callable[[], None]) -> None:
        self._c.journal.keep(COMMANDS, state, then)

    def _reply(self, reply: told.Reply) -> None:
        self._c.link.publish(wire.topic(self._c.unit, "reply"), msgspec.json.encode(reply))

    def _now(self, _args: Mapping[str, Any]) -> str:
        """Send the pulse at once."""
        self._tell_pulse()
        return "pulse sent"

    def _again(self, _args: Mapping[str, Any]) -> str:
        """Send everything that has no receipt once more."""
        self._c.courier.restart()
        return f"{self._c.shares.backlog} records to send"

    def _unreadable(self, row: FrameRow, err: PartError) -> None:
        self._c.recorder.gap(GapReason.CORRUPT, [], [row])
        self._c.photographer.doubt_card(err)

    def _card(self, err: PartError | None) -> None:
        now, health = self._c.loop.now(), self._c.health
        wrong = "" if err is None else CARD.get(type(err), "spool.failing")
        for code in ("spool.full", "spool.newer", "spool.failing"):
            health.put(code, now, code == wrong, err)
        if wrong == "spool.lost":  # it is set aside in a moment
            health.set(wrong, now, err)
        if err is None:
            self._c.photographer.trust_card()
        if isinstance(err, FullError) and len(self._c.album):
            self._c.album.shed()

    # What the platform is told besides records

    def _online(self, online: bool) -> bytes:
        return wire.to_json(told.Online(online, self._c.clock.read().boot, VERSION))

    def _tell_state(self) -> None:
        c = self._c
        since = c.doorkeeper.since if c.doorkeeper.watching else None
        known = know(since, c.journal.anchors.get(since.boot)).wall_ns if since else None
        said: dict[str, Any] = {"door": c.doorkeeper.state if c.doorkeeper.watching else UNWATCHED}
        said |= {"since": None if known is None else wire.rfc3339(known), "camera": c.photographer.state}
        state = told.State(**said, **c.warden.told())
        c.link.publish(wire.topic(c.unit, "state"), wire.to_json(state), retain=True)
        for annex in c.annexes:
            annex.state(msgspec.to_builtins(state))
        if c.centre is not None:
            c.centre.look()

    def _faulted(self) -> None:
        self._c.health.set("loop.fault", self._c.loop.now(), "see the journal for the traceback")

    def _health_changed(self) -> None:
        """Tell at once, and again when a grace time ends or a while is over; changes of one step are told together."""
        if self._telling is None:
            self._telling = self._c.loop.after(0, self._tell_health)

    def _tell_health(self) -> None:
        c = self._c
        now = c.loop.now()
        c.health.expire(now)
        news = (c.photographer.state, frozenset(w.row.code for w in c.health.shown(now)))
        if news != self._told and self._begun:
            self._told = news
            self._tell_state()
            self._tell_pulse()
        c.guard.show_fault(any(w.row.fault for w in c.health.shown(now)))
        ends_ns = c.health.next_ns(now)
        self._telling = None
        if ends_ns is not None:
            c.loop.at(ends_ns, self._health_changed)

    def _pulse(self) -> None:
        if not self._c.courier.up:  # nobody is told, and the unit's own lamp and page want to know all the same
            self._mind(self._c.host(), self._c.loop.now())
        self._tell_pulse(whole=self._c.loop.now() >= self._whole_ns)
        if self._c.textfile is not None:
            self._c.textfile.write(self.pulse([]))
        self._c.loop.after(self._c.config.uplink.pulse_s * SECOND, self._pulse)

    def _tell_pulse(self, *, whole: bool = True) -> None:
        """Never kept for later: a stale pulse is noise. A short one is for a unit with nothing to tell."""
        c = self._c
        if c.courier.up and c.shares.backlog:
            c.shares.read(c.shares.main, 0, 1, self._publish_pulse)
        elif c.courier.up:
            self._publish_pulse([], whole=whole)

    def _publish_pulse(self, oldest: Rows, *, whole: bool = True) -> None:
        c, pulse = self._c, self.pulse(oldest)
        if whole:
            self._whole_ns = c.loop.now() + c.config.uplink.whole_pulse_s * SECOND
        payload = wire.to_json(pulse if whole else numbers.brief(c, pulse))
        c.link.publish(wire.topic(c.unit, "pulse"), payload, qos=0)

    def pulse(self, oldest: Rows) -> dict[str, Any]:
        """The unit in numbers; units are in the names. `oldest`: the first record that waits, if any does."""
        c = self._c
        now = c.clock.read()
        age_ns = between_ns(oldest[0][1].at, now) if oldest else None
        host = c.host()
        self._mind(host, now.boot_ns)
        pulse = told.Pulse(
            time=wire.rfc3339(now.wall_ns),
            boot=now.boot,
            boot_ns=now.boot_ns,
            clock=now.clock,
            error_ms=now.error_ms,
            version=VERSION,
            armed=c.warden.watching,
            link=c.courier.protocol,
            backlog=c.shares.backlog,
            oldest_unsent_s=None if age_ns is None else age_ns / SECOND,
            in_flight=c.courier.in_flight,
            frames_waiting=len(c.album),
            frames_delivered=c.carrier.delivered if c.carrier else 0,
            commits=c.journal.commits,
            temp_c=host.temperature_c,
            under_voltage=host.under_voltage,
            mem_mb=host.memory_mb,
            mem_free_mb=host.available_mb,
            disk_free_mb=host.disk_free_mb,
            uptime_s=now.boot_ns // SECOND,
            loop_faults=c.loop.faults,
            refused_commands=self._commands.refused,
            warnings=numbers.warnings(c, now.boot_ns),
            others=[other.told() for other in self._beside] or UNSET,
            camera=c.photographer.state,
            **c.doorkeeper.numbers(),
            **c.guard.numbers(watching=c.doorkeeper.watching),
        )
        plain: dict[str, Any] = msgspec.to_builtins(pulse)
        return plain

    def _mind(self, host: HostReading, now_ns: int) -> None:
        self._c.health.put("power.low", now_ns, bool(host.under_voltage), "below 4.63 V")
        hot = host.temperature_c is not None and host.temperature_c >= HOT_C
        self._c.health.put("heat.high", now_ns, hot, f"{host.temperature_c} C")

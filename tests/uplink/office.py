"""A courier between a spool that is a dict and a link that is simulated, on a hand-turned clock."""

import json
import random
from collections.abc import Callable

import msgspec

from edge import wire
from edge.clock import SECOND
from edge.config import Uplink
from edge.health import Health
from edge.loop import Loop
from edge.parts import Acked, LinkDown, LinkUp
from edge.records import AnyRecord, Key
from edge.sim.link import NO_LIMIT, SimLink
from edge.sim.time import SimClock, live
from edge.sim.worker import SimWorker
from edge.uplink.courier import Courier, Source
from tests.spool.samples import event

UNIT = "door-1"
TOPIC = wire.topic(UNIT, "event")
EPOCH = "epoch-1"
Rows = list[tuple[int, AnyRecord]]


class Office:
    """One courier. `spool` holds what has no receipt, by row number; reads go through `worker`."""

    def __init__(self, *, at_once: bool = True, dice: random.Random | None = None, **settings: int | str) -> None:
        self.clock = SimClock()
        self.loop = Loop(self.clock.now)
        self.worker = SimWorker(self.loop, at_once=at_once)
        self.link = SimLink(self.loop.post)
        self.health = Health()
        self.spool: dict[int, AnyRecord] = {}
        self.forgotten: list[int] = []
        self.receipts: list[Key] = []
        self.caught_up = 0
        self.courier = Courier(
            self.link,
            Source(self._read, self._forget, lambda record: (TOPIC, wire.encode(UNIT, record, {}))),
            self.loop,
            self.health,
            msgspec.convert(settings, Uplink),
            dice or random.Random(1),
        )
        self.courier.on_receipt = self.receipts.append
        self.courier.on_caught_up = self._catch_up
        self.loop.hear(LinkUp, self.courier.link_up)
        self.loop.hear(LinkDown, self.courier.link_down)
        self.loop.hear(Acked, self.courier.acked)
        self._next = 1
        self.courier.start()

    def _read(self, after: int, limit: int, then: Callable[[Rows], None]) -> None:
        self.worker.do(lambda: [(n, r) for n, r in self.spool.items() if n > after][:limit], then, self._fail)

    def _fail(self, err: Exception) -> None:
        raise err

    def _forget(self, rows: Rows) -> None:
        self.forgotten += [n for n, _ in rows]
        for n, _ in rows:
            self.spool.pop(n, None)

    def _catch_up(self) -> None:
        self.caught_up += 1

    def up(self, window: int = NO_LIMIT) -> None:
        """The broker accepts the unit."""
        self.link.accept(window)
        self.loop.turn()

    def record(self, count: int = 1) -> None:
        """New records, as the recorder hands them on: live first, then into the spool."""
        for _ in range(count):
            n, self._next = self._next, self._next + 1
            self.courier.live(n, event(n, EPOCH))
            self.spool[n] = event(n, EPOCH)

    def sent(self) -> list[int]:
        """The seqs that were published, first to last."""
        return [json.loads(p.payload)["data"]["record"]["seq"] for p in self.link.sent]

    def answer(self, *seqs: int, reason: str = "Success") -> None:
        """The broker answers the last publish of each."""
        tokens = {seq: publish.token for seq, publish in zip(self.sent(), self.link.sent, strict=True)}
        for seq in seqs:
            self.link.answer(tokens[seq], reason)
        self.loop.turn()

    def receipt(self, *seqs: int, epoch: str = EPOCH) -> None:
        """The platform says that it holds these."""
        self.courier.receipt(wire.read_receipt(wire.receipt(epoch, seqs)))
        self.loop.turn()

    def live(self, seconds: float) -> None:
        """Let time pass."""
        live(self.loop, self.clock, int(seconds * SECOND))

    def warns(self) -> set[str]:
        """The codes of what is wrong now, grace or not."""
        return {warning.row.code for warning in self.health.shown(self.clock.now() + 3600 * SECOND)}

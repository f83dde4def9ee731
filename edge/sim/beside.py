"""A platform beside the main one, in the wire's own words, and the judge of what both hold."""

from collections.abc import Callable, Mapping
from typing import Any, Literal

from edge import wire
from edge.clock import Known, Stamp
from edge.errors import WireError
from edge.parts import Wish
from edge.records import AnyRecord, Audit, Boot, Event, Gap, Key
from edge.sim.city import Held
from edge.sim.history import Truth
from edge.uplink.other import Heard, Message

EVENTS = Wish("cloud", "events", lambda record: isinstance(record, Event))
ALL = Wish("cloud", "all", lambda _: True)


class PlainSpeech:
    """other.Speech as the main platform is spoken to, but that what is known of times later is not said."""

    def __init__(self, unit: str, receipt: Literal["platform", "broker"] = "platform") -> None:
        self.receipt = receipt
        self._unit = unit

    def tell(self, record: AnyRecord, _known: Callable[[Stamp], Known]) -> Message:
        """The record as an event of wire.py."""
        return Message(wire.topic(self._unit, "event"), wire.encode(self._unit, record, {}))

    def greet(self) -> list[Message]:
        """Nothing."""
        return []

    def part(self) -> list[Message]:
        """Nothing."""
        return []

    def state(self, _told: Mapping[str, Any]) -> list[Message]:
        """Nothing."""
        return []

    def hear(self, topic: str, payload: bytes) -> Heard:
        """A receipt, or a command."""
        if topic == wire.topic(self._unit, "command"):
            return Heard(command=payload)
        try:
            return Heard(receipt=wire.read_receipt(payload))
        except WireError:
            return Heard()


def differ(truth: Truth, wish: Wish, main: list[Held], other: list[Held]) -> list[str]:
    """Records that one platform holds and the other, which wants them, does not; empty where both were served.

    What was sent live and cut before it was on the card, what was erased, and what went with a spool is told to the
    main platform as a Boot's void or a Gap: of that, one may have what the other has not. So with what was recorded
    while the card was bad, and went with the agent before it was well.
    """
    mine, its = _by_key(main), _by_key(other)
    excused = _excused(truth, list(mine.values()))
    wanted = {key: record for key, record in mine.items() if wish.wants(record)}
    found = []
    for key in sorted(wanted.keys() | its.keys()):
        record = mine.get(key) or its[key]
        if key[0] in excused or key in excused or _cut_while_bad(truth, truth.of(record.at)):
            continue
        if key not in its:
            found.append(f"{key} is at the main platform, and {wish.name} never had it")
        elif key not in mine:
            found.append(f"{key} is at {wish.name}, and the main platform never had it")
        elif mine[key] != its[key]:
            found.append(f"{key} is {mine[key]} and also {its[key]}")
    unwanted = [key for key, record in its.items() if not wish.wants(record)]
    return [*found, *(f"{key} is at {wish.name}, which does not want it" for key in unwanted)]


def _cut_while_bad(truth: Truth, at_ns: int) -> bool:
    life = next((life for life in truth.lives if life.holds(at_ns)), None)
    return life is not None and any(bad.holds(at_ns) and life.to_ns <= bad.to_ns for bad in truth.card_bad)


def _by_key(held: list[Held]) -> dict[Key, AnyRecord]:
    records = [h.envelope.data.record for h in held]
    return {(record.epoch, record.seq): record for record in records}


def _excused(truth: Truth, records: list[AnyRecord]) -> set[Key | str]:
    """Keys, and whole epochs."""
    durable = {record.epoch for record in records if isinstance(record, Boot)}
    excused: set[Key | str] = set()
    excused.update(record.epoch for record in records if record.epoch not in durable)  # in RAM only: a cut takes them
    for record in records:
        if isinstance(record, Boot) and record.void is not None:
            excused |= {(record.epoch, seq) for seq in range(record.void[0], record.void[1] + 1)}
        elif isinstance(record, Gap):
            excused |= {(record.of, seq) for low, high in record.seqs for seq in range(low, high + 1)}
            excused |= {record.of} if record.records is None else set()
        elif isinstance(record, Audit) and record.what == "erased":
            erased_ns = truth.of(record.at)  # also what was recorded in a spare epoch meanwhile
            excused.update(one.epoch for one in records if truth.of(one.at) < erased_ns and one.epoch != record.epoch)
    return excused

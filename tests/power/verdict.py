"""Compares what a platform holds of a scene that was cut off with what happened, and with the scene uncut. Pure."""

from collections.abc import Iterator
from typing import TypeVar

import msgspec

from edge.clock import MS, SECOND
from edge.reading import repeats, superseded, void
from edge.records import Boot, Change, ClockAnchor, Event, FrameSet, Gap, GapReason, Key, Record
from edge.sim.beside import EVENTS, differ
from edge.sim.city import Held
from edge.sim.history import SLACK_NS, Move, Span, Truth, _holes, judge
from edge.spool.seal import Header
from tests.power.scene import Scene, ms

SOON_NS = 1500 * MS  # a start looks at the contact, settles, and tells what it found within this
AGAIN = "boot-again"  # the boot that follows where the machine is started again
TAKE_NS = 4 * SECOND  # an opening's pictures and the set that names them
R = TypeVar("R", bound=Record)


class Card(msgspec.Struct):
    """What lies on a card: the records, the frames' rows and files, and every other file."""

    records: set[Key] = set()
    rows: set[str] = set()
    files: set[str] = set()
    others: set[str] = set()


class Outcome(msgspec.Struct):
    """A scene that came to its end: all that the platform holds, and what is left at the unit."""

    truth: Truth
    held: list[Held]
    frames: dict[str, Header]
    door: object  # as the retained state tells it
    wrong: list[str]
    faults: int
    card: Card
    done: list[object]  # ids of the commands that were done
    hub: list[Held] = []  # what a second platform holds

    def all(self, kind: type[R]) -> list[R]:
        """All records of that kind, in the order of their time."""
        found = [r for h in self.held if isinstance(r := h.envelope.data.record, kind)]
        return sorted(found, key=lambda r: (self.truth.of(r.at), r.seq))


class Break(msgspec.Struct):
    """Where a scene was cut off, and what lay on the card at that instant."""

    at_ns: int
    faults: int
    card: Card


def wrong(scene: Scene, uncut: Outcome, cut: Outcome, broke: Break | None = None) -> list[str]:
    """All that breaks the promise; empty where it was kept."""
    broke = broke or Break(-(10**18), 0, Card())
    faults = cut.faults + broke.faults
    return [
        *cut.wrong,
        *([f"{faults} faults in a deciding loop"] if faults else []),
        *_moves(scene, uncut, cut, broke),
        *_committed(scene, cut, broke),
        *_told(scene, uncut, cut, broke),
        *_pictures(scene, uncut, cut, broke),
        *_beside(scene, cut, broke),
        *sorted(set(_sets(scene, cut, broke)) - set(_sets(scene, uncut, broke))),
        *_left(uncut, cut),
    ]


def _moves(scene: Scene, uncut: Outcome, cut: Outcome, broke: Break) -> Iterator[str]:
    """The door's changes, less those that only repeat, are its movements, in order, each once and in its own time."""
    pairs, strange = _pairs(cut)
    lost = [move for move, event in pairs if event is None]
    counted = sum(gap.records or 0 for gap in cut.all(Gap))
    dark = [span for span in scene.dark if span.holds(broke.at_ns)]  # neither card nor link worked when it was cut off
    unheard = [move for move in lost if not any(span.from_ns <= move.at_ns <= broke.at_ns + SOON_NS for span in dark)]
    unheard = [move for move in unheard if not _found(scene, cut, broke, move)]
    if scene.evicts or dark or len(unheard) < len(lost):
        yield from _holes(cut.held)
    else:
        yield from judge(cut.truth, cut.held)
    if len(unheard) > (counted if scene.evicts else 0):
        yield f"the door moved at {', '.join(ms(move.at_ns) for move in unheard)}, and nobody knows"
    if not dark:
        yield from (f"{event.change} at {ms(cut.truth.of(event.at))} is told, and was not" for event in strange)
    roughly = {i for i, (_, event) in enumerate(_pairs(uncut)[0]) if event and event.since}
    for i, (move, event) in enumerate(pairs):
        near = abs(move.at_ns - broke.at_ns) <= SOON_NS or any(span.holds(move.at_ns) for span in scene.late)
        if event and event.since and i not in roughly and not near:
            yield f"{event.change} at {ms(move.at_ns)} is known by an interval only"


def _found(scene: Scene, cut: Outcome, broke: Break, move: Move) -> bool:
    """Whether a movement that the unit was cut off at, with a card that refused, is told by how the door was found."""
    if abs(move.at_ns - broke.at_ns) > SOON_NS or not any(span.holds(move.at_ns) for span in scene.late):
        return False
    found = [e for e in cut.all(Event) if e.change is Change.FOUND and 0 <= cut.truth.of(e.at) - broke.at_ns <= SOON_NS]
    return any(event.door == ("shut" if move.closed else "open") for event in found)


def _pairs(outcome: Outcome) -> tuple[list[tuple[Move, Event | None]], list[Event]]:
    """Each movement with the one event that tells it, and the events that tell none."""
    told = repeats([h.envelope for h in outcome.held])
    known = [h for h in outcome.held if h.envelope.id not in told]
    doors = [r for h in known if isinstance(r := h.envelope.data.record, Event)]
    doors = [event for event in doors if event.change in (Change.OPENED, Change.SHUT)]
    doors.sort(key=lambda event: (outcome.truth.of(event.at), event.since is None))
    moves, strange = outcome.truth.moves, []
    events: dict[int, Event] = {}
    for event in doors:
        fits = [i for i, move in enumerate(moves) if i not in events and _tells(outcome.truth, event, move)]
        if fits and (not events or fits[-1] > max(events)):
            events[fits[-1]] = event
        else:
            strange.append(event)
    return [(move, events.get(i)) for i, move in enumerate(moves)], strange


def _tells(truth: Truth, event: Event, move: Move) -> bool:
    at_ns = truth.of(event.at)
    if move.closed is not (event.change is Change.SHUT):
        return False
    if event.since is None:
        return abs(at_ns - move.at_ns) <= SLACK_NS
    return truth.of(event.since) - SLACK_NS <= move.rest_ns and move.at_ns <= at_ns + SLACK_NS


def _committed(scene: Scene, cut: Outcome, broke: Break) -> Iterator[str]:
    """What was on the card is held, or counted as gone."""
    keys = {(h.envelope.data.record.epoch, h.envelope.data.record.seq) for h in cut.held}
    gaps = [gap for gap in cut.all(Gap) if gap.reason in (GapReason.FULL, GapReason.OVERRUN)]
    gone = {(gap.of, seq) for gap in gaps for low, high in gap.seqs for seq in range(low, high + 1)}
    lost = broke.card.records - keys - gone
    if lost and not scene.damaged:
        yield f"{sorted(lost)} were on the card when it was cut off, and never arrived"
    if keys & gone and not scene.evicts:  # what was on its way when it had to go may arrive all the same
        yield f"{sorted(keys & gone)} are held, and counted as gone"


def _told(scene: Scene, uncut: Outcome, cut: Outcome, broke: Break) -> Iterator[str]:
    """What else was told uncut is told here too; but for what a restart says of itself."""
    if len(cut.all(Boot)) < len(cut.truth.lives) - 1:
        yield f"{len(cut.truth.lives)} starts, and {len(cut.all(Boot))} of them are known"
    if len(set(cut.done)) < len(cut.done) or not set(cut.done) <= set(uncut.done):
        yield f"commands {cut.done} were done; want each of {uncut.done} at most once"
    if cut.door != uncut.door:
        yield f"the door is {cut.door} in the end; want {uncut.door}"
    for name, whole, here in (
        ("held for long", set(_held(uncut)), set(_held(cut))),
        ("lost", _lost(uncut), _lost(cut)),
        ("anchors of", _anchors(uncut) - _ended(cut, broke), _anchors(cut)),
        ("spools set aside", _aside(uncut), _aside(cut)),
    ):
        if not whole <= here and not (scene.vanished and name == "spools set aside"):
            yield f"{name}: {sorted(here)}; want {sorted(whole)}"
    for opening, times_ns in _held(cut).items():
        near = abs(times_ns[0] - broke.at_ns) <= SOON_NS or any(span.holds(times_ns[0]) for span in scene.late)
        if len(times_ns) > len(_held(uncut).get(opening, [])) + near:  # told live, and cut off before it was kept
            yield f"held for long is told {len(times_ns)} times of one opening"


def _held(outcome: Outcome) -> dict[int | None, list[int]]:
    """Openings that lasted too long, and when that was told."""
    told: dict[int | None, list[int]] = {}
    for event in outcome.all(Event):
        if event.change is Change.HELD:
            told.setdefault(_opening(outcome.truth, event), []).append(outcome.truth.of(event.at))
    return told


def _lost(outcome: Outcome) -> set[object]:
    return {ms(outcome.truth.of(event.at)) for event in outcome.all(Event) if event.change is Change.LOST}


def _anchors(outcome: Outcome) -> set[object]:
    return {anchor.at.boot for anchor in outcome.all(ClockAnchor)}


def _ended(cut: Outcome, broke: Break) -> set[object]:
    """The boot that ended, before its clock was good, where the machine was started again."""
    boots = sorted((ns, boot) for boot, ns in cut.truth.boots.items() if ns <= broke.at_ns)
    return {boots[-2][1]} if boots and boots[-1][1] == AGAIN else set()


def _aside(outcome: Outcome) -> set[object]:
    return {"one" for gap in outcome.all(Gap) if gap.records is None}


def _pictures(scene: Scene, uncut: Outcome, cut: Outcome, broke: Break) -> Iterator[str]:
    """Every frame that a set names arrives or is counted; every opening has the pictures it has uncut."""
    named = {ref.name for taken in cut.all(FrameSet) for ref in taken.frames}
    counted = sum(gap.frames or 0 for gap in cut.all(Gap))
    if len(named - set(cut.frames)) > counted:
        yield f"{len(named - set(cut.frames))} pictures are named and never arrived; {counted} are counted as gone"
    whole, here = _takes(uncut), _takes(cut)
    for move in cut.truth.moves:
        if move.at_ns - SOON_NS <= broke.at_ns <= move.at_ns + TAKE_NS:
            continue  # its set was cut before it was recorded
        if any(span.holds(move.at_ns) for span in scene.late) or scene.evicts or counted:
            continue  # which of them the card takes is not told beforehand
        if whole.get(move.at_ns) != here.get(move.at_ns):
            yield f"pictures of {ms(move.at_ns)}: {here.get(move.at_ns)}; want {whole.get(move.at_ns)}"


def _sets(scene: Scene, cut: Outcome, broke: Break) -> Iterator[str]:
    """Every opening that was pictured, cut off meanwhile or not, has one set; it names all that arrived of it."""
    envelopes = [h.envelope for h in cut.held]
    again, lost = superseded(envelopes), void(envelopes)
    named: dict[Key, list[set[str]]] = {}
    for e in envelopes:
        if isinstance(taken := e.data.record, FrameSet) and e.id not in again:
            named.setdefault((taken.of, taken.event), []).append({ref.name for ref in taken.frames})
    for event in cut.all(Event):
        key = (event.epoch, event.seq)
        if event.change is not Change.OPENED or event.since is not None or not scene.settings["camera"]["enabled"]:
            continue
        sets = named.get(key, [])
        is_late = any(span.holds(at_ns) for span in scene.late for at_ns in (broke.at_ns, cut.truth.of(event.at)))
        if len(sets) > 1 or not (sets or key in lost or scene.evicts or is_late):
            yield f"{event.epoch}/{event.seq} has {len(sets)} sets of pictures"
        strange = {name for name, header in cut.frames.items() if (header.epoch, header.event) == key}
        if sets and strange - sets[0] and not is_late:
            yield f"{len(strange - sets[0])} pictures of {event.epoch}/{event.seq} arrived that its set does not name"


def _takes(outcome: Outcome) -> dict[object, list[tuple[int, int, bool]]]:
    """By the opening they belong to: pictures named, pictures held, whether some are missing."""
    events = {(event.epoch, event.seq): event for event in outcome.all(Event)}
    takes: dict[object, list[tuple[int, int, bool]]] = {}
    for taken in outcome.all(FrameSet):
        if (taken.of, taken.event) in events:
            opening = _opening(outcome.truth, events[taken.of, taken.event])
            held = sum(ref.name in outcome.frames for ref in taken.frames)
            takes.setdefault(opening, []).append((len(taken.frames), held, bool(taken.missing)))
    return takes


def _opening(truth: Truth, event: Event) -> int | None:
    """When the door opened, for the last time before the event."""
    before = [move.at_ns for move in truth.moves if move.at_ns <= truth.of(event.at) + SLACK_NS and not move.closed]
    return before[-1] if before else None


def _beside(scene: Scene, cut: Outcome, broke: Break) -> list[str]:
    """What a second platform wants it has, but for what had to go and what was cut off while the card was bad."""
    if not scene.hub or scene.evicts or scene.hub_leaves:
        return []
    lives = [Span(-SECOND, broke.at_ns), *cut.truth.lives]
    truth = msgspec.structs.replace(cut.truth, card_bad=scene.late, lives=lives)
    return differ(truth, EVENTS, cut.held, cut.hub)


def _left(uncut: Outcome, cut: Outcome) -> Iterator[str]:
    """When all has arrived nothing is left at the unit, neither row nor file."""
    for what in ("records", "rows", "files"):
        left = getattr(cut.card, what)
        if len(left) > len(getattr(uncut.card, what)):
            yield f"{len(left)} {what} are left on the card: {sorted(left)[:3]}"
    if cut.card.others - uncut.card.others:
        yield f"{sorted(cut.card.others - uncut.card.others)} lie on the card for ever"

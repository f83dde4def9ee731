"""What can go wrong in the unit itself. Each begins when it is called with the world, and returns what ends it."""

import shutil
import sqlite3
from collections.abc import Callable
from functools import partial

from edge.board.host import HostReading
from edge.clock import MS, SECOND, Quality
from edge.errors import CorruptError, FullError, LinkError, PartError
from edge.parts import PinChange
from edge.records import AnyRecord
from edge.sim import terms
from edge.sim.history import Span
from edge.sim.world import BASE_NS, World
from tests.sim.stage import Fault

YEAR_NS = 365 * 86_400 * SECOND
BROKEN_SHELF = LinkError("pictures", found="silence", wanted="an answer", remedy="It is over by itself.")
FULL = FullError("simulated card", found="no room", wanted="room", remedy="It is over by itself.")
BROKEN = PartError("simulated card", found="input/output error", wanted="a card", remedy="It is over by itself.")
PROTECTED = PartError("simulated card", found="read-only", wanted="a card", remedy="It is over by itself.")


def switch(of: Callable[[World], object], **fields: object) -> Fault:
    """Something simulated has these attributes, and its former ones afterwards."""

    def begin(world: World) -> Callable[[], None]:
        part = of(world)
        was = {name: getattr(part, name) for name in fields}
        _set(part, fields)
        return lambda: _set(part, was)

    return begin


def _set(part: object, fields: dict[str, object]) -> None:
    for name, value in fields.items():
        setattr(part, name, value)


def part(name: str, **fields: object) -> Fault:
    return switch(lambda world: world.parts[name], **fields)


def camera(fault: str) -> Fault:
    return switch(lambda world: world.camera, fault=fault)


def eye(**fields: object) -> Fault:
    return switch(lambda world: world.eye, **fields)


def host(**reading: object) -> Fault:
    """The machine says this of itself."""
    return switch(lambda world: world, host=HostReading(**reading))


def unread(world: World) -> Callable[[], None]:
    """The card can be written and not be read, and the link has just come back."""

    def refuse(_after_n: int, _limit: int) -> list[tuple[int, AnyRecord]]:
        raise BROKEN

    world.city.drop()
    return switch(lambda world: world.store, read=refuse)(world)


def away_for(seconds: float) -> Fault:
    """There is no network for so long."""

    def begin(world: World) -> Callable[[], None]:
        world.city.cut("down")
        world.after(int(seconds * SECOND), world.city.mend)
        return lambda: None

    return begin


def nothing(_world: World) -> Callable[[], None]:
    """What is wrong is in the settings, or in the wave."""
    return lambda: None


def hangs_at_start(world: World) -> Callable[[], None]:
    """The sensor hangs from its first picture on."""
    world.after(1, lambda: setattr(world.eye, "hangs", True))
    return lambda: setattr(world.eye, "hangs", False)


def both(*faults: Fault) -> Fault:
    """All of these at once."""

    def begin(world: World) -> Callable[[], None]:
        ends = [fault(world) for fault in faults]

        def end() -> None:
            for each in reversed(ends):
                each()

        return end

    return begin


# --- the contact


def chatter(world: World) -> Callable[[], None]:
    """The contact does not come to rest."""
    on = [True]

    def again() -> None:
        if on[0]:
            world.chatter(SECOND)
            world.after(SECOND, again)

    again()
    return partial(on.__setitem__, 0, False)


def stuck(world: World) -> Callable[[], None]:
    """The door opens and the contact stays closed, until it comes free."""
    world.closed = False

    def free() -> None:
        world.closed = True
        world.move(closed=False, wave="clean")
        world.after(2 * SECOND, lambda: world.move(closed=True, wave="clean"))

    return free


def busy_pin(pin: int) -> Fault:
    """Another program has this pin."""

    def begin(world: World) -> Callable[[], None]:
        world.occupy(pin)
        return lambda: world.vacate(pin)

    return begin


def torn(world: World) -> Callable[[], None]:
    world.tear(True)
    return lambda: world.tear(False)


def double_opening(world: World) -> Callable[[], None]:
    """The door opens, shuts and opens, 150 ms apart."""
    for n in range(1, 4):
        world.after(10 * SECOND + n * 150 * MS, lambda: world.move(not world.closed, "clean"))
    world.after(13 * SECOND, lambda: world.move(closed=True, wave="clean"))
    return lambda: None


def deaf_after(first_ns: int) -> Fault:
    """The kernel drops every edge later than this after the beginning of each movement."""

    def begin(world: World) -> Callable[[], None]:
        world.deaf_after_ns = first_ns
        return partial(setattr, world, "deaf_after_ns", None)

    return begin


def glitches(world: World) -> Callable[[], None]:
    """3 ms of nonsense twice a second."""
    on = [True]

    def glitch() -> None:
        if on[0]:
            world.glitch()
            world.after(500 * MS, glitch)

    glitch()
    return partial(on.__setitem__, 0, False)


def flood(world: World) -> Callable[[], None]:
    """Ten thousand edges at once, as from a storm in the wire, while the door opens."""

    def storm() -> None:
        for _ in range(10_000):
            world.loop.post(PinChange(world.clock.now()))

    world.after(3 * SECOND + 1 * MS, storm)
    return lambda: None


# --- the card


def damaged(world: World) -> Callable[[], None]:
    """Two pages of the spool hold nonsense."""
    data = bytearray((world.folder / "spool.db").read_bytes())
    data[4096:12_288] = b"\xaa" * 8192
    (world.folder / "spool.db").write_bytes(data)
    return lambda: None


def damaged_in_use(world: World) -> Callable[[], None]:
    """The next commit finds that the spool is damaged."""
    card, sound = world.parts["card"], world.parts["card"].fault
    card.fault = CorruptError("spool", found="damage", wanted="what was written there", remedy="It is set aside.")
    world.store._damaged = True
    world.after(3 * SECOND + 500 * MS, lambda: setattr(card, "fault", sound))
    return lambda: None


def pictures_vanish(world: World) -> Callable[[], None]:
    """The platform takes no pictures for ten seconds; those that wait cannot be read afterwards."""
    world.shelf.fault = BROKEN_SHELF

    def vanish() -> None:
        for picture in (world.folder / "frames").iterdir():
            picture.unlink()
        world.shelf.fault = None

    world.after(10 * SECOND, vanish)
    return lambda: None


def newer(world: World) -> Callable[[], None]:
    """A newer version of the software wrote the spool; afterwards that version's successor has put it back."""
    _version(world, 2)
    return lambda: _version(world, 1)


def _version(world: World, number: int) -> None:
    db = sqlite3.connect(world.folder / "spool.db", isolation_level=None)
    db.execute(f"PRAGMA user_version = {number}")
    db.close()


def no_folder(world: World) -> Callable[[], None]:
    """All but the term: a unit that lost that too has lost its identity, and does not start."""
    term = (world.folder / terms.NAME).read_bytes()
    shutil.rmtree(world.folder)
    world.folder.mkdir()
    (world.folder / terms.NAME).write_bytes(term)
    return lambda: None


# --- the clock


def clock(quality: Quality, wrong_ns: int, error_ms: int | None = None) -> Fault:
    """The wall clock is set to this, and set right afterwards."""

    def begin(world: World) -> Callable[[], None]:
        world.set_clock(quality, error_ms, wrong_ns)
        return lambda: world.set_clock(Quality.SYNCED, 1, 0)

    return begin


def in_1970(world: World) -> Callable[[], None]:
    return clock(Quality.UNSYNCED, -BASE_NS - world.now_ns)(world)


# --- the process


def killed(after_ms: int, times: int = 1) -> Fault:
    """The agent is killed this long into the first opening, and started 3 s later; and so on."""

    def begin(world: World) -> Callable[[], None]:
        for n in range(times):
            at_ns = 3 * SECOND + after_ms * MS + n * 5 * SECOND
            world.after(at_ns, world.die)
            world.after(at_ns + 3 * SECOND, world.start)
        return lambda: None

    return begin


def power_cut(world: World) -> Callable[[], None]:
    """The power goes 20 ms into an opening; 5 s later the unit starts in 1970, and is told the time 20 s after that."""
    world.after(3 * SECOND + 20 * MS, world.cut)
    world.after(8 * SECOND, partial(world.boot, Quality.UNSYNCED))
    world.after(28 * SECOND, partial(world.set_clock, Quality.SYNCED, 5, 0))
    return lambda: None


def busy_door(movements: int) -> Fault:
    """The door opens and shuts this often, 150 ms apart, from 10 s on."""

    def begin(world: World) -> Callable[[], None]:
        for n in range(movements):
            world.after(10 * SECOND + n * 150 * MS, lambda: world.move(not world.closed, "clean"))
        return lambda: None

    return begin


def raises(world: World) -> Callable[[], None]:
    """A step of the deciding loop raises."""
    world.loop.call(lambda: 1 // 0)
    return lambda: None


def bad_contact(fault: Fault) -> Fault:
    """The same, and the judge knows that the contact tells nothing meanwhile."""

    def begin(world: World) -> Callable[[], None]:
        from_ns, end = world.now_ns, fault(world)

        def over() -> None:
            world.truth.contact_bad.append(Span(from_ns, world.now_ns))
            end()

        return over

    return begin

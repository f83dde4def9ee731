"""What survives of the unit itself: its starts and why, the last abnormal end, the last errors. Nothing of the door.

One small file in the state folder, bounded, and written seldom: at a start, at an orderly end, and for something that
began to be wrong at most every ten minutes. It outlives an erasing, which is why a code that a movement of the door
may set (CONTACT) never goes into it.
"""

import logging
from pathlib import Path

import msgspec

from edge.clock import SECOND, Clock
from edge.durable import write_durably
from edge.errors import PartError
from edge.loop import Loop, Timer, Worker

log = logging.getLogger(__name__)

NAME = "blackbox.json"
STARTS, ERRORS = 64, 64
MAX_BYTES = 64_000  # what is larger was not written by this; both lists full are 20 kB
EVERY_NS = 600 * SECOND
CONTACT = "contact."


class Start(msgspec.Struct, frozen=True):
    """One start of the agent. after: how the life before ended.

    first: there was none, or the box was unreadable. stopped: in order. crashed: the agent ended, the machine ran on.
    cut: the machine went down under it.
    """

    wall_ns: int
    boot: str
    version: str
    after: str


class Trouble(msgspec.Struct):
    """A warning's code: how often it began, and when last (UTC ns by the clock of then)."""

    count: int = 0
    wall_ns: int = 0


class Box(msgspec.Struct):
    """The whole file."""

    schema: int = 1
    running: bool = False  # no orderly end yet
    starts: list[Start] = []
    count: dict[str, int] = {}  # of starts, by how the life before ended
    abnormal: Start | None = None  # the last start after an end that was not in order
    errors: dict[str, Trouble] = {}  # by code, the latest last


_boxes = msgspec.json.Decoder(Box)


def read(folder: Path) -> Box | None:
    """What lies there; None where there is none, or nothing that this wrote. Raises PartError."""
    path = folder / NAME
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as err:
        raise PartError(
            f"file {path}", found=(err.strerror or str(err)).lower(), wanted="a readable file", remedy="Use sudo."
        ) from err
    try:
        return _boxes.decode(raw) if len(raw) <= MAX_BYTES else None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


class BlackBox:
    """Lives in the deciding thread; the worker alone touches the card, and one that refuses costs nothing else."""

    def __init__(self, folder: Path, version: str, worker: Worker, loop: Loop, clock: Clock) -> None:
        self._folder = folder
        self._version = version
        self._worker = worker
        self._loop = loop
        self._clock = clock
        self._box: Box | None = None  # None: not read yet
        self._early: list[tuple[str, int]] = []  # what went wrong before that
        self._written_ns = 0
        self._due: Timer | None = None

    def start(self) -> None:
        """The agent starts; how it ended before is noted."""
        now = self._clock.read()

        def begun() -> Box:
            box = read(self._folder) or Box()
            _begin(box, now.wall_ns, now.boot, self._version)
            self._put(msgspec.json.encode(box))
            return box

        self._worker.do(begun, self._begun, self._failed)

    def wrong(self, code: str, _now_ns: int) -> None:
        """Something began to be wrong."""
        if code.startswith(CONTACT):
            return
        wall_ns = self._clock.read().wall_ns
        if self._box is None:
            self._early = [*self._early, (code, wall_ns)][-ERRORS:]
            return
        _note(self._box, code, wall_ns)
        if self._due is None:
            self._due = self._loop.at(max(self._loop.now(), self._written_ns + EVERY_NS), self._write)

    def stop(self) -> None:
        """An orderly end; the worker's own end waits for it."""
        if self._box is not None:
            self._box.running = False
            self._write()

    def _begun(self, box: Box) -> None:
        self._box = box
        self._written_ns = self._loop.now()
        for code, wall_ns in self._early:
            _note(box, code, wall_ns)

    def _write(self) -> None:
        self._due = None
        self._written_ns = self._loop.now()
        raw = msgspec.json.encode(self._box)
        self._worker.do(lambda: self._put(raw), lambda _: None, self._failed)

    def _put(self, raw: bytes) -> None:
        write_durably(self._folder / NAME, raw)

    def _failed(self, err: Exception) -> None:
        if not isinstance(err, PartError):
            raise err
        log.info("the black box is not written: %s", err)  # the spool's own warning tells of the card


def _begin(box: Box, wall_ns: int, boot: str, version: str) -> None:
    after = "first"
    if box.starts:
        after = "stopped" if not box.running else "crashed" if box.starts[-1].boot == boot else "cut"
    start = Start(wall_ns, boot[:64], version[:64], after)
    box.starts = [*box.starts, start][-STARTS:]
    box.count[after] = box.count.get(after, 0) + 1
    if after in ("crashed", "cut"):
        box.abnormal = start
    box.running = True


def _note(box: Box, code: str, wall_ns: int) -> None:
    trouble = box.errors.pop(code, None) or Trouble()
    trouble.count, trouble.wall_ns = trouble.count + 1, wall_ns
    box.errors[code] = trouble
    while len(box.errors) > ERRORS:
        del box.errors[next(iter(box.errors))]

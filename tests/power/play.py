"""Plays a scene in a process of its own that is cut off after one statement, and goes on where it was cut off.

The process that is cut off runs the files with the planted calls; whoever forked it runs them as they are.
"""

import importlib
import os
import resource
import shutil
import signal
import tempfile
import types
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from tests.power import harm, look, points, verdict
from tests.power.scene import Scene
from tests.power.street import Street
from tests.power.town import Word
from tests.power.verdict import Break, Outcome

ROOT = Path(__file__).resolve().parents[2]
RAM = "/dev/shm"  # where a sync costs nothing
_ASIDE = ("peek.py", "blackbox.py")  # beside the records' way: a technician's, and tests/spool/test_blackbox.py's
FILES = (
    *sorted(f"edge/spool/{path.name}" for path in (ROOT / "edge/spool").glob("[!_]*.py") if path.name not in _ASIDE),
    "edge/durable.py",
    "edge/uplink/courier.py",
    "edge/uplink/carrier.py",
    "edge/unit/recorder.py",
    "edge/unit/photographer.py",
    "edge/unit/sets.py",
)
CUT = 77  # how a process ends that was cut off
STUCK_S = 30  # of processor time for one scene, which takes some 0.03: it turns in a circle
Place = tuple[str, int]  # file, statement number


class StuckError(BaseException):
    """A scene turns in a circle. No Exception: a loop's edge would catch it, and go on turning."""


class Point(msgspec.Struct, frozen=True):
    """Where one crash is: after this statement, when it is reached for the nth time, in this scene."""

    file: str
    number: int
    nth: int
    scene: str
    reboot: bool = False  # the machine starts again, not only the agent


class Cut(msgspec.Struct):
    """A scene that was cut off: what left the unit, and where the street was; `at` is None if it came to its end."""

    words: list[Word]
    at: Word | None


class Program:
    """The files under test, loaded as they are, and as they are with the calls in them."""

    def __init__(self, files: tuple[str, ...] = FILES) -> None:
        self.modules: dict[str, types.ModuleType] = {}
        self.planted: dict[str, points.Planted] = {}
        for file in files:
            self.modules[file] = importlib.import_module(file.removesuffix(".py").replace("/", "."))
            self.planted[file] = points.plan(ROOT / file, file)

    @property
    def statements(self) -> list[points.Statement]:
        """All of them."""
        return [statement for planted in self.planted.values() for statement in planted.statements]

    def statement(self, file: str, number: int) -> points.Statement:
        """One of them."""
        return self.planted[file].statements[number - 1]

    def count(self, scene: Scene) -> Counter[Place]:
        """How often each statement is reached in a scene that nobody cuts off."""
        counts: Counter[Place] = Counter()

        def reached(file: str) -> points.Reached:
            def count(number: int, value: object = None) -> object:
                counts[file, number] += 1
                return value

            return count

        def child(street: Street, note: Callable[[Word], None]) -> None:
            for file, planted in self.planted.items():
                self._plant(file, planted, street, reached(file))
            street.run()
            note(Word("counts", msgspec.msgpack.encode(list(counts.items()))))

        with stage(scene) as folder:
            words = _forked(scene, folder, child).words
        last = words[-1]
        if last.kind != "counts":
            raise RuntimeError(f"scene {scene.name} did not come to its end; its last word was {last.kind}")
        return Counter({(file, number): n for (file, number), n in msgspec.msgpack.decode(last.payload)})

    def cut(self, scene: Scene, folder: Path, point: Point) -> Cut:
        """Play the scene in a child until the point, where it ends at once: no handler, no finally, no flush."""

        def child(street: Street, note: Callable[[Word], None]) -> None:
            left = point.nth

            def reached(number: int, value: object = None) -> object:
                nonlocal left
                if number == point.number:
                    left -= 1
                    if left == 0:
                        faults = street.faults + (street.loop.faults if street.loop else 0)
                        note(Word("cut", b"", street.now_ns, street.acts_done, faults))
                        os._exit(CUT)
                return value

            self._plant(point.file, self.planted[point.file], street, reached)
            street.run()

        return _forked(scene, folder, child)

    def _plant(self, file: str, planted: points.Planted, street: Street, reached: points.Reached) -> None:
        points.plant(self.modules[file], planted, reached)
        street.on_start.append(lambda: points.load(self.modules[file], planted, reached))


def uncut(scene: Scene) -> Outcome:
    """The scene when nobody cuts it off."""
    with stage(scene) as folder:
        street = Street(scene, folder)
        street.run()
        return look.outcome(street)


def try_point(program: Program, scene: Scene, whole: Outcome, point: Point) -> list[str]:
    """Cut the scene off at the point, go on with the files as they are, and compare with the whole."""
    with stage(scene) as folder:
        cut = program.cut(scene, folder, point)
        if cut.at is None:
            return ["the statement was not reached as often as it was counted"]
        broke = Break(cut.at.now_ns, cut.at.faults, look.card(folder))
        street = Street(scene, folder, life="b")
        street.recall(cut.words)
        with _turning():
            street.resume(cut.at.now_ns, cut.at.acts_done, verdict.AGAIN if point.reboot else "")
            street.run()
        return verdict.wrong(scene, whole, look.outcome(street), broke)


@contextmanager
def stage(scene: Scene) -> Iterator[Path]:
    """A folder for the unit, on a card of its own where the scene wants one; and the scene's knobs turned."""
    folder = Path(tempfile.mkdtemp(prefix="statements-", dir=RAM))
    turned = [(importlib.import_module(name.rpartition(".")[0]), name.rpartition(".")[2]) for name in scene.knobs]
    before = [getattr(module, name) for module, name in turned]
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        if scene.card_kb:
            harm.mount(folder, scene.card_kb)
        for (module, name), value in zip(turned, scene.knobs.values(), strict=True):
            setattr(module, name, value)
        yield folder
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        for (module, name), value in zip(turned, before, strict=True):
            setattr(module, name, value)
        if scene.card_kb:
            harm.unmount(folder)
        shutil.rmtree(folder)


@contextmanager
def _turning() -> Iterator[None]:
    """Raise StuckError in what takes too long. Main thread only."""

    def stuck(_number: int, _frame: object) -> None:
        raise StuckError(f"{STUCK_S} s and no end")

    before = signal.signal(signal.SIGVTALRM, stuck)
    signal.setitimer(signal.ITIMER_VIRTUAL, STUCK_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def _forked(scene: Scene, folder: Path, child: Callable[[Street, Callable[[Word], None]], None]) -> Cut:
    """Run `child` in a process of its own; what it noted has arrived here, whatever became of it."""
    ours, its = os.pipe()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            os.close(ours)
            resource.setrlimit(resource.RLIMIT_CPU, (STUCK_S, STUCK_S))

            def note(word: Word) -> None:
                data = msgspec.msgpack.encode(word)
                _write(its, len(data).to_bytes(4, "big") + data)

            child(Street(scene, folder, note), note)
            code = 0
        finally:
            os._exit(code)
    os.close(its)
    with os.fdopen(ours, "rb") as pipe:
        data = pipe.read()
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    words = list(_words(data))
    if code == CUT:
        return Cut(words[:-1], words[-1])
    if code != 0:
        raise RuntimeError(f"scene {scene.name} broke off by itself with exit {code}")
    return Cut(words, None)


def _write(handle: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(handle, view) :]


def _words(data: bytes) -> Iterator[Word]:
    decoder = msgspec.msgpack.Decoder(Word)
    at = 0
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        yield decoder.decode(data[at + 4 : at + 4 + size])
        at += 4 + size

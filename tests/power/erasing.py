"""Erasing, and the term's file, cut everywhere: all is there, or the erasing is finished at the next start."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from edge.door.term import Phase, Span, Term, pack
from edge.durable import write_durably
from edge.parts import Snapshot
from edge.spool.erase import MARK, Eraser, State
from edge.spool.frames import FrameFiles
from edge.spool.paper import Paper
from tests.power.files import Scene

FRAMES = 3
SPOOL = ("spool.db", "spool.db-wal", "spool.db-shm", "spool.db.damaged-1")
TERM = "term.json"
NEW_TERM = pack(Term()).decode()


class PlainStore:
    """An ErasableStore in a plain file, whose every step the tape sees; SQLite's own are cut in tests/power/cuts.py."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "spool.db"

    def open(self) -> Snapshot:
        return Snapshot(self.path.read_text(), 1, 65, 0, 1, True, 0, (), {}, {})

    def commit(self, ops: Sequence[object]) -> None:
        assert ops == ()

    def read(self, _after_n: int, _limit: int) -> list[tuple[int, object]]:
        return []

    def close(self) -> None:
        """Nothing is open."""

    def begin_erased(self, state: State) -> None:
        write_durably(self.path, state["epoch"].encode())


def scenes() -> list[Scene]:
    """A term over another one, a first one, and an erasing."""
    first, second = Term(Phase.ARMED, Span(1, 2)), Term(Phase.ENDING, Span(1, 2), over_ns=2)

    def write(term: Term, root: Path) -> None:
        Paper(root / TERM).write(pack(term))

    def read(root: Path) -> object:
        return Paper(root / TERM).read()

    return [
        Scene("a first term", lambda _: None, partial(write, first), read, partial(write, second)),
        Scene("a term over another", partial(write, first), partial(write, second), read, partial(write, Term())),
        Scene("an erasing", lay, erase, look, erase),
    ]


def eraser(root: Path) -> Eraser:
    """Of the unit whose state lies there."""
    return Eraser(root, PlainStore(root), FrameFiles(root / "frames"))  # type: ignore[arg-type]  # as far as it goes


def lay(root: Path) -> None:
    """A spool, set-aside files, frames and a term."""
    for name in SPOOL:
        (root / name).write_text("old")
    (root / "frames").mkdir()
    for n in range(FRAMES):
        (root / "frames" / f"{n:064}").write_bytes(b"sealed")
    (root / TERM).write_bytes(b"old")


def erase(root: Path) -> None:
    """All of it."""
    eraser(root).erase(lambda _gone: {"epoch": "new"}, {TERM: NEW_TERM})


def look(root: Path) -> object:
    """What a start finds there: everything, or nothing of it; else what is wrong."""
    eraser(root).before(lambda: None)()
    spool = sorted(path.name for path in root.iterdir() if path.name.startswith("spool"))
    frames = len(list((root / "frames").iterdir())) if (root / "frames").exists() else 0
    found = (spool, frames, (root / "spool.db").read_text(), (root / TERM).read_text(), (root / MARK).exists())
    if found == (sorted(SPOOL), FRAMES, "old", "old", False):
        return "old"
    return "new" if found == (["spool.db"], 0, "new", NEW_TERM, False) else found

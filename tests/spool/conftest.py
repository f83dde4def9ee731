"""Spools on real files and journals over them, closed at the test's end."""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edge.sim.time import SimClock
from edge.spool.store import SqliteStore
from tests.spool.desk import Desk
from tests.spool.samples import RAM

Start = Callable[..., Desk]
Make = Callable[[Path], SqliteStore]


@pytest.fixture
def make() -> Iterator[Make]:
    """Make a store on a folder; each spool has an epoch of its own."""
    made: list[SqliteStore] = []
    epochs = (f"epoch-{n}" for n in range(1, 100))

    def new(folder: Path) -> SqliteStore:
        made.append(SqliteStore(folder, lambda: next(epochs)))
        return made[-1]

    yield new
    for store in made:
        store.close()


@pytest.fixture
def clock() -> SimClock:
    return SimClock()


@pytest.fixture
def start(clock: SimClock) -> Iterator[Start]:
    """Start a journal on the one folder of this test; the one before it is cut off."""
    desks: list[Desk] = []

    def go(folder: Path | None = None, **options: int) -> Desk:
        for desk in desks:
            desk.store.close()
        clock.turn(1)
        desks.append(Desk(folder or Path(ram), clock, **options))
        return desks[-1]

    with tempfile.TemporaryDirectory(dir=RAM) as ram:
        yield go
        for desk in desks:
            desk.store.close()

"""Spools on real files, each with an epoch of its own, closed at the test's end."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edge.spool.store import SqliteStore

Make = Callable[[Path], SqliteStore]


@pytest.fixture
def make() -> Iterator[Make]:
    made: list[SqliteStore] = []
    epochs = (f"epoch-{n}" for n in range(1, 100))

    def new(folder: Path) -> SqliteStore:
        made.append(SqliteStore(folder, lambda: next(epochs)))
        return made[-1]

    yield new
    for store in made:
        store.close()

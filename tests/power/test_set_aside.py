"""A damaged spool is set aside while the power goes: whatever is left, the next start tells of the loss."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.spool.store import SqliteStore
from tests.power.disk import Disk
from tests.power.files import KINDS
from tests.power.hands import watched
from tests.power.room import empty, room
from tests.power.tape import Tape
from tests.power.vfs import Connector, Recorder
from tests.spool.samples import power_cut, put


@pytest.fixture
def folder() -> Iterator[Path]:
    """Room for images."""
    with room() as made:
        yield made


def damaged(folder: Path, name: str) -> Path:
    """A spool as a cut leaves it, with records in its -wal, and then this file garbled."""
    store = SqliteStore(folder / "made", lambda: "epoch-1")
    store.open()
    put(store, 1, 2, 3)
    (folder / "root").mkdir()
    power_cut(folder / "made", folder / "root" / "state")
    store.close()
    with (folder / "root" / "state" / name).open("r+b") as file:
        file.write(b"\xa5" * 100)
    return folder / "root"


@pytest.mark.parametrize("name", ["spool.db", "spool.db-wal"])
def test_a_cut_while_a_damaged_spool_is_set_aside_leaves_its_loss_to_be_told(name: str, folder: Path) -> None:
    root = damaged(folder, name)
    tape = Tape(root)
    connect = Connector(Recorder(tape, "1"), "FULL")
    with watched(tape):
        store = SqliteStore(root / "state", lambda: "epoch-2", connect)
        assert store.open().loss
        store.close()
    disk = Disk(tape)
    for point, op in enumerate(tape.operations()):
        disk.step(op)
        for kind in KINDS:
            image = empty(folder / "image")
            disk.image(kind.partition("-")[0], random.Random(f"{point}/{kind}")).build(image)
            store = SqliteStore(image / "state", lambda: "epoch-3")
            snapshot = store.open()
            store.close()
            aside = {path.name for path in (image / "state").glob("*.damaged-*") if not path.name.endswith("-shm")}
            assert snapshot.loss, (point, kind)
            assert aside == {"spool.db.damaged-1", "spool.db.damaged-1-wal"}, (point, kind)
            assert snapshot.epoch in {"epoch-2", "epoch-3"}

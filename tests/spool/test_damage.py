"""A damaged spool is set aside whole, a new one begins, and the loss is told until it was heard."""

from collections.abc import Callable
from pathlib import Path

import pytest

from edge.errors import CorruptError
from edge.records import pack
from edge.spool.store import BLOCK
from tests.spool.conftest import Make
from tests.spool.samples import event, power_cut, put


def fill(folder: Path, make: Make) -> str:
    """A spool with 300 records in its main file and 5 in its -wal, as a power cut leaves it; returns its epoch."""
    store = make(folder.with_name("filled"))
    epoch = store.open().epoch
    store.commit(
        [
            *(lambda s, n=n: s.put(n, event(n, epoch, reason="x" * 300)) for n in range(1, 301)),
            lambda s: s.reserve(400),
        ]
    )
    for n in range(301, 306):
        put(store, n, epoch=epoch)
    power_cut(folder.with_name("filled"), folder)
    store.close()
    return epoch


def overwrite(path: Path, at: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(data)


def cut_to(path: Path, size: int) -> None:
    with path.open("r+b") as file:
        file.truncate(size)


DAMAGE: dict[str, Callable[[Path], object]] = {
    "a garbled header": lambda db: overwrite(db, 0, b"\xa5" * 100),
    "no header at all": lambda db: overwrite(db, 0, bytes(4096)),
    "a garbled first page": lambda db: overwrite(db, 100, b"\xa5" * 3996),
    "a garbled page in the middle": lambda db: overwrite(db, 5 * 4096, b"\xa5" * 4096),
    "an emptied page in the middle": lambda db: overwrite(db, 5 * 4096, bytes(4096)),
    "half of the file": lambda db: cut_to(db, db.stat().st_size // 2),
    "a file cut within a page": lambda db: cut_to(db, 3 * 4096 + 700),
    "an empty file": lambda db: cut_to(db, 0),
    "garbage for its -wal": lambda db: overwrite(db.with_name("spool.db-wal"), 0, b"\xa5" * 20_000),
    "an emptied beginning of its -wal": lambda db: overwrite(db.with_name("spool.db-wal"), 0, bytes(4096)),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_a_damaged_spool_is_set_aside_whole_and_a_new_epoch_begins(
    make: Make, tmp_path: Path, damage: Callable[[Path], object]
) -> None:
    folder = tmp_path / "unit"
    old = fill(folder, make)
    damage(folder / "spool.db")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    snapshot = make(folder).open()
    assert snapshot.epoch != old
    assert (snapshot.backlog, snapshot.next_seq, snapshot.last_seq) == (0, 1, 0)
    assert snapshot.loss == str(folder / "spool.db.damaged-1")
    assert snapshot.lost_epoch in (old, ""), "named where it can still be read"
    for name, data in before.items():
        aside = folder / name.replace("spool.db", "spool.db.damaged-1")
        assert name.endswith("-shm") or aside.read_bytes() == data, "nothing is deleted, nor written over"


def test_the_epoch_of_a_spool_that_can_still_be_read_in_part_is_named(make: Make, tmp_path: Path) -> None:
    old = fill(tmp_path / "unit", make)
    DAMAGE["a garbled page in the middle"](tmp_path / "unit" / "spool.db")
    assert make(tmp_path / "unit").open().lost_epoch == old


@pytest.mark.parametrize("moved", [("",), ("", "-wal")], ids=["the file", "the file and its -wal"])
def test_a_cut_while_a_spool_was_set_aside_is_finished_and_the_loss_named(
    make: Make, tmp_path: Path, moved: tuple[str, ...]
) -> None:
    folder = tmp_path / "unit"
    fill(folder, make)
    for end in moved:
        (folder / f"spool.db{end}").rename(folder / f"spool.db.damaged-1{end}")
    snapshot = make(folder).open()
    assert snapshot.loss == str(folder / "spool.db.damaged-1")
    assert {path.name for path in folder.glob("*.damaged*")} == {"spool.db.damaged-1", "spool.db.damaged-1-wal"}


def test_a_second_damaged_spool_is_set_aside_beside_the_first(make: Make, tmp_path: Path) -> None:
    for number in (1, 2):
        make(tmp_path).open()
        overwrite(tmp_path / "spool.db", 0, bytes(100))
        assert make(tmp_path).open().loss == str(tmp_path / f"spool.db.damaged-{number}")
    assert len(list(tmp_path.glob("spool.db.damaged-*[0-9]"))) == 2


def test_the_loss_is_told_at_every_start_until_it_was_noted_as_told(make: Make, tmp_path: Path) -> None:
    fill(tmp_path / "unit", make)
    overwrite(tmp_path / "unit" / "spool.db", 0, bytes(100))
    store = make(tmp_path / "unit")
    told = store.open()
    assert (told.loss, told.lost_epoch) == (store.open().loss, store.open().lost_epoch)
    store.commit([lambda s: s.keep("loss", b"")])
    assert store.open().loss == ""


def test_a_record_that_no_longer_reads_as_one_is_damage_and_the_next_opening_begins_anew(
    make: Make, tmp_path: Path
) -> None:
    store = make(tmp_path)
    store.open()
    put(store, 1, 2)
    store.commit([lambda s: s._connection().execute("UPDATE record SET body = ? WHERE n = 2", (pack(event(2))[:-9],))])
    with pytest.raises(CorruptError, match=r"found damage .*; want what was written there"):
        store.read(0, 10)
    assert store.open().loss == str(tmp_path / "spool.db.damaged-1")


def test_a_record_that_a_damaged_page_makes_null_is_damage_too(make: Make, tmp_path: Path) -> None:
    store = make(tmp_path)
    store.open()
    put(store, 1)
    store.commit([lambda s: s.reserve(2, clean=True)])
    store.close()
    data = (tmp_path / "spool.db").read_bytes()
    body = pack(event(1))
    assert data.count(body) == 1
    # A cell before its body: its size in two bytes, the row's number, the header's size, two types, the body's NULL.
    overwrite(tmp_path / "spool.db", data.index(body) - 7, b"\x80\x04\x01\x04\x00\x80\x00")
    assert store.open().loss == "", "after a clean end nobody looks"
    with pytest.raises(CorruptError, match="NoneType where bytes were written"):
        store.read(0, 10)
    assert store.open().loss == str(tmp_path / "spool.db.damaged-1")


@pytest.mark.parametrize("key", ["epoch", "next_seq", "clean", "loss", "door"])
def test_a_particular_of_another_type_is_damage(make: Make, tmp_path: Path, key: str) -> None:
    store = make(tmp_path)
    store.open()
    store.commit([lambda s: s._connection().execute("INSERT OR REPLACE INTO meta VALUES (?, 5)", (key,))])
    assert store.open().loss == str(tmp_path / "spool.db.damaged-1")


@pytest.mark.parametrize("missing", ["epoch", "next_seq", "clean"])
def test_a_spool_without_its_own_particulars_is_damaged(make: Make, tmp_path: Path, missing: str) -> None:
    store = make(tmp_path)
    store.open()
    store.commit([lambda s: s._connection().execute("DELETE FROM meta WHERE key = ?", (missing,))])
    assert store.open().loss == str(tmp_path / "spool.db.damaged-1")


def test_without_its_wal_a_spool_reuses_no_seq_and_calls_the_lost_ones_void(make: Make, tmp_path: Path) -> None:
    store = make(tmp_path / "a")
    first = store.open()
    store.commit([lambda s: s.reserve(first.limit_seq + BLOCK)])
    put(store, *range(1, first.limit_seq + 3))
    cut = power_cut(tmp_path / "a", tmp_path / "b")
    (cut / "spool.db-wal").unlink()
    again = make(cut).open()
    assert again.epoch == first.epoch
    assert again.next_seq == first.limit_seq + BLOCK
    assert (again.clean, again.last_seq, again.backlog) == (False, 0, 0)


def test_a_cut_while_the_spool_was_made_leaves_no_damage(make: Make, tmp_path: Path) -> None:
    (tmp_path / "spool.db.part").write_bytes(b"half of a spool")
    (tmp_path / "spool.db.part-journal").write_bytes(b"and of its journal")
    snapshot = make(tmp_path).open()
    assert (snapshot.loss, snapshot.next_seq, snapshot.clean) == ("", 1, True)

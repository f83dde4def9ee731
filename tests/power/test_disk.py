"""The model of a card: what was synced is sure, and nothing else is."""

import random
from collections.abc import Iterator

import pytest

from tests.power.disk import SECTOR_BYTES, Disk
from tests.power.room import empty, room
from tests.power.tape import Tape

THROWS = 64  # enough for each outcome of a small tape to come up


@pytest.fixture
def tape() -> Iterator[Tape]:
    """A tape of a folder that holds `old`."""
    with room() as folder:
        (folder / "root").mkdir()
        (folder / "root" / "old").write_bytes(b"old")
        yield Tape(folder / "root")


def outcomes(tape: Tape, kind: str = "partly") -> set[tuple[tuple[str, bytes], ...]]:
    """Every card that a cut at the tape's end may leave: names and bytes."""
    disk = Disk(tape)
    for op in tape.operations():
        disk.step(op)
    found = set()
    for throw in range(THROWS):
        folder = empty(tape.root.parent / "image")
        disk.image(kind, random.Random(throw)).build(folder)
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        found.add(tuple((path.relative_to(folder).as_posix(), path.read_bytes()) for path in files))
    return found


def test_a_write_that_was_not_synced_may_be_there_or_not(tape: Tape) -> None:
    number = tape.find(tape.root / "old")
    assert number is not None
    tape.write(number, 0, b"new")
    assert outcomes(tape, "dropped") == {(("old", b"old"),)}
    assert outcomes(tape, "kept") == {(("old", b"new"),)}
    assert outcomes(tape) == {(("old", b"old"),), (("old", b"new"),)}
    tape.sync(number)
    assert outcomes(tape) == {(("old", b"new"),)}


def test_a_write_may_be_torn_where_a_sector_ends(tape: Tape) -> None:
    number = tape.find(tape.root / "old")
    assert number is not None
    tape.write(number, 100, b"a" * (SECTOR_BYTES - 100) + b"b" * 100)
    tape.sync(number)
    tape.write(number, 100, b"c" * SECTOR_BYTES)
    one, other = SECTOR_BYTES - 100, 100
    whole = {b"a" * one + b"b" * other, b"c" * one + b"c" * other}
    torn = {b"a" * one + b"c" * other, b"c" * one + b"b" * other}
    assert {files[0][1][100:] for files in outcomes(tape)} == whole | torn


def test_a_new_name_is_not_sure_before_its_folder_was_synced(tape: Tape) -> None:
    number = tape.create(tape.root / "new")
    tape.write(number, 0, b"x")
    tape.sync(number)
    assert outcomes(tape) == {(("old", b"old"),), (("new", b"x"), ("old", b"old"))}
    tape.sync(0)
    assert outcomes(tape) == {(("new", b"x"), ("old", b"old"))}


def test_a_renamed_file_has_its_old_name_or_its_new_one(tape: Tape) -> None:
    tape.rename(tape.root / "old", tape.root / "new")
    assert outcomes(tape) == {(("old", b"old"),), (("new", b"old"),)}


def test_a_file_that_was_deleted_may_come_back_until_its_folder_was_synced(tape: Tape) -> None:
    tape.unlink(tape.root / "old")
    assert outcomes(tape) == {(("old", b"old"),), ()}
    tape.sync(0)
    assert outcomes(tape) == {()}


def test_a_folder_that_is_lost_takes_with_it_what_was_synced_in_it(tape: Tape) -> None:
    folder = tape.create(tape.root / "in", folder=True)
    number = tape.create(tape.root / "in" / "new")
    tape.write(number, 0, b"x")
    tape.sync(number)
    tape.sync(folder)
    assert outcomes(tape, "dropped") == {(("old", b"old"),)}
    tape.sync(0)
    assert outcomes(tape, "dropped") == {(("in/new", b"x"), ("old", b"old"))}

"""What Python does to files is on the tape: a card that keeps all of it looks as the folder does."""

import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.power.disk import Disk
from tests.power.hands import watched
from tests.power.tape import Sync, SyncFolder, Tape


def by_pathlib(root: Path) -> None:
    (root / "in" / "deep").mkdir(parents=True)
    (root / "in" / "deep" / "text").write_text("some\nlines\n")
    (root / "in" / "deep" / "bytes").write_bytes(b"x" * 10_000)
    (root / "in" / "touched").touch()
    (root / "in" / "deep" / "text").replace(root / "in" / "deep" / "bytes")
    (root / "in" / "touched").rename(root / "in" / "moved")


def by_handles(root: Path) -> None:
    handle = os.open(root / "a", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb", buffering=0) as file:
        file.write(b"0123456789")
        file.seek(3)
        file.write(b"xy")
        file.truncate(8)
    with (root / "a").open("ab") as file:
        file.write(b"at the end")


def by_shutil(root: Path) -> None:
    by_pathlib(root)
    shutil.rmtree(root / "in" / "deep")
    (root / "in" / "moved").unlink()


def lying(folder: Path) -> dict[str, bytes | None]:
    """Everything in a folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
        if not path.name.endswith("-shm")
    }


@pytest.mark.parametrize("act", [by_pathlib, by_handles, by_shutil])
def test_a_card_that_keeps_everything_looks_as_the_folder_does(act: Callable[[Path], None], tmp_path: Path) -> None:
    root, image = tmp_path / "root", tmp_path / "image"
    root.mkdir()
    image.mkdir()
    tape = Tape(root)
    with watched(tape):
        act(root)
    disk = Disk(tape)
    for op in tape.operations():
        disk.step(op)
    disk.image("kept", random.Random(1)).build(image)
    assert lying(image) == lying(root)
    assert len(lying(root)) == len(list(root.rglob("*"))) > 0


def test_what_is_synced_is_told_apart_from_its_folder(tmp_path: Path) -> None:
    tape = Tape(tmp_path)
    with watched(tape):
        for path, flags in ((tmp_path / "a", os.O_WRONLY | os.O_CREAT), (tmp_path, os.O_RDONLY)):
            handle = os.open(path, flags)
            os.fsync(handle)
            os.close(handle)
    assert [type(op) for op in tape.operations()][1:] == [Sync, SyncFolder]


def test_what_happens_elsewhere_is_not_recorded_and_nothing_is_afterwards(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    tape = Tape(tmp_path / "root")
    with watched(tape):
        (tmp_path / "elsewhere").write_bytes(b"x")
    (tmp_path / "root" / "later").write_bytes(b"x")
    assert tape.entries == []


def test_what_would_not_be_recorded_is_refused(tmp_path: Path) -> None:
    with watched(Tape(tmp_path)), pytest.raises(NotImplementedError, match=r"os\.link is not recorded"):
        (tmp_path / "link").hardlink_to(tmp_path)


def test_a_link_comes_and_goes_with_its_name_and_says_all_of_where_it_leads(tmp_path: Path) -> None:
    tape = Tape(tmp_path)
    with watched(tape):
        (tmp_path / "new").symlink_to("b")
        (tmp_path / "new").replace(tmp_path / "current")
    disk = Disk(tape)
    for op in tape.operations():
        disk.step(op)
    (tmp_path / "image").mkdir()
    disk.image("kept", random.Random(1)).build(tmp_path / "image")
    assert (tmp_path / "image/current").readlink() == Path("b")
    assert disk.image("dropped", random.Random(1)).names == {}

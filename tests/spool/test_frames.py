"""Sealed frames as files: whole or not there, and each refusal of the card in its own sentence."""

import stat
from pathlib import Path

import pytest

from edge.errors import FullError, PartError
from edge.spool.frames import FrameFiles
from tests.spool.card import Card

SEALED = b"sealed " * 4000


def test_a_frame_is_read_back_as_it_was_written_and_is_nobody_elses_to_read(tmp_path: Path) -> None:
    files = FrameFiles(tmp_path / "frames")
    files.write("a", SEALED)
    assert files.read("a") == SEALED
    assert files.names() == {"a"}
    assert stat.S_IMODE(files.folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((files.folder / "a").stat().st_mode) == 0o600


def test_a_unit_that_never_took_a_picture_has_no_frames(tmp_path: Path) -> None:
    files = FrameFiles(tmp_path / "frames")
    assert files.names() == set()
    files.remove(["never written"])
    assert not files.folder.exists()


def test_frames_are_removed_and_a_file_that_is_gone_already_is_no_error(tmp_path: Path) -> None:
    files = FrameFiles(tmp_path / "frames")
    for name in ("a", "b", "c"):
        files.write(name, SEALED)
    files.remove(["a", "gone", "c"])
    assert files.names() == {"b"}


def test_what_a_cut_left_unfinished_is_deleted_and_a_folder_among_the_frames_is_left_alone(tmp_path: Path) -> None:
    files = FrameFiles(tmp_path / "frames")
    files.write("a", SEALED)
    (files.folder / "b.part").write_bytes(SEALED[:100])
    (files.folder / "lost+found").mkdir()
    assert files.names() == {"a"}
    assert sorted(path.name for path in files.folder.iterdir()) == ["a", "lost+found"]


def test_a_missing_picture_is_named(tmp_path: Path) -> None:
    files = FrameFiles(tmp_path)
    with pytest.raises(PartError, match=f"^picture {tmp_path}/gone: found no such file or directory; want"):
        files.read("gone")


def test_a_folder_that_cannot_be_listed_is_the_cards_trouble(tmp_path: Path) -> None:
    (tmp_path / "frames").write_bytes(b"a file where the folder should be")
    with pytest.raises(PartError, match=f"^folder {tmp_path}/frames: found not a directory"):
        FrameFiles(tmp_path / "frames").names()
    with pytest.raises(PartError, match=f"^folder {tmp_path}/frames: found file exists"):
        FrameFiles(tmp_path / "frames").write("a", SEALED)


@pytest.mark.parametrize("room_kb", [0, 8])
def test_a_frame_for_which_there_is_no_room_leaves_nothing_behind(card: Card, room_kb: int) -> None:
    files = FrameFiles(card.folder / "frames")
    files.write("a", SEALED)
    card.fill(but_kb=room_kb)
    with pytest.raises(FullError, match="frames: found no room left on the card; want some free space"):
        files.write("b", SEALED)
    assert files.names() == {"a"}
    assert files.read("a") == SEALED
    card.free()
    files.write("b", SEALED)
    assert files.read("b") == SEALED


def test_a_read_only_card_gives_its_frames_and_takes_none(card: Card) -> None:
    files = FrameFiles(card.folder / "frames")
    files.write("a", SEALED)
    card.protect()
    for refused in (lambda: files.write("b", SEALED), lambda: files.remove(["a"])):
        with pytest.raises(PartError, match="frames/[ab]: found read-only file system; want a folder") as caught:
            refused()
        assert not isinstance(caught.value, FullError)
    assert files.names() == {"a"}
    assert files.read("a") == SEALED

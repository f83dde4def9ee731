"""A file that is there is whole, and says who may read it."""

import os
import stat
from pathlib import Path

import pytest

from edge.durable import PART, make_folder, write_durably
from edge.errors import FullError, PartError
from tests.power.hands import watched
from tests.power.tape import ROOT, Names, SyncFolder, Tape


def test_what_is_written_is_there_with_exactly_the_mode_asked_for(tmp_path: Path) -> None:
    write_durably(tmp_path / "key", b"secret")
    write_durably(tmp_path / "crt", b"public", 0o644)
    assert (tmp_path / "key").read_bytes() == b"secret"
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "crt").stat().st_mode) == 0o644


def test_the_bytes_are_on_the_card_before_the_name_and_the_name_before_it_returns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def synced(handle: int) -> None:
        steps.append("sync " + Path(f"/proc/self/fd/{handle}").readlink().name)
        fsync(handle)

    def renamed(part: Path, whole: Path) -> Path:
        steps.append(f"{part.name} -> {whole.name}")
        return replace(part, whole)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "replace", renamed)
    write_durably(tmp_path / "key", b"secret")
    assert steps == ["sync key.part", "key.part -> key", f"sync {tmp_path.name}"]


def test_a_new_folders_name_is_on_the_card_before_anything_is_put_into_it(tmp_path: Path) -> None:
    tape = Tape(tmp_path)
    with watched(tape):
        make_folder(tmp_path / "state" / "frames", 0o700)
        make_folder(tmp_path / "state" / "frames", 0o700)
    made, synced, made_within, synced_within = tape.operations()
    assert (type(made), type(made_within)) == (Names, Names)
    assert (synced, synced_within) == (SyncFolder(ROOT), SyncFolder(tape.find(tmp_path / "state") or ROOT))
    assert stat.S_IMODE((tmp_path / "state" / "frames").stat().st_mode) == 0o700


def test_a_part_that_a_cut_left_behind_is_written_over_and_its_mode_is_not_kept(tmp_path: Path) -> None:
    part = tmp_path / f"key{PART}"
    part.write_bytes(b"half of something much longer")
    part.chmod(0o666)
    write_durably(tmp_path / "key", b"whole")
    assert (tmp_path / "key").read_bytes() == b"whole"
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [tmp_path / "key"]


def test_a_link_under_the_temp_name_is_not_followed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    (tmp_path / f"key{PART}").symlink_to(elsewhere)
    with pytest.raises(PartError):
        write_durably(tmp_path / "key", b"secret")
    assert not elsewhere.exists()


def test_a_missing_folder_is_the_technicians_to_mend(tmp_path: Path) -> None:
    with pytest.raises(PartError, match="no such file or directory; want a folder that can be written"):
        write_durably(tmp_path / "gone" / "key", b"secret")


def test_a_full_card_is_called_full_and_the_old_file_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_durably(tmp_path / "key", b"old")
    monkeypatch.setattr("edge.durable.os.fsync", _full)
    with pytest.raises(FullError, match="no room left"):
        write_durably(tmp_path / "key", b"new")
    assert (tmp_path / "key").read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [tmp_path / "key"]


def _full(_handle: int) -> None:
    with Path("/dev/full").open("wb", buffering=0) as full:
        full.write(b"x")

"""After a cut at any step, rows and files of the frames agree again, and nothing that can be opened was lost."""

from pathlib import Path

import pytest
from nacl.public import PrivateKey
from nacl.signing import SigningKey

from edge.errors import FullError, PartError
from edge.parts import FrameRow, Snapshot
from edge.spool.frames import FrameFiles
from edge.spool.recover import open_spool
from edge.spool.seal import Sealer, frame_name
from edge.spool.store import SqliteStore
from tests.spool.card import Card
from tests.spool.conftest import Make
from tests.spool.samples import event, put, stamp

SEALER = Sealer("door-1", bytes(PrivateKey.generate().public_key), "00", bytes(SigningKey.generate()))


def picture(number: int) -> tuple[FrameRow, bytes]:
    """A sealed frame, and the row that goes with it."""
    sealed = SEALER.seal(b"picture %d" % number, epoch="epoch-1", event=number, at=stamp(number))
    return FrameRow(frame_name(sealed), "epoch-1", number, stamp(number), len(sealed)), sealed


@pytest.fixture
def files(tmp_path: Path) -> FrameFiles:
    return FrameFiles(tmp_path / "frames")


@pytest.fixture
def store(make: Make, tmp_path: Path) -> SqliteStore:
    opened = make(tmp_path)
    opened.open()
    return opened


def reopen(store: SqliteStore, files: FrameFiles) -> Snapshot:
    """Open twice: what the first opening mended is mended on the card."""
    first = open_spool(store, files)
    store.close()
    second = open_spool(store, files)
    assert second.frames == first.frames
    return second


def test_a_row_with_its_file_stays(store: SqliteStore, files: FrameFiles) -> None:
    row, sealed = picture(1)
    files.write(row.name, sealed)
    store.commit([lambda s: s.add_frame(row)])
    assert reopen(store, files).frames == (row,)


def test_a_row_whose_file_is_gone_is_named_until_somebody_drops_it(
    store: SqliteStore, files: FrameFiles, caplog: pytest.LogCaptureFixture
) -> None:
    row, _ = picture(1)
    store.commit([lambda s: s.add_frame(row)])
    snapshot = reopen(store, files)
    assert (snapshot.frames, snapshot.gone) == ((), (row,))
    assert "1 pictures without a file, 0 without a row adopted" in caplog.text
    store.commit([lambda s: s.drop_frame(row.name)])
    assert reopen(store, files).gone == ()


def test_files_without_a_row_are_adopted_as_they_say_of_themselves_after_those_that_have_one(
    store: SqliteStore, files: FrameFiles
) -> None:
    known, late, early = picture(9), picture(3), picture(2)
    for row, sealed in (known, late, early):
        files.write(row.name, sealed)
    store.commit([lambda s: s.add_frame(known[0])])
    assert reopen(store, files).frames[0] == known[0]
    assert set(reopen(store, files).frames) == {known[0], late[0], early[0]}
    assert open_spool(store, files).backlog == 0


def test_adopted_frames_are_in_the_order_in_which_they_were_taken(store: SqliteStore, files: FrameFiles) -> None:
    pictures = [picture(number) for number in (5, 1, 4, 2, 3)]
    for row, sealed in pictures:
        files.write(row.name, sealed)
    assert [row.event for row in reopen(store, files).frames] == [1, 2, 3, 4, 5]


def test_a_file_that_nobody_could_open_is_removed_and_said_to_be(
    store: SqliteStore, files: FrameFiles, caplog: pytest.LogCaptureFixture
) -> None:
    files.write("torn", picture(1)[1][:50])
    assert reopen(store, files).frames == ()
    assert files.names() == set()
    assert "picture torn: sealed frame: found" in caplog.text


def test_a_file_that_cannot_be_read_now_is_not_deleted(
    store: SqliteStore, files: FrameFiles, caplog: pytest.LogCaptureFixture
) -> None:
    row, sealed = picture(1)
    files.write(row.name, sealed)

    class Sick(FrameFiles):
        def read(self, name: str) -> bytes:
            raise PartError(f"picture {name}", found="input/output error", wanted="its bytes", remedy="See dmesg.")

    assert open_spool(store, Sick(files.folder)).frames == ()
    assert "input/output error" in caplog.text
    assert open_spool(store, files).frames == (row,), "another start reads it"


def test_a_damaged_spool_costs_its_records_and_none_of_the_pictures(
    store: SqliteStore, files: FrameFiles, tmp_path: Path
) -> None:
    row, sealed = picture(1)
    files.write(row.name, sealed)
    store.commit([lambda s: s.add_frame(row), lambda s: s.put(1, event(1))])
    store.close()
    (tmp_path / "spool.db").write_bytes(bytes(5000))
    snapshot = reopen(store, files)
    assert snapshot.loss == str(tmp_path / "spool.db.damaged-1")
    assert (snapshot.frames, snapshot.backlog) == ((row,), 0)


def test_a_card_that_refuses_the_mending_is_told_and_mended_at_another_start(make: Make, card: Card) -> None:
    store, files = make(card.folder), FrameFiles(card.folder / "frames")
    store.open()
    put(store, 1)
    row, sealed = picture(1)
    files.write(row.name, sealed)
    store.close()
    card.fill()
    with pytest.raises(FullError):
        open_spool(store, files)
    card.free()
    assert open_spool(store, files).frames == (row,)
    store.close()
    card.protect()
    with pytest.raises(PartError, match="read-only"):
        open_spool(store, files)
    card.unprotect()
    assert open_spool(store, files).backlog == 1

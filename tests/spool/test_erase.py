"""Erasing leaves nothing of frames and records, and is finished after any cut."""

from pathlib import Path

import pytest

from edge.errors import PartError
from edge.spool.erase import MARK, Eraser
from edge.spool.frames import FrameFiles
from edge.spool.paper import Paper
from edge.spool.store import SqliteStore
from tests.spool.samples import event, put, row

CANARY = b"CANARY-that-a-frame-holds"


def laid(folder: Path) -> Eraser:
    """A spool with records and frames, a set-aside one, a term, and their eraser."""
    epochs = iter(f"epoch-{n}" for n in range(1, 99))
    store, files = SqliteStore(folder, lambda: next(epochs)), FrameFiles(folder / "frames")
    eraser = Eraser(folder, store, files)
    eraser.open()
    put(store, 1, 2, 3)
    for n in range(3):
        files.write(f"{n:064}", CANARY)
        store.commit([lambda s, n=n: s.add_frame(row(f"{n:064}"))])
    for name in ("spool.db.damaged-1", "spool.db.damaged-1-wal", "spool.db.part", "term.json.part"):
        (folder / name).write_bytes(CANARY)
    (folder / "term.json").write_bytes(b"old")
    return eraser


def counted(gone) -> dict[str, str]:
    return {"erased": "unknown" if gone is None else str(len(list(gone)))}


def test_nothing_stays_but_a_new_spool_that_knows_what_it_follows(tmp_path):
    eraser = laid(tmp_path)
    snapshot = eraser.erase(counted, {"term.json": "new"}, [event(3), event(9)])
    assert (snapshot.epoch, snapshot.backlog, snapshot.frames) == ("epoch-2", 0, ())
    assert snapshot.state["erased"] == b"4", "three on the card, one in RAM only, one both"
    assert snapshot.next_seq == 1
    assert not snapshot.loss
    assert {path.name for path in tmp_path.iterdir()} <= {
        "ballast",
        "spool.db",
        "spool.db-wal",
        "spool.db-shm",
        "term.json",
    }
    assert (tmp_path / "term.json").read_bytes() == b"new"
    for path in tmp_path.iterdir():
        assert CANARY not in path.read_bytes()
        assert b"epoch-1" not in path.read_bytes()


def test_a_mark_is_finished_before_anything_else_is_read(tmp_path):
    eraser = laid(tmp_path)
    (tmp_path / MARK).write_text('{"state": {"erased": "7"}, "files": {"term.json": ""}}')
    read = []
    eraser.before(lambda: read.append(sorted(path.name for path in tmp_path.iterdir())))()
    assert set(read[0]) - {"ballast"} == {"spool.db"}
    assert eraser.open().state["erased"] == b"7"


@pytest.mark.parametrize("garbled", [b"", b"{", b"\xff", b"[" * 100_000])
def test_a_garbled_mark_erases_all_the_same(tmp_path, garbled):
    eraser = laid(tmp_path)
    (tmp_path / MARK).write_bytes(garbled)
    assert eraser.open().backlog == 0
    assert not (tmp_path / MARK).exists()


def test_a_spool_that_cannot_be_read_is_erased_uncounted(tmp_path):
    eraser = laid(tmp_path)
    eraser._store.close()
    (tmp_path / "spool.db").write_bytes(b"no database")
    assert eraser.erase(counted, {}).state["erased"] == b"unknown"


def test_a_card_that_refuses_the_mark_erases_nothing(tmp_path):
    eraser = laid(tmp_path)
    (tmp_path / f"{MARK}.part").mkdir()
    with pytest.raises(PartError):
        eraser.erase(counted, {})
    assert eraser._store.read(0, 9)
    (tmp_path / f"{MARK}.part").rmdir()
    assert eraser.erase(counted, {}).backlog == 0


def test_a_folder_that_cannot_be_read_or_made_is_named(tmp_path):
    (tmp_path / "state").write_bytes(b"a file where a folder would be")
    paper = Paper(tmp_path / "state" / "term.json")
    for act in (paper.read, lambda: paper.write(b"{}")):
        with pytest.raises(PartError, match="state"):
            act()


def test_a_paper_that_was_never_written_is_empty_and_one_that_was_comes_back(tmp_path):
    paper = Paper(tmp_path / "state" / "term.json")
    assert paper.read() == b""
    paper.write(b"a term")
    assert paper.read() == b"a term"

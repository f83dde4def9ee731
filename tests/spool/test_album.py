"""Pictures on their way: file first, row second; within budget; and on a full card the oldest really make room."""

from pathlib import Path

import pytest

from edge.errors import FullError, PartError
from edge.sim.worker import SimWorker
from edge.spool.album import Album
from edge.spool.frames import FrameFiles
from tests.spool.card import Card
from tests.spool.conftest import Start
from tests.spool.desk import BROKEN, Desk
from tests.spool.samples import row


class Shelf:
    """An album over a real folder and a real journal; what its hooks said is in `kept`, `lost` and `refused`."""

    def __init__(self, desk: Desk, folder: Path, limit_bytes: int = 1000) -> None:
        self.desk = desk
        self.files = FrameFiles(folder / "frames")
        self.worker = SimWorker(desk.loop, at_once=True)
        self.album = Album(self.files, self.worker, desk.journal, limit_bytes)
        self.kept: list[str] = []
        self.lost: list[str] = []
        self.refused: list[Exception] = []
        self.album.on_kept = lambda frame: self.kept.append(frame.name)
        self.album.on_lost = lambda rows: self.lost.extend(frame.name for frame in rows)

    def keep(self, name: str, size_bytes: int = 100) -> None:
        self.album.keep(row(name, size_bytes), b"x" * size_bytes, self.refused.append)
        self.desk.loop.turn()

    def names(self) -> list[str]:
        return [frame.name for frame in self.album.rows()]

    def rows_on_card(self) -> list[str]:
        db = self.desk.store._connection()
        return [name for (name,) in db.execute("SELECT name FROM frame ORDER BY n")]


@pytest.fixture
def shelf(start: Start, tmp_path: Path) -> Shelf:
    desk = start()
    desk.open()
    return Shelf(desk, tmp_path)


def test_a_frame_counts_once_its_file_is_on_the_card_and_then_its_row_follows(shelf: Shelf) -> None:
    shelf.worker.at_once = False
    shelf.keep("a")
    assert (shelf.kept, shelf.names(), shelf.rows_on_card()) == ([], [], [])
    shelf.worker.step()
    shelf.desk.worker.at_once = False
    shelf.desk.loop.turn()
    assert (shelf.kept, shelf.names(), shelf.rows_on_card()) == (["a"], ["a"], [])
    assert shelf.files.names() == {"a"}
    shelf.desk.worker.run()
    assert shelf.rows_on_card() == ["a"]


def test_a_delivered_frame_loses_its_row_first_and_its_file_second(shelf: Shelf) -> None:
    shelf.keep("a")
    shelf.desk.worker.at_once = False
    shelf.album.forget("a")
    shelf.desk.loop.turn()
    assert (shelf.names(), shelf.files.names(), shelf.rows_on_card()) == ([], {"a"}, ["a"])
    shelf.desk.worker.run()
    assert (shelf.files.names(), shelf.rows_on_card()) == ({"a"}, [])
    shelf.desk.loop.turn()
    assert shelf.files.names() == set()
    assert shelf.lost == []


def test_forgetting_twice_or_what_was_never_here_does_nothing(shelf: Shelf) -> None:
    shelf.keep("a")
    commits = shelf.desk.journal.commits
    for name in ("a", "a", "b"):
        shelf.album.forget(name)
        shelf.desk.loop.turn()
    assert shelf.desk.journal.commits == commits + 1


def test_frames_are_read_back_oldest_first_and_one_that_is_gone_is_refused(shelf: Shelf) -> None:
    for name in ("b", "a", "c"):
        shelf.keep(name)
    assert shelf.names() == ["b", "a", "c"]
    assert len(shelf.album) == 3
    read: list[bytes] = []
    shelf.album.read("a", read.append, shelf.refused.append)
    shelf.files.remove(["b"])
    shelf.album.read("b", read.append, shelf.refused.append)
    shelf.desk.loop.turn()
    assert read == [b"x" * 100]
    assert isinstance(shelf.refused[0], PartError)


def test_what_the_spool_holds_comes_before_what_was_taken_since(shelf: Shelf) -> None:
    shelf.keep("new")
    shelf.album.adopt((row("old"), row("older"), row("new")))
    assert shelf.names() == ["old", "older", "new"]


def test_beyond_its_budget_the_oldest_frames_go_counted(shelf: Shelf) -> None:
    for number in range(12):
        shelf.keep(str(number))
    assert shelf.lost == ["0", "1"]
    assert shelf.names() == shelf.rows_on_card() == [str(number) for number in range(2, 12)]
    assert shelf.files.names() == set(shelf.names())


def test_a_frame_larger_than_the_budget_drives_out_all_and_then_goes_itself(shelf: Shelf) -> None:
    shelf.keep("small")
    shelf.keep("huge", 1001)
    assert shelf.lost == ["small", "huge"]
    assert shelf.names() == []
    assert shelf.files.names() == set()


def test_a_card_that_refuses_a_frame_is_told_and_evicts_nothing(shelf: Shelf) -> None:
    shelf.keep("a")
    shelf.worker.fault = BROKEN
    shelf.keep("b")
    assert shelf.refused == [BROKEN]
    assert (shelf.names(), shelf.kept, shelf.lost) == (["a"], ["a"], [])


def test_a_file_that_cannot_be_removed_is_named_and_stops_nothing(
    shelf: Shelf, caplog: pytest.LogCaptureFixture
) -> None:
    shelf.keep("a")
    shelf.worker.fault = BROKEN
    shelf.album.forget("a")
    shelf.desk.loop.turn()
    assert "spool: a picture's file stays: spool: found a card that says no" in caplog.text
    assert shelf.desk.loop.faults == 0


def on_full_card(start: Start, card: Card, count: int) -> Shelf:
    """A card with `count` frames of 8 kB, and not a block of room."""
    desk = start(folder=card.folder)
    desk.open()
    shelf = Shelf(desk, card.folder, limit_bytes=10_000_000)
    for number in range(count):
        shelf.keep(f"{number:02}", 8192)
    assert shelf.refused == []
    card.fill()
    return shelf


def test_a_frame_for_which_the_card_is_full_drives_out_the_oldest_tenth(start: Start, card: Card) -> None:
    shelf = on_full_card(start, card, 20)
    shelf.keep("new", 8192)
    assert isinstance(shelf.refused[0], FullError)
    assert shelf.lost == ["00", "01"]
    assert shelf.files.names() == set(shelf.names()) == {f"{number:02}" for number in range(2, 20)}
    while shelf.kept[-1] != "newer":  # until there is room beside the records' own
        assert shelf.names()
        shelf.keep("newer", 8192)
    assert shelf.lost == [f"{number:02}" for number in range(len(shelf.lost))]
    assert shelf.files.names() == set(shelf.names())


def test_on_a_full_card_pictures_make_room_for_records_even_while_no_row_can_be_written(
    start: Start, card: Card
) -> None:
    shelf = on_full_card(start, card, 20)
    shelf.desk.journal.on_trouble = lambda err: shelf.album.shed() if isinstance(err, FullError) else None
    shelf.desk.put()
    keys = [shelf.desk.put() for _ in range(300)]
    assert shelf.lost != []
    shelf.desk.live(1200)
    assert set(keys) <= set(shelf.desk.on_card()), "nobody took the filler away"
    assert shelf.rows_on_card() == shelf.names()
    assert shelf.files.names() == set(shelf.names())
    assert sorted([*shelf.lost, *shelf.names()]) == [f"{number:02}" for number in range(20)]


def test_a_cut_after_a_file_made_room_and_before_its_row_went_leaves_no_row(start: Start, card: Card) -> None:
    shelf = on_full_card(start, card, 10)
    shelf.desk.worker.at_once = False
    shelf.album.shed()
    shelf.desk.loop.turn()
    assert "00" in shelf.rows_on_card()
    assert "00" not in shelf.files.names()
    assert shelf.names() == [f"{number:02}" for number in range(1, 10)]


def test_an_empty_album_has_nothing_to_shed(shelf: Shelf) -> None:
    shelf.album.shed()
    assert shelf.lost == []

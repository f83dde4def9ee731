"""The black box knows how each life ended, stays small, is written seldom, and holds nothing of the door."""

from collections.abc import Callable
from pathlib import Path

import pytest

from edge.clock import FLOOR_NS, SECOND, Quality
from edge.errors import PartError
from edge.loop import Loop
from edge.sim.time import SimClock, live
from edge.sim.worker import SimWorker
from edge.spool.blackbox import ERRORS, EVERY_NS, MAX_BYTES, NAME, STARTS, BlackBox, Box, read


class Life:
    """One run of the agent, as far as its box knows."""

    def __init__(self, folder: Path, boot: str) -> None:
        self.clock = SimClock(boot=boot, wall_ns=FLOOR_NS, quality=Quality.SYNCED)
        self.loop = Loop(self.clock.now)
        self.box = BlackBox(folder, "1.0", SimWorker(self.loop, at_once=True), self.loop, self.clock)
        self.box.start()
        self.live(0)

    def live(self, seconds: float) -> None:
        live(self.loop, self.clock, int(seconds * SECOND))

    def stop(self) -> None:
        self.box.stop()
        self.live(0)


@pytest.fixture
def begin(tmp_path: Path) -> Callable[[str], Life]:
    return lambda boot: Life(tmp_path, boot)


def test_each_start_tells_how_the_life_before_ended(begin, tmp_path: Path):
    begin("b1").stop()
    begin("b1")
    begin("b1")
    begin("b2").stop()
    box = read(tmp_path)
    assert [start.after for start in box.starts] == ["first", "stopped", "crashed", "cut"]
    assert box.abnormal == box.starts[3]
    assert box.count == {"first": 1, "stopped": 1, "crashed": 1, "cut": 1}
    assert box.running is False


def test_errors_are_counted_and_written_once_in_ten_minutes_at_most(begin, tmp_path: Path):
    life = begin("b1")
    path, writes = tmp_path / NAME, []
    for _ in range(30):
        life.box.wrong("link.network", life.clock.now())
        life.live(60)
        writes.append(path.stat().st_ino)  # each write is a new file
    assert len(set(writes)) <= 1 + 30 * 60 * SECOND // EVERY_NS
    life.stop()
    assert read(tmp_path).errors["link.network"].count == 30


def test_what_a_movement_of_the_door_may_set_is_not_kept(begin, tmp_path: Path):
    life = begin("b1")
    life.box.wrong("contact.chatter", life.clock.now())
    life.stop()
    assert read(tmp_path).errors == {}


def test_it_stays_small_however_much_happens(begin, tmp_path: Path):
    for n in range(STARTS + 5):
        life = begin(f"boot-{n}" * 30)
    for n in range(ERRORS + 50):
        life.box.wrong(f"code.{n}" + "x" * 40, life.clock.now())
    life.stop()
    box = read(tmp_path)
    assert (len(box.starts), len(box.errors)) == (STARTS, ERRORS)
    assert (tmp_path / NAME).stat().st_size < MAX_BYTES


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"[]", b"\xff", b"17", b"[" * 5000, b" " * (MAX_BYTES + 1), b'{"starts": 3}']
)
def test_a_box_that_is_garbled_begins_anew(begin, tmp_path: Path, raw: bytes):
    (tmp_path / NAME).write_bytes(raw)
    assert read(tmp_path) is None
    begin("b1").stop()
    assert [start.after for start in read(tmp_path).starts] == ["first"]


def test_a_card_that_refuses_costs_nothing_else(begin, tmp_path: Path):
    (tmp_path / NAME).mkdir()
    with pytest.raises(PartError, match="is a directory"):
        read(tmp_path)
    life = begin("b1")
    life.box.wrong("link.network", life.clock.now())
    life.stop()
    assert life.loop.faults == 0


def test_without_a_box_there_is_none(tmp_path: Path):
    assert read(tmp_path) is None
    assert Box().starts == []

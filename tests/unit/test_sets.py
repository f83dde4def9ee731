"""An opening during whose pictures the unit is cut off: the next start tells which pictures it has, once."""

import sqlite3

import msgspec
import pytest

from edge.clock import Quality, Stamp
from edge.errors import CorruptError, LinkError
from edge.parts import FrameRow
from edge.records import FrameRef
from edge.unit import sets
from tests.unit.rig import Rig

GONE = LinkError("station", found="silence", wanted="an answer", remedy="Wait.")
DAMAGED = CorruptError("spool", found="damage", wanted="what was written", remedy="It is set aside.")


class LateRig(Rig):
    """One whose card does nothing but what it is told to."""

    def _worker(self, name):
        worker = super()._worker(name)
        worker.at_once = name != "card"
        return worker


def film(rig, seconds):
    """The camera at work, two pictures a second."""
    for _ in range(int(seconds * 2)):
        rig.frame()
        rig.live(0.5)


def open_door(rig):
    rig.play("bounce", closed=False)
    rig.live(0.1)


def restart(start):
    rig = start(camera=True, closed=False)
    rig.live(2)
    return rig


def begun(folder):
    """What the card says of sets that are not closed."""
    with sqlite3.connect(f"file:{folder / 'spool.db'}?mode=ro", uri=True) as db:
        rows = db.execute("SELECT value FROM meta WHERE key = ?", (sets.STATE,)).fetchall()
    db.close()
    return [sets.unpack(value) for (value,) in rows]


@pytest.fixture
def rig(start):
    rig = start(camera=True)
    film(rig, 5)
    return rig


def test_an_opening_that_is_cut_off_has_a_set_that_names_every_picture_that_was_delivered(start, rig):
    open_door(rig)
    film(rig, 2)
    (opened,) = [r for r in rig.records() if r["change"] == "opened"]
    assert rig.records("frames") == []
    (told,) = restart(start).records("frames")
    assert (told["event"], told["of"]) == (opened["seq"], opened["epoch"])
    assert sorted(f["name"] for f in told["frames"]) == sorted(rig.post.took)
    assert len(rig.post.took) > 5
    times = [f["boot_ns"] for f in told["frames"]]
    assert times == sorted(times)
    assert told["missing"] == sets.CUT_OFF


def test_pictures_that_still_wait_are_named_too_and_arrive(start, rig):
    open_door(rig)
    rig.post.fault = GONE
    film(rig, 2)
    waiting = rig.unit.pulse([])["frames_waiting"]
    delivered = list(rig.post.took)
    assert waiting > 2
    again = restart(start)
    (told,) = again.records("frames")
    assert {f["name"] for f in told["frames"]} == {*delivered, *again.post.took}
    assert len(again.post.took) == waiting


def test_an_opening_that_is_cut_off_before_its_first_picture_was_kept_has_a_set_of_none(start, rig):
    rig.workers["darkroom"].at_once = False
    open_door(rig)
    (told,) = restart(start).records("frames")
    assert told.get("frames", []) == []
    assert told["missing"] == sets.CUT_OFF


def test_a_unit_that_is_stopped_meanwhile_says_so(start, rig):
    open_door(rig)
    film(rig, 1)
    rig.stop()
    (told,) = restart(start).records("frames")
    assert told["missing"] == sets.STOPPED


def test_each_of_several_openings_has_a_set_of_its_own(start, rig):
    for closed in (False, True, False):
        rig.play("clean", closed=closed)
        rig.live(0.3)
    rig.frame()
    opened = [(r["epoch"], r["seq"]) for r in rig.records() if r["change"] == "opened"]
    again = restart(start)
    told = again.records("frames")
    assert len(opened) == 2
    assert [(r["of"], r["event"]) for r in told] == opened
    assert all(r["frames"] for r in told)


def test_it_is_told_once_however_often_the_unit_starts(start, rig, tmp_path):
    open_door(rig)
    assert begun(tmp_path)[0] != {}
    assert len(restart(start).records("frames")) == 1
    assert begun(tmp_path) == [{}]
    assert restart(start).records("frames") == []


def test_a_start_that_is_cut_off_while_it_closes_sets_leaves_them_to_the_next(start, rig, tmp_path, clock):
    open_door(rig)
    cut = Rig(tmp_path, clock, camera=True, closed=False)
    cut.workers["card"].at_once = False
    cut.loop.turn()
    assert len(cut.workers["card"]) > 0, "what it recorded is not on the card"
    assert begun(tmp_path)[0] != {}
    (told,) = restart(start).records("frames")
    assert len(told["frames"]) == len(rig.post.took)


def test_a_set_that_was_told_in_time_is_not_told_again(start, rig, tmp_path):
    open_door(rig)
    film(rig, 7)
    assert len(rig.records("frames")) == 1
    assert begun(tmp_path) == [{}]
    assert restart(start).records("frames") == []


def test_after_an_erase_nothing_of_it_remains(start, rig, tmp_path):
    open_door(rig)
    rig.workers["darkroom"].at_once = False
    rig.frame()
    assert rig.obey(rig.command("erase"))["done"]
    rig.live(1)
    rig.workers["darkroom"].run()
    rig.live(7)
    assert rig.records("frames") == []
    assert begun(tmp_path) == []
    again = start(camera=True, closed=False)
    again.live(2)
    assert again.records("frames") == []


def test_an_older_spool_that_has_no_such_state_starts_as_before(start, rig, tmp_path):
    open_door(rig)
    rig.stop()
    with sqlite3.connect(tmp_path / "spool.db") as db:
        db.execute("DELETE FROM meta WHERE key = ?", (sets.STATE,))
    db.close()
    again = restart(start)
    assert again.records("frames") == []
    assert again.changes() == ["found"]
    assert again.loop.faults == 0


def test_a_unit_whose_camera_was_taken_away_meanwhile_still_closes_the_set(start, rig):
    open_door(rig)
    again = start(closed=False)
    again.live(2)
    assert len(again.records("frames")) == 1


def test_a_unit_without_a_camera_remembers_nothing_of_pictures(start, tmp_path):
    rig = start()
    open_door(rig)
    rig.live(1)
    assert begun(tmp_path) == []


@pytest.mark.parametrize("raw", [b"{", b"7", b"[7]", b'[["e"]]', b'[["e","7",[]]]', b"[" * 5000, b"\xff"])
def test_a_state_that_makes_no_sense_is_told_of_no_set_and_keeps_no_unit_from_its_door(start, rig, tmp_path, raw):
    rig.stop()
    with sqlite3.connect(tmp_path / "spool.db") as db:
        db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (sets.STATE, raw))
    db.close()
    again = restart(start)
    assert again.records("frames") == []
    assert again.changes() == ["opened"]
    assert again.loop.faults == 0


def test_a_card_that_answers_late_has_earlier_sets_closed_and_this_runs_own_remembered(start, rig, tmp_path, clock):
    open_door(rig)
    before = list(rig.post.took)
    late = LateRig(tmp_path, clock, camera=True)
    late.link.accept()
    late.workers["card"].step()  # the term; the spool does not answer
    film(late, 3)
    open_door(late)
    (found,) = [r for r in late.records() if r["change"] == "opened"]
    late.workers["card"].at_once = True
    late.workers["card"].run()
    late.live(0.1)
    (told,) = {(r["epoch"], r["seq"]): r for r in late.records("frames")}.values()
    assert [f["name"] for f in told["frames"]] == before
    assert list(begun(tmp_path)[0]) == [(found["epoch"], found["seq"])]
    again = restart(start)
    (told,) = [r for r in again.records("frames") if r["of"] == found["epoch"]]
    assert sorted(f["name"] for f in told["frames"]) == sorted(late.post.took)


def test_a_spool_that_is_damaged_meanwhile_costs_no_set_and_doubles_none(start, rig, tmp_path):
    open_door(rig)
    rig.workers["card"].fault = DAMAGED
    rig.frame()
    rig.live(0.1)
    rig.workers["card"].fault = None
    film(rig, 2)
    assert begun(tmp_path)[0] != {}, "the new spool remembers it too"
    film(rig, 7)
    assert len(rig.records("frames")) == 1
    assert restart(start).records("frames") == []


def test_to_remember_it_costs_no_commit_more_than_the_opening_its_pictures_and_their_receipts(rig):
    film(rig, 1)
    rig.post.fault, rig.platform = GONE, False
    before = rig.unit._c.journal.commits
    open_door(rig)
    film(rig, 8)
    (told,) = rig.records("frames")
    rows = len(told["frames"])
    assert rows > 10
    assert rig.unit._c.journal.commits - before <= 1 + rows, "the set goes with its last picture's row"


def test_a_picture_whose_row_was_written_only_at_the_start_is_named_once_and_in_its_place():
    def row(name, boot_ns, event=7):
        return FrameRow(name, "e", event, Stamp("b", boot_ns, 0, Quality.SYNCED, 1), 10)

    refs = [FrameRef("b", 10, 20), FrameRef("d", 10, 40)]
    found = sets.completed(refs, ("e", 7), [row("c", 30), row("a", 10), row("b", 20), row("x", 5, event=8)])
    assert [ref.name for ref in found] == ["a", "b", "c", "d"]


def test_what_is_remembered_reads_back_as_it_was_and_is_small():
    refs = [FrameRef("f" * 64, 40_000, n * 10**9) for n in range(16)]
    raw = sets.pack({("epoch", 7): refs, ("epoch", 9): []})
    assert sets.unpack(raw) == {("epoch", 7): refs, ("epoch", 9): []}
    assert len(raw) < 1600, "one page of the card"
    assert sets.pack({}) == b""
    assert sets.unpack(b"") == {}
    assert msgspec.json.decode(raw)[1] == ["epoch", 9, []]

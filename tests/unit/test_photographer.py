"""Pictures of an opening: before and after it, sealed and named; a camera that fails costs pictures, never an event."""

import pytest

from edge.errors import LinkError, PartError

NO_CAMERA = PartError("camera", found="none", wanted="a camera", remedy="Look at the ribbon.")
GONE = LinkError("station", found="silence", wanted="an answer", remedy="Wait.")


def film(rig, seconds):
    """The camera at work, two pictures a second."""
    for _ in range(int(seconds * 2)):
        rig.frame()
        rig.live(0.5)


def open_door(rig):
    rig.play("bounce", closed=False)
    rig.live(0.1)


@pytest.fixture
def rig(start):
    rig = start(camera=True)
    film(rig, 5)
    return rig


def test_pictures_from_before_and_after_the_opening_are_named_by_its_frame_set(rig):
    open_door(rig)
    film(rig, 7)
    (frames,) = rig.records("frames")
    opened = rig.records()[-1]
    assert (frames["event"], frames["of"]) == (opened["seq"], opened["epoch"])
    times = [(f["boot_ns"] - opened["at"]["boot_ns"]) / 1e9 for f in frames["frames"]]
    assert times == sorted(times)
    assert min(times) >= -2
    assert max(times) <= 5
    assert len([t for t in times if t < 0]) >= 3
    assert len([t for t in times if t > 0]) >= 8
    assert "missing" not in frames


def test_the_pictures_from_before_leave_at_once_and_not_after_the_last_one(rig):
    open_door(rig)
    assert len(rig.post.took) >= 3
    assert rig.records("frames") == []


def test_every_picture_is_delivered_once_and_then_gone_from_the_card(rig, tmp_path):
    open_door(rig)
    film(rig, 7)
    (frames,) = rig.records("frames")
    assert sorted(rig.post.took) == sorted(f["name"] for f in frames["frames"])
    assert list((tmp_path / "frames").iterdir()) == []


def test_pictures_wait_on_the_card_while_the_station_cannot_take_them(rig, tmp_path):
    rig.post.fault = GONE
    open_door(rig)
    film(rig, 75)
    assert len(list((tmp_path / "frames").iterdir())) == rig.unit.pulse([])["frames_waiting"] > 8
    assert "frames.waiting" in [w["code"] for w in rig.unit.pulse([])["warnings"]]
    rig.post.fault = None
    film(rig, 70)
    assert rig.unit.pulse([])["frames_waiting"] == 0
    assert rig.unit.pulse([])["warnings"] == []


def test_pictures_of_a_run_that_was_cut_are_delivered_by_the_next(start, rig):
    rig.post.fault = GONE
    open_door(rig)
    film(rig, 7)
    waiting = rig.unit.pulse([])["frames_waiting"]
    rig = start(camera=True, closed=False)
    rig.live(2)
    assert len(rig.post.took) == waiting


def test_an_opening_without_a_camera_is_an_event_and_a_frame_set_that_says_why(start):
    rig = start(camera=True)
    rig.fail_camera(NO_CAMERA)
    open_door(rig)
    rig.live(10)
    assert rig.changes() == ["found", "opened"]
    (frames,) = rig.records("frames")
    assert frames.get("frames", []) == []
    assert frames["missing"] == str(NO_CAMERA)
    assert rig.sent("state")[-1]["camera"] == "failed"
    assert [w["code"] for w in rig.unit.pulse([])["warnings"]] == ["camera.failed"]


def test_a_camera_that_hangs_is_noticed_and_costs_no_event(rig):
    rig.live(10)
    assert [w["code"] for w in rig.unit.pulse([])["warnings"]] == ["camera.stalled"]
    open_door(rig)
    rig.live(10)
    assert rig.changes() == ["found", "opened"]
    assert rig.records("frames")[-1]["missing"] == "the camera gave no picture in time"
    film(rig, 1)
    assert rig.unit.pulse([])["warnings"] == []


def test_a_card_that_takes_no_picture_is_named_in_the_frame_set(rig):
    rig.workers["frames"].fault = PartError("card", found="full", wanted="room", remedy="Change it.")
    open_door(rig)
    film(rig, 7)
    (frames,) = rig.records("frames")
    assert "card: found full" in frames["missing"]
    assert rig.changes() == ["found", "opened"]


def test_a_card_that_takes_no_picture_is_called_so_until_it_takes_one_again(rig):
    rig.workers["frames"].fault = PartError("card", found="full", wanted="room", remedy="Change it.")
    open_door(rig)
    film(rig, 40)
    assert [w["code"] for w in rig.unit.pulse([])["warnings"]] == ["frames.unkept"]
    rig.workers["frames"].fault = None
    film(rig, 31)
    assert rig.unit.pulse([])["warnings"] == [], "a trial says so: the door may stay shut for days"


def test_a_picture_that_cannot_be_read_is_counted_as_gone(rig, tmp_path):
    rig.post.fault = GONE
    open_door(rig)
    film(rig, 7)
    waiting = sorted((tmp_path / "frames").iterdir())
    waiting[0].unlink()
    rig.post.fault = None
    film(rig, 31)
    (gap,) = rig.records("gap")
    assert (gap["reason"], gap["frames"]) == ("corrupt", 1)
    assert len(rig.post.took) == len(waiting) - 1
    film(rig, 31)
    assert rig.unit.pulse([])["warnings"] == []


def test_a_fault_of_our_own_at_a_picture_still_has_its_set_told(rig):
    rig.workers["darkroom"].fault = ZeroDivisionError("ours")
    open_door(rig)
    film(rig, 7)
    (frames,) = rig.records("frames")
    assert frames["missing"] == "ours"
    assert "loop.fault" in [w["code"] for w in rig.unit.pulse([])["warnings"]]


def test_pictures_over_the_budget_push_out_the_oldest_and_are_counted(start, tmp_path):
    rig = start(camera=True, settings={"spool": {"frames_mb": 1}})
    rig.post.fault = GONE
    rig.seal_size = 200_000
    film(rig, 3)
    open_door(rig)
    film(rig, 8)
    assert sum(f.stat().st_size for f in (tmp_path / "frames").iterdir()) <= 1_000_000
    gaps = rig.records("gap")
    assert gaps
    assert {gap["reason"] for gap in gaps} == {"full"}
    (frames,) = rig.records("frames")
    kept = len(list((tmp_path / "frames").iterdir()))
    assert sum(gap["frames"] for gap in gaps) + kept == len(frames["frames"])


def test_pictures_whose_files_are_gone_when_the_unit_starts_are_counted_once(start, rig, tmp_path):
    rig.post.fault = GONE
    open_door(rig)
    film(rig, 7)
    first, second, *rest = sorted((tmp_path / "frames").iterdir())
    first.unlink()
    second.unlink()
    rig = start(camera=True, closed=False)
    rig.live(2)
    assert [(gap["reason"], gap["frames"]) for gap in rig.records("gap")] == [("corrupt", 2)]
    assert sorted(rig.post.took) == [path.name for path in rest]
    rig = start(camera=True, closed=False)
    assert rig.records("gap") == []


def test_a_unit_without_a_camera_takes_and_tells_of_no_pictures(start):
    rig = start()
    open_door(rig)
    rig.live(10)
    assert rig.records("frames") == []
    assert rig.sent("state")[-1]["camera"] == "none"

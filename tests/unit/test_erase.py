"""What a unit erases is counted, signed and told, and nothing that was on its way comes after it."""

import base64

import msgspec

from edge import wire
from edge.door.term import Phase
from edge.errors import LinkError, PartError
from edge.records import Audit
from tests.unit.rig import UNIT, sign
from tests.unit.test_phones import SETTINGS, Group

BROKEN = PartError("card", found="broken", wanted="whole", remedy="Change it.")


def pictured(start, **options):
    """A unit with a camera, an opening and its pictures, and a platform that holds none of it."""
    rig = start(camera=True, term=14, **options)
    rig.platform, rig.post.fault = False, PartError("post", found="nobody", wanted="somebody", remedy="Wait.")
    rig.play("clean", closed=False)
    rig.live(0.1)
    for _ in range(8):
        rig.frame()
        rig.live(1)
    return rig


def deliver(rig):
    rig.platform = True
    rig.link.accept()
    rig.live(10)


def test_erasing_by_command_counts_what_was_not_delivered_and_signs_for_it(start, tmp_path):
    rig = pictured(start)
    frames = len(rig.unit._c.album)
    assert frames > 2
    epoch = rig.unit._c.journal.epoch
    assert rig.obey(rig.command("erase", id_="e1"))["done"]
    deliver(rig)
    erased = msgspec.convert(rig.records("audit")[-1], Audit)
    assert (erased.what, erased.by, erased.of) == ("erased", "e1", epoch)
    assert (erased.epoch != epoch, erased.seq) == (True, 1), "the first record of a new epoch"
    assert erased.detail == {"records": 2, "frames": frames}, "the opening and its set of pictures"
    unsigned = msgspec.structs.replace(erased, signature="")
    assert base64.b64decode(erased.signature) == sign(wire.testimony(UNIT, unsigned))
    assert sum(gap.get("frames", 0) for gap in rig.records("gap") if gap["reason"] == "erased") % frames == 0
    assert not (tmp_path / "frames").exists() or not list((tmp_path / "frames").iterdir())
    assert len(rig.unit._c.album) == 0
    assert rig.sent("state")[-1]["phase"] == "idle"
    assert rig.unit._c.journal.backlog == 0


def test_a_changed_testimony_is_another(start):
    rig = pictured(start)
    rig.obey(rig.command("erase", id_="e1"))
    deliver(rig)
    erased = msgspec.convert(rig.records("audit")[-1], Audit)
    lines = wire.testimony(UNIT, erased)
    for change in ({"by": "x"}, {"of": "x"}, {"seq": 2}, {"detail": {**erased.detail, "frames": 0}}):
        assert wire.testimony(UNIT, msgspec.structs.replace(erased, **change)) != lines
    assert wire.testimony("door-2", erased) != lines


def test_pictures_that_are_being_sealed_when_all_is_erased_go_nowhere(start, tmp_path):
    rig = start(camera=True, term=14)
    rig.post.fault = BROKEN
    rig.play("clean", closed=False)
    rig.live(0.1)
    rig.workers["darkroom"].at_once = False
    rig.frame()
    assert len(rig.workers["darkroom"])
    assert rig.obey(rig.command("erase"))["done"]
    rig.live(1)
    rig.workers["darkroom"].run()
    rig.live(10)
    assert rig.records("frames") == []
    assert len(rig.unit._c.album) == 0
    assert not list(tmp_path.glob("frames/*"))


def test_a_picture_that_waits_for_the_phones_is_erased_with_the_rest(start):
    group = Group()
    rig = start(camera=True, term=14, settings=SETTINGS, phone=lambda _: group)
    side = rig.workers["phones.wecom.pictures"]
    side.fault = LinkError("robot", found="no", wanted="yes", remedy="Wait.")
    rig.play("clean", closed=False)
    rig.live(0.1)
    rig.frame()
    rig.live(0.5)
    assert rig.obey(rig.command("erase"))["done"]
    side.fault = None
    rig.live(120)
    assert (group.pictures, len(group.texts)) == (0, 1)


def test_the_pictures_of_an_opening_at_the_very_end_are_still_delivered(start):
    rig = start(camera=True, term=14)
    rig.play("clean", closed=False)
    rig.live(0.1)
    rig.frame()
    rig.live(0.1)
    assert rig.obey(rig.command("end"))["done"]
    rig.live(20)
    (pictures,) = rig.records("frames")
    assert pictures["missing"] == "the term ended"
    assert len(rig.post.took) == len(pictures["frames"]) == 1
    erased = rig.records("audit")[-1]
    assert (erased["what"], erased["detail"]) == ("erased", {"records": 0, "frames": 0})
    assert [gap for gap in rig.records("gap") if gap["reason"] == "erased"] == []


def test_an_erasing_on_a_card_that_refuses_is_done_when_it_takes_writing_again(start):
    rig = pictured(start)
    rig.workers["card"].at_once = False
    rig.link.say(wire.topic(UNIT, "command"), rig.command("erase", id_="e1"))
    rig.live(0.1)
    rig.workers["card"].step()  # its id is on the card
    rig.workers["card"].fault, rig.workers["card"].at_once = BROKEN, True
    rig.workers["card"].run()
    rig.live(1)
    assert rig.unit._c.warden.erasing
    reply = rig.obey(rig.command("erase", id_="e2"))
    assert reply is None or not reply["done"]
    rig.workers["card"].fault = None
    rig.live(60)
    deliver(rig)
    assert rig.records("audit")[-1]["what"] == "erased"
    assert rig.unit._c.warden.term.phase is Phase.IDLE


def test_what_is_recorded_while_it_erases_is_told_after_it(start):
    rig = pictured(start)
    card = rig.workers["card"]
    rig.link.say(wire.topic(UNIT, "command"), rig.command("erase", id_="e1"))
    card.at_once = False
    rig.live(0.2)
    rig.unit._c.recorder.audit("tried", "test", {})
    card.at_once = True
    card.run()
    rig.live(1)
    deliver(rig)
    told = {(r["epoch"], r["seq"]): r["what"] for r in rig.records("audit")}
    assert sorted(told.values()) == ["erased", "tried"]
    assert rig.unit._c.journal.backlog == 0


def test_a_unit_that_is_cut_off_while_it_erases_tells_it_at_its_next_start(start, clock, tmp_path):
    rig = pictured(start)
    state = {"erased": '{"by":"e1","of":"old","records":5,"frames":7}'}
    (tmp_path / "erasing.json").write_bytes(msgspec.json.encode({"state": state, "files": {"term.json": ""}}))
    clock.reboot("boot-2")
    rig = start(term=None, camera=True)
    erased = rig.records("audit")[0]
    assert (erased["what"], erased["of"], erased["detail"]) == ("erased", "old", {"records": 5, "frames": 7})
    assert rig.sent("state")[-1]["armed"] is False
    rig = start(term=None)
    assert rig.records("audit") == [], "told once"

"""Nothing unsigned, stale or replayed changes what a unit does, whoever holds the broker."""

import json

import pytest

from edge import wire
from edge.clock import Quality
from edge.errors import CorruptError, PartError
from edge.sim.worker import SimWorker
from edge.uplink.commands import LOOKED_AT
from tests.unit.rig import UNIT, Rig, sign

DAMAGED = CorruptError("spool", found="damage", wanted="what was written there", remedy="It is set aside.")


class LateCard(Rig):
    """A unit whose card hangs from its first moment."""

    def _worker(self, name: str) -> SimWorker:
        return self.workers.setdefault(name, SimWorker(self.loop, at_once=name != "card"))


def test_a_signed_command_is_done_and_answered_by_its_id(start):
    rig = start()
    pulses = len(rig.sent("pulse"))
    assert rig.obey(rig.command("pulse", id_="c7")) == {"id": "c7", "done": True, "said": "pulse sent"}
    assert len(rig.sent("pulse")) == pulses + 1


def test_a_command_that_comes_again_is_not_done_again_not_even_after_a_restart(start):
    rig = start()
    order = rig.command("pulse")
    assert rig.obey(order)["done"]
    again = rig.obey(order)
    assert (again["done"], again["said"]) == (False, "it was done already")
    rig = start()  # cut, not stopped
    again = rig.obey(order)
    assert (again["done"], again["said"]) == (False, "it was done already")


@pytest.mark.parametrize(
    ("wish", "why"),
    [
        ({"early_s": 4000, "life_s": 3600}, "it expired at"),
        ({"early_s": -60}, "it is not valid before"),
        ({"unit": "door-2"}, "it is for door-2"),
        ({"life_s": 8 * 86_400}, "more than seven days"),
    ],
)
def test_a_command_outside_its_time_or_for_another_is_refused_with_the_reason(start, wish, why):
    rig = start()
    pulses = len(rig.sent("pulse"))
    reply = rig.obey(rig.command("pulse", **wish))
    assert reply["done"] is False
    assert why in reply["said"]
    assert len(rig.sent("pulse")) == pulses


def test_an_unknown_verb_is_refused_with_those_that_are_known(start):
    rig = start()
    reply = rig.obey(rig.command("open-the-door"))
    assert (reply["done"], reply["said"]) == (
        False,
        "want one of end, erase, identify, mounted, pulse, resend, term, visit",
    )


@pytest.mark.parametrize("quality", [Quality.UNSYNCED, Quality.RESTORED])
def test_a_unit_that_does_not_know_the_time_does_not_judge_what_is_stale(start, clock, quality):
    clock.quality = quality
    rig = start()
    reply = rig.obey(rig.command("pulse"))
    assert reply["done"] is False
    assert f"clock is {quality}" in reply["said"]


def tampered(payload: bytes) -> bytes:
    signed = json.loads(payload)
    signed["command"] = signed["command"].replace("pulse", "resend")
    return json.dumps(signed).encode()


def unsigned(payload: bytes) -> bytes:
    return json.dumps({"command": json.loads(payload)["command"], "signature": ""}).encode()


@pytest.mark.parametrize("spoil", [tampered, unsigned, lambda p: p[:-9], lambda _: b"", lambda _: b"[" * 5000])
def test_what_the_platform_did_not_sign_gets_no_answer_and_is_counted(start, spoil):
    rig = start()
    assert rig.obey(spoil(rig.command("pulse"))) is None
    assert rig.unit.pulse([])["refused_commands"] == 1


def test_commands_that_are_not_the_platforms_are_told_of_for_a_while(start):
    rig = start()
    rig.obey(unsigned(rig.command("pulse")))
    assert [w["code"] for w in rig.unit.pulse([])["warnings"]] == ["command.forged"]
    rig.live(31)
    assert rig.unit.pulse([])["warnings"] == []


def test_of_a_flood_only_so_many_are_looked_at_as_leave_the_deciding_thread_to_the_door(start):
    rig = start()
    asked = []
    rig.unit._commands._verify = lambda signature, message: bool(asked.append(message))
    for _ in range(1000):
        rig.link.say(wire.topic(UNIT, "command"), unsigned(rig.command("pulse")))
    rig.loop.turn()
    assert len(asked) == LOOKED_AT
    assert rig.unit.pulse([])["refused_commands"] == 1000
    rig.unit._commands._verify = lambda signature, message: signature == sign(message)
    rig.live(1)
    assert rig.obey(rig.command("pulse"))["done"], "a second later the platform is heard again"


def test_a_signed_command_whose_times_are_no_times_is_no_command(start):
    rig = start()
    wish = wire.Command("c1", UNIT, "pulse", "yesterday", "tomorrow")
    assert rig.obey(wire.command(wish, sign)) is None


def test_a_command_is_not_done_before_its_id_is_on_the_card(start):
    rig = start()
    rig.workers["card"].at_once = False
    pulses = len(rig.sent("pulse"))
    assert rig.obey(rig.command("pulse")) is None
    assert len(rig.sent("pulse")) == pulses
    rig.workers["card"].run()
    rig.live(0.1)
    assert rig.sent("reply")[-1]["done"]


def test_a_card_that_cannot_be_written_has_commands_wait(start):
    rig = start()
    rig.workers["card"].fault = PartError("card", found="broken", wanted="whole", remedy="Change it.")
    assert rig.obey(rig.command("pulse")) is None
    rig.workers["card"].fault = None
    rig.live(5)
    assert rig.sent("reply")[-1]["done"]


def test_resend_sends_everything_without_a_receipt_once_more(start):
    rig = start()
    rig.platform = False
    rig.play("clean", closed=False)
    rig.live(0.2)
    before = rig.changes().count("opened")
    assert rig.obey(rig.command("resend"))["said"] == "1 records to send"
    assert rig.changes().count("opened") == before + 1


def test_ids_are_forgotten_once_their_commands_have_expired(start):
    rig = start()
    rig.obey(rig.command("pulse", id_="old", early_s=0, life_s=10))
    rig.live(20)
    rig.obey(rig.command("pulse", id_="new"))
    assert set(rig.unit._commands._ids) == {"new"}


def test_a_card_that_answers_late_has_commands_refused_until_it_is_known_what_was_done(tmp_path, start, clock):
    rig = start()
    order = rig.command("pulse", id_="before")
    assert rig.obey(order)["done"]
    rig = LateCard(tmp_path, clock)
    rig.link.accept()
    rig.live(2)  # longer than the unit waits for its spool
    for payload in (order, rig.command("pulse", id_="new")):
        assert "not yet read what it did before" in rig.obey(payload)["said"]
    rig.workers["card"].at_once = True
    rig.workers["card"].run()
    rig.live(1)
    rig.link.accept()
    assert rig.obey(order)["said"] == "it was done already"
    assert rig.obey(rig.command("pulse", id_="new"))["done"]


def test_what_was_done_is_known_to_a_spool_that_takes_a_damaged_ones_place(start):
    rig = start()
    order = rig.command("pulse")
    assert rig.obey(order)["done"]
    rig.unit._c.journal._store._damaged = True
    rig.loop.call(rig.unit._c.journal._give_up, DAMAGED)
    rig.live(5)
    assert rig.records("gap")[-1]["reason"] == "corrupt"
    rig = start()  # cut, not stopped
    assert rig.obey(order)["said"] == "it was done already"


def test_a_command_that_waits_for_the_card_at_an_orderly_end_is_done_before_it(start):
    rig = start()
    rig.workers["card"].fault = PartError("card", found="broken", wanted="whole", remedy="Change it.")
    order = rig.command("pulse")
    assert rig.obey(order) is None
    rig.workers["card"].fault = None
    rig.stop()
    assert rig.sent("reply")[-1]["done"]


def test_a_command_that_expired_while_the_card_hung_is_not_done(start):
    rig = start()
    rig.workers["card"].at_once = False
    assert rig.obey(rig.command("pulse", early_s=0, life_s=10)) is None
    rig.live(15)
    rig.workers["card"].run()
    rig.live(0.1)
    (reply,) = rig.sent("reply")
    assert reply["done"] is False
    assert "while the card had not answered" in reply["said"]

"""What the running unit answers people on the machine: the pulse, and all that is wrong with its detail."""

from typing import Any

import pytest

from edge.errors import LinkError
from edge.unit.answers import QUESTIONS, questions
from tests.unit.rig import Rig, Start

DOWN = LinkError("broker", found="silence", wanted="an answer", remedy="Wait.")


def ask(rig: Rig, question: str = "status") -> dict[str, Any]:
    """The answer; exactly one."""
    told: list[dict[str, Any]] = []
    rig.loop.call(questions(rig.unit)[question], {}, told.append)
    rig.live(0.5)
    assert len(told) == 1
    return told[0]


def test_a_unit_that_is_well_answers_with_its_pulse_and_nothing_wrong(start: Start):
    rig = start()
    rig.live(1)
    told = ask(rig)
    assert (told["unit"], told["wrong"], told["link_up"]) == ("door-1", [], True)
    assert told["pulse"]["door"] == "shut"
    assert told["last_receipt_s"] is not None
    assert told["last_commit_ms"] is not None


def test_what_waits_is_told_with_the_age_of_the_oldest(start: Start):
    rig = start()
    rig.live(1)
    rig.link.drop(DOWN)
    rig.play("clean", closed=False)
    rig.live(30)
    told = ask(rig)
    assert told["link_up"] is False
    assert told["pulse"]["backlog"] >= 1
    assert told["pulse"]["oldest_unsent_s"] == pytest.approx(30, abs=2)


def test_a_warning_is_told_also_within_its_grace_time_and_with_what_hushes_it(start: Start):
    rig = start()
    rig.unit.crew.health.set("link.network", rig.clock.now(), "silence")
    rig.unit.crew.health.set("receipt.none", rig.clock.now(), "nothing")
    young = {one["code"]: one for one in ask(rig)["wrong"]}
    assert (young["link.network"]["shown"], young["link.network"]["found"]) == (False, "silence")
    assert young["receipt.none"]["by"] == ["link.network"]
    assert young["link.network"]["remedy_zh"]


def test_every_question_can_be_asked_of_a_unit_that_has_only_just_begun(start: Start):
    rig = start(up=False)
    for name in QUESTIONS:
        assert ask(rig, name)

"""A platform beside the main one: it gets what it wants, and what ails it is nobody else's matter."""

import json
from typing import Any

import pytest

from edge.clock import MS
from edge.errors import RefusedError, ServerError
from edge.sim.beside import ALL, EVENTS
from tests.unit.rig import UNIT, Rig, Start

DOWN = ServerError("hub", found="nothing listens", wanted="a broker", remedy="Wait.")
NO = RefusedError("hub", found="bad user name or password", wanted="yes", remedy="Ask.")


def at_hub(rig: Rig) -> list[dict[str, Any]]:
    """The records that were published there."""
    return [json.loads(p.payload)["data"]["record"] for p in rig.beside.sent if p.topic.endswith("/event")]


def hub_takes_all(rig: Rig) -> None:
    for publish in rig.beside.sent:
        rig.beside.answer(publish.token)
    rig.live(0.1)


def told(rig: Rig) -> dict[str, Any]:
    (one,) = rig.unit.pulse([])["others"]
    return dict(one)


def codes(rig: Rig) -> set[str]:
    return {w.row.code for w in rig.unit.crew.health.lasting(rig.clock.now())}


def open_and_shut(rig: Rig) -> None:
    rig.play("clean", closed=False)
    rig.live(1)
    rig.play("clean", closed=True)
    rig.live(1)


def test_an_opening_goes_to_both_at_once(start: Start):
    rig = start(beside=EVENTS)
    rig.beside.accept()
    rig.live(0.1)
    hub_takes_all(rig)
    rig.platform = False
    begun_ns = rig.clock.now()
    rig.play("clean", closed=False)
    rig.live(0.06)
    assert rig.changes()[-1] == at_hub(rig)[-1]["change"] == "opened"
    assert rig.clock.now() - begun_ns < 100 * MS
    assert {record["kind"] for record in at_hub(rig)} == {"event"}


@pytest.mark.parametrize("ails", ["never up", "silent", "refuses", "drops"])
def test_a_hub_that_is_ill_delays_nothing_to_the_platform_and_costs_it_nothing(start: Start, ails: str):
    rig = start(beside=ALL)
    if ails in ("silent", "drops"):
        rig.beside.accept()
    if ails == "refuses":
        rig.beside.drop(NO)
    rig.live(1)
    if ails == "drops":
        rig.beside.drop(DOWN)
    for _ in range(20):
        open_and_shut(rig)
    assert len(rig.changes()) == 41
    assert rig.unit.crew.shares.backlog == 0
    assert told(rig)["backlog"] == rig.unit.crew.journal.backlog >= 41
    assert not {code for code in codes(rig) if not code.startswith("cloud.")}


def test_a_platform_that_is_down_delays_nothing_to_the_hub(start: Start):
    rig = start(up=False, beside=EVENTS)
    rig.beside.accept()
    rig.live(1)
    open_and_shut(rig)
    hub_takes_all(rig)
    assert [record["change"] for record in at_hub(rig)] == ["found", "opened", "shut"]
    assert told(rig)["backlog"] == 0
    assert rig.unit.crew.shares.backlog == 4
    rig.link.accept()
    rig.live(1)
    assert rig.changes() == ["found", "opened", "shut"]
    assert rig.unit.crew.journal.backlog == 0


def test_the_hubs_backlog_outlives_a_restart_and_goes_nowhere_else(start: Start):
    rig = start(beside=EVENTS)
    open_and_shut(rig)
    rig.unit.crew.journal.close(lambda: None)
    rig.live(0.1)
    again = start(beside=EVENTS)
    assert again.changes() == ["found"]
    again.beside.accept()
    again.live(0.2)
    hub_takes_all(again)
    assert [record["change"] for record in at_hub(again)] == ["found", "opened", "shut", "found"]
    assert again.unit.crew.journal.backlog == 0


def test_a_hub_that_refuses_is_warned_of_under_its_own_name(start: Start):
    rig = start(beside=EVENTS)
    rig.beside.drop(NO)
    rig.live(61)
    shown = {w.row.code for w in rig.unit.crew.health.shown(rig.clock.now())}
    assert shown == {"cloud.refused"}
    rig.beside.accept()
    rig.live(11)
    assert codes(rig) == set()


def test_a_hub_that_denies_a_record_gets_it_again(start: Start):
    rig = start(beside=EVENTS)
    rig.beside.accept()
    rig.live(0.1)
    rig.beside.answer(rig.beside.sent[-1].token, "Not authorized")
    rig.live(1)
    assert "cloud.denied" in codes(rig)
    rig.live(31)
    assert len(at_hub(rig)) == 2
    hub_takes_all(rig)
    assert told(rig)["backlog"] == 0
    assert codes(rig) == set()


def test_what_the_hub_lost_is_counted_and_warned_of_until_it_has_caught_up(start: Start):
    rig = start(beside=ALL, settings={"spool": {"records_max": 1000}})
    rig.unit.crew.journal._records_max = 130  # noqa: SLF001 - fewer than an installer may choose
    for _ in range(70):
        open_and_shut(rig)
    assert "cloud.lost" in codes(rig)
    assert told(rig)["lost"] == 100
    assert rig.records("gap") == []
    rig.beside.accept()
    rig.live(0.2)
    while told(rig)["backlog"]:
        hub_takes_all(rig)
    rig.live(1)
    assert "cloud.lost" not in codes(rig)


def test_a_signed_command_counts_whoever_carries_it_and_no_other(start: Start):
    rig = start(beside=EVENTS)
    rig.beside.accept()
    rig.live(0.1)
    rig.beside.say(f"door/v1/{UNIT}/command", b'{"command": "open the door"}')
    rig.beside.say(f"door/v1/{UNIT}/command", rig.command("pulse", id_="by-hub"))
    rig.live(0.2)
    assert [reply["id"] for reply in rig.sent("reply")] == ["by-hub"]


def test_an_erasing_counts_as_lost_what_the_platform_lacked_alone(start: Start):
    rig = start(beside=EVENTS)
    for _ in range(3):
        open_and_shut(rig)
    assert rig.unit.crew.journal.backlog >= 7
    assert rig.obey(rig.command("erase")) is not None
    rig.live(30)
    assert {audit["detail"]["records"] for audit in rig.records("audit") if audit["what"] == "erased"} == {0}
    assert told(rig)["backlog"] == 0


def test_with_one_platform_the_pulse_says_nothing_of_others(start: Start):
    rig = start()
    assert "others" not in rig.unit.pulse([])

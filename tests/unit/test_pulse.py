"""Whole pulses and short ones: what goes over the link while nothing happens."""

from edge.told import SHORT_PULSE
from tests.unit.rig import Start

EVERY = {"uplink": {"pulse_s": 1, "whole_pulse_s": 15}}


def test_a_unit_that_is_well_says_so_in_few_numbers_and_all_of_them_now_and_then(start: Start):
    rig = start(settings=EVERY)
    rig.live(3)
    before = len(rig.sent("pulse"))
    rig.live(30)
    pulses = rig.sent("pulse")[before:]
    whole = [pulse for pulse in pulses if "version" in pulse]
    assert (len(pulses), len(whole)) == (30, 2)
    assert all(set(pulse) == set(SHORT_PULSE) for pulse in pulses if pulse not in whole)


def test_a_change_of_health_is_told_with_all_numbers_at_once(start: Start):
    rig = start(settings=EVERY)
    rig.live(5)
    assert "version" not in rig.sent("pulse")[-1]
    rig.unit.crew.health.set("command.forged", rig.loop.now(), "a test's")
    rig.live(3)
    told = [[warning["code"] for warning in pulse["warnings"]] for pulse in rig.sent("pulse")[-3:]]
    assert told == [["command.forged"]] * 3, "also in those that follow, for as long as it stands"


def test_home_assistant_which_knows_the_last_pulse_alone_gets_them_whole(start: Start):
    rig = start(settings={**EVERY, "home_assistant": {"prefix": "homeassistant"}})
    rig.live(5)
    assert all("version" in pulse for pulse in rig.sent("pulse"))


def test_a_unit_whose_records_wait_tells_all_its_numbers(start: Start):
    rig = start(settings=EVERY)
    rig.platform = False
    rig.wire.set(False)
    rig.live(5)
    assert rig.sent("pulse")[-1]["oldest_unsent_s"] > 0


def test_pulses_are_all_whole_where_they_are_set_so(start: Start):
    rig = start(settings={"uplink": {"pulse_s": 1, "whole_pulse_s": 1}})
    rig.live(5)
    assert all("version" in pulse for pulse in rig.sent("pulse"))

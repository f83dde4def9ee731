"""Chips and lid on a whole unit: what fails is one warning, what happens a record, and the door is watched always."""

from typing import Any

import pytest

from edge.sim.time import SimClock
from tests.unit.rig import Rig, Start

ALL = {"supply": 0x40, "enclosure": 0x44, "rtc": 0x68, "motion": 0x18, "loop": 0x48, "tamper_pin": 27}
SETTINGS = {"sensors": ALL}


def alarms(rig: Rig) -> list[tuple[str, str, str]]:
    return [(r["what"], r["source"], r.get("detail", "")) for r in rig.records("alarm")]


def codes(rig: Rig) -> list[str]:
    return [w.row.code for w in rig.unit._c.health.shown(rig.clock.now())]


def detail(rig: Rig, code: str) -> str:
    (warning,) = [w for w in rig.unit._c.health.shown(rig.clock.now()) if w.row.code == code]
    return warning.detail


def pulse(rig: Rig) -> dict[str, Any]:
    return rig.unit.pulse([])


@pytest.fixture
def rig(start: Start) -> Rig:
    rig = start(settings=SETTINGS)
    rig.live(4)
    return rig


def test_a_unit_at_rest_tells_its_numbers_and_nothing_else(rig: Rig):
    assert (codes(rig), alarms(rig)) == ([], [])
    told = pulse(rig)
    assert (told["supply_mv"], told["enclosure_c"], told["humidity_pct"]) == (5100, 23.0, 45.0)
    assert (told["loop"], told["knocks"], told["tamper"], told["sensor_faults"]) == ("shut", 0, [], [])


def test_without_a_sensor_nothing_is_asked_and_the_pulse_says_nothing_of_one(start: Start):
    rig = start()
    rig.live(60)
    assert rig.chips.bus.transfers == 0
    assert "bus" not in rig.workers
    assert not {"supply_mv", "enclosure_c", "tamper", "sensor_faults"} & pulse(rig).keys()


def test_the_pulse_tells_of_fitted_chips_alone(start: Start):
    rig = start(settings={"sensors": {"enclosure": 0x45}})
    rig.live(2)
    assert pulse(rig)["enclosure_c"] == 23.0
    assert not {"supply_mv", "loop", "tamper", "knocks"} & pulse(rig).keys()


# Chips that fail


@pytest.mark.parametrize("name", ["supply", "enclosure", "rtc", "motion", "loop"])
def test_a_chip_unplugged_is_one_warning_and_plugged_in_again_it_is_well_within_a_minute(start: Start, name: str):
    rig = start(settings={"sensors": {name: ALL[name]}})
    rig.live(4)
    rig.chips.unplug(name)
    rig.live(640)  # the clock is asked every ten minutes
    assert codes(rig) == ["sensor.failed"]
    assert "no chip answers" in detail(rig, "sensor.failed")
    assert pulse(rig)["sensor_faults"] == [name]
    rig.chips.plug(name)
    rig.live(59)
    assert (codes(rig), pulse(rig)["sensor_faults"], alarms(rig)) == ([], [], [])


def test_the_door_is_watched_while_the_bus_is_held(rig: Rig):
    rig.chips.bus.stuck = True
    rig.live(40)
    assert codes(rig) == ["sensor.failed"]
    assert "the bus is held" in detail(rig, "sensor.failed")
    rig.play("bounce", closed=False)
    rig.live(0.2)
    assert rig.changes() == ["found", "opened"]
    rig.chips.bus.stuck = False
    rig.live(59)
    assert (codes(rig), alarms(rig)) == ([], [])


def test_a_transfer_that_does_not_end_is_told_in_time_and_forgotten_when_it_does(start: Start):
    rig = start(settings={"sensors": {"motion": 0x18}})
    rig.live(4)
    rig.workers["bus"].at_once = False
    rig.live(11)
    assert "does not end" in detail(rig, "sensor.failed")
    rig.workers["bus"].at_once = True
    rig.workers["bus"].run()
    rig.live(1)
    assert codes(rig) == []


def test_one_garbled_answer_is_nothing_to_tell(rig: Rig):
    rig.chips.enclosure.garbled = 1
    rig.chips.bus.fail_next(1)
    rig.live(120)
    assert codes(rig) == []


def test_chips_that_lost_their_settings_are_set_again_in_silence(rig: Rig):
    rig.chips.brown_out()
    rig.live(120)
    assert (codes(rig), alarms(rig)) == ([], [])
    assert pulse(rig)["supply_mv"] == 5100


def test_a_fault_of_ours_in_a_driver_is_counted_and_the_chip_is_asked_again(start: Start):
    rig = start(settings={"sensors": {"supply": 0x40}})
    rig.workers["bus"].fault = RuntimeError("something nobody thought of")
    rig.live(3)
    assert rig.loop.faults >= 1
    rig.workers["bus"].fault = None
    rig.live(40)
    assert pulse(rig)["supply_mv"] == 5100


def test_a_lid_switch_whose_pin_cannot_be_read_is_a_failed_sensor_and_comes_back(rig: Rig):
    rig.lid.torn = True
    rig.live(11)
    assert codes(rig) == ["sensor.failed"]
    assert "GPIO27" in detail(rig, "sensor.failed")
    assert pulse(rig)["sensor_faults"] == ["lid"]
    rig.lid.torn = False
    rig.live(20)
    assert (codes(rig), alarms(rig)) == ([], [])


# Tampering


def test_the_lid_is_an_alarm_when_it_is_opened_and_when_it_is_shut(rig: Rig):
    rig.lid.set(False)
    rig.live(0.2)
    assert alarms(rig) == [("tamper", "lid", "opened")]
    assert codes(rig) == ["tamper.lid"]
    assert pulse(rig)["tamper"] == ["lid"]
    rig.lid.set(True)
    rig.live(0.2)
    assert alarms(rig)[1:] == [("tamper_over", "lid", "opened")]
    assert codes(rig) == []


def test_a_knock_on_the_box_is_no_open_lid(rig: Rig):
    rig.lid.set(False)
    rig.live(0.05)
    rig.lid.set(True)
    rig.live(1)
    assert alarms(rig) == []


def test_a_unit_taken_off_its_wall_is_told_and_told_again_when_it_hangs_there(rig: Rig):
    rig.chips.take_down()
    rig.live(3)
    assert alarms(rig) == [("tamper", "wall", "removed")]
    assert codes(rig) == ["tamper.wall"]
    rig.chips.hang()
    rig.live(5)
    assert alarms(rig)[1:] == [("tamper_over", "wall", "removed")]


def test_a_unit_that_hangs_askew_is_tilted(rig: Rig):
    rig.chips.motion.acceleration_mg = (600, 0, 800)
    rig.live(4)
    assert alarms(rig) == [("tamper", "wall", "tilted")]


def test_a_knock_is_counted_and_is_no_alarm(rig: Rig):
    rig.chips.motion.knock(800)
    rig.live(1)
    assert (pulse(rig)["knocks"], alarms(rig)) == (1, [])


@pytest.mark.parametrize("state", ["cut", "short", "foreign", "over"])
def test_wiring_that_somebody_meddled_with_is_told_by_name(rig: Rig, state: str):
    rig.chips.wire(state)
    rig.live(2)
    assert alarms(rig) == [("tamper", "wiring", state)]
    assert pulse(rig)["loop"] == state
    rig.chips.wire("shut")
    rig.live(2)
    assert alarms(rig)[1:] == [("tamper_over", "wiring", state)]


def test_a_door_that_opens_is_no_tampering_with_its_wiring(rig: Rig):
    rig.chips.wire("open")
    rig.live(2)
    assert (pulse(rig)["loop"], alarms(rig)) == ("open", [])


# The supply, the enclosure, the clock


def test_mains_that_goes_is_a_record_and_comes_back_as_one(rig: Rig):
    rig.chips.supply.bus_mv = 300
    rig.live(4)
    assert alarms(rig) == [("power_lost", "supply", "300 mV")]
    assert codes(rig) == ["power.lost"]  # and not that it is low too
    rig.chips.supply.bus_mv = 5100
    rig.live(10)
    assert alarms(rig)[1:] == [("power_back", "supply", "5100 mV")]
    assert codes(rig) == []


def test_a_supply_that_hangs_at_the_limit_rings_once(rig: Rig):
    for mv in (3990, 3990, 4010, 3990, 4010, 3980):
        rig.chips.supply.bus_mv = mv
        rig.live(1.5)
    assert alarms(rig) == [("power_lost", "supply", "3988 mV")]  # in steps of 4


def test_a_dent_in_the_supply_of_under_a_second_is_nothing(rig: Rig):
    rig.chips.supply.bus_mv = 3900
    rig.live(0.9)
    rig.chips.supply.bus_mv = 5100
    rig.live(10)
    assert (alarms(rig), codes(rig)) == ([], [])


def test_a_low_supply_is_a_warning_until_it_is_well_above(rig: Rig):
    rig.chips.supply.bus_mv = 4700
    rig.live(10)
    assert codes(rig) == ["supply.low"]
    rig.chips.supply.bus_mv = 4800
    rig.live(10)
    assert codes(rig) == ["supply.low"]
    rig.chips.supply.bus_mv = 4900
    rig.live(10)
    assert (codes(rig), alarms(rig)) == ([], [])


def test_heat_and_damp_in_the_enclosure_are_warned_of_and_clear(rig: Rig):
    rig.chips.enclosure.temperature_mc, rig.chips.enclosure.humidity_pm = 61_000, 900
    rig.live(100)
    assert codes(rig) == ["enclosure.hot", "enclosure.damp"]
    rig.chips.enclosure.temperature_mc, rig.chips.enclosure.humidity_pm = 50_000, 700
    rig.live(31)
    assert codes(rig) == []


def test_a_clock_that_stood_still_has_an_empty_battery(rig: Rig):
    rig.chips.rtc.stop_oscillator(1000)
    rig.live(601)
    assert codes(rig) == ["clock.battery"]
    rig.chips.rtc.set(1_800_000_000)
    rig.live(601)
    assert codes(rig) == []


def test_a_clock_that_the_kernel_has_is_left_alone(start: Start, clock: SimClock):
    first = start(settings={"sensors": {}})  # makes the folder; its chips are none
    first.stop()
    rig = start(settings={"sensors": {"rtc": 0x68}})
    rig.chips.bus.owned.add(0x68)
    rig.live(1900)
    assert (codes(rig), pulse(rig)["sensor_faults"]) == ([], [])


# Records


def test_without_a_link_an_alarm_is_kept_and_delivered_later(rig: Rig):
    rig.link.drop()
    rig.lid.set(False)
    rig.live(5)
    before = len(alarms(rig))
    rig.link.accept()
    rig.live(40)
    assert before == 0
    assert ("tamper", "lid", "opened") in alarms(rig)


def test_what_stands_is_not_told_again_after_a_restart_and_its_end_is(start: Start):
    first = start(settings=SETTINGS)
    first.live(4)
    first.chips.wire("cut")
    first.lid.set(False)
    first.live(2)
    assert len(alarms(first)) == 2
    first.stop()
    second = start(settings=SETTINGS, chips=first.chips, lid_on=False)
    assert sorted(codes(second)) == ["tamper.lid", "tamper.wiring"]
    second.live(5)
    assert alarms(second) == []
    second.lid.set(True)
    second.chips.wire("shut")
    second.live(2)
    assert sorted(alarms(second)) == [("tamper_over", "lid", "opened"), ("tamper_over", "wiring", "cut")]


def test_a_unit_taken_down_while_it_was_off_is_told_at_its_start(start: Start):
    first = start(settings=SETTINGS)
    first.live(4)
    first.stop()
    first.chips.motion.acceleration_mg = (1000, 0, 0)
    second = start(settings=SETTINGS, chips=first.chips)
    second.live(4)
    assert alarms(second) == [("tamper", "wall", "tilted")]


def test_mounted_anew_by_command_it_hangs_as_it_should(rig: Rig):
    rig.chips.motion.acceleration_mg = (1000, 0, 0)
    rig.live(4)
    assert rig.obey(rig.command("mounted"))["done"]
    rig.live(4)
    assert [what for what, _, _ in alarms(rig)] == ["tamper", "tamper_over"]


def test_an_alarm_of_a_chip_that_is_fitted_no_more_stands_no_longer(start: Start):
    first = start(settings=SETTINGS)
    first.live(4)
    first.chips.wire("cut")
    first.live(2)
    first.stop()
    second = start(settings={"sensors": {"supply": 0x40}})
    second.live(2)
    assert codes(second) == []


# The fault lamp and the command that finds a unit


def test_the_fault_lamp_blinks_while_a_warning_is_shown_and_the_camera_lamp_is_another(start: Start):
    rig = start(settings={"sensors": ALL, "indicator": {"led_pin": 23, "buzzer_pin": 24}})
    rig.live(4)
    assert not seen_lit(rig, 4)
    rig.lid.set(False)
    assert seen_lit(rig, 4)
    rig.lid.set(True)
    rig.live(0.5)
    assert not seen_lit(rig, 4)


def test_identify_blinks_and_beeps_for_as_long_as_it_is_told(start: Start):
    rig = start(settings={"indicator": {"buzzer_pin": 24}})
    reply = rig.obey(rig.command("identify", for_s=2))
    assert (reply["done"], reply["said"]) == (True, "shown for 2 s")
    assert seen_lit(rig, 1, 24)
    rig.live(1)
    assert not seen_lit(rig, 3, 24)


@pytest.mark.parametrize("for_s", [0, 301, -1, True, "10", 2.5, None, [1], 10**30])
def test_identify_for_no_sensible_time_is_refused(start: Start, for_s: object):
    rig = start(settings={"indicator": {"led_pin": 23}})
    reply = rig.obey(rig.command("identify", for_s=for_s))
    assert reply["done"] is False
    assert "want for_s, a whole number 1 to 300" in reply["said"]


def test_a_unit_without_lamp_and_buzzer_says_so(start: Start):
    rig = start()
    reply = rig.obey(rig.command("identify"))
    assert reply["done"] is False
    assert "indicator.led_pin" in reply["said"]


def seen_lit(rig: Rig, seconds: int, pin: int = 23) -> bool:
    lit = False
    for _ in range(seconds * 20):
        rig.live(0.05)
        lit = lit or bool(rig.pins.pin(pin).state)
    return lit


# Outside the term


def test_outside_the_term_tampering_is_told_and_nothing_that_the_door_does(start: Start):
    rig = start(settings=SETTINGS, term=None)
    rig.live(4)
    rig.chips.wire("open")
    rig.chips.motion.knock(800)
    rig.lid.set(False)
    rig.live(2)
    assert alarms(rig) == [("tamper", "lid", "opened")]
    assert not {"loop", "knocks"} & pulse(rig).keys()
    assert pulse(rig)["supply_mv"] == 5100

"""The battery clock's driver on the simulated chip. Runs on both Pythons."""

from drivers.ds3231 import DS3231, DS3231Error, _date, _days
from drivers.sim.bus import SimBus
from drivers.sim.sensors import DS3231 as Chip
from tests.drivers.portable.bench import Clock, said

NOW_S = 1_795_510_923  # 2026-11-24T09:02:03Z
DAY_S = 86_400


def wired(battery=True):
    clock = Clock()
    chip = Chip(clock.now_ms, battery)
    chip.set(NOW_S)
    bus = SimBus()
    bus.attach(0x68, chip)
    rtc = DS3231(bus)
    return clock, chip, bus, rtc


def test_it_tells_utc_in_seconds_and_goes_on():
    clock, chip, _, rtc = wired()
    chip.set(NOW_S)
    rtc.begin()
    assert rtc.utc_s() == NOW_S
    clock.sleep_ms(61_999)
    assert rtc.utc_s() == NOW_S + 61


def test_a_clock_that_was_never_set_tells_no_time_until_it_is_set():
    _, _, bus, rtc = wired(battery=False)
    bus.brown_out()
    assert rtc.power_lost()
    assert rtc.utc_s() is None
    rtc.set_utc_s(NOW_S)
    assert not rtc.power_lost()
    assert rtc.utc_s() == NOW_S


def test_a_battery_carries_the_time_through_a_power_cut():
    clock, _, bus, rtc = wired()
    rtc.begin()
    clock.sleep_ms(3_600_000)
    bus.brown_out()
    assert rtc.utc_s() == NOW_S + 3600


def test_a_crystal_that_stood_still_for_a_moment_makes_the_time_unknown():
    clock, chip, _, rtc = wired()
    clock.sleep_ms(10_000)
    chip.stop_oscillator(2_000)
    clock.sleep_ms(10_000)
    assert rtc.utc_s() is None
    chip._status &= 0x7F
    assert rtc.utc_s() == NOW_S + 18


def test_a_clock_that_would_stop_on_its_battery_is_told_to_go_on():
    _, chip, bus, rtc = wired()
    chip._control |= 0x80
    rtc.begin()
    bus.brown_out()
    assert rtc.utc_s() == NOW_S


def test_every_day_of_the_century_is_set_and_read_as_the_chip_counts_it():
    clock, chip, _, rtc = wired()
    for days in (0, 30, 31, 58, 59, 60, 365, 366, 1153, 9824, 20_000, 36_523, 36_524):
        utc_s = 946_684_800 + days * DAY_S + 86_399
        rtc.set_utc_s(utc_s)
        assert rtc.utc_s() == chip._base_s == utc_s
        clock.sleep_ms(1000)
        if days < 36_524:
            assert rtc.utc_s() == utc_s + 1


def test_dates_and_days_are_each_others_inverse_for_a_hundred_years():
    before = (1999, 12, 31)
    for days in range(10_957, 47_482):
        date = _date(days)
        assert date > before
        assert _days(*date) == days
        before = date
    assert before == (2099, 12, 31)


def test_a_clock_left_in_twelve_hours_is_read_all_the_same():
    _, chip, bus, rtc = wired()
    for hours, want in ((0x52, 0), (0x41, 1), (0x72, 12), (0x71, 23)):
        times = chip._times()
        times[2] = hours
        chip._times = lambda times=times: times
        seconds = rtc.utc_s()
        assert seconds % DAY_S // 3600 == want
        del chip._times


def test_the_temperature_is_read_in_millidegrees_below_zero_too():
    _, chip, _, rtc = wired()
    for quarters in (92, 0, -1, -101):
        chip.temperature_quarters = quarters
        assert rtc.temperature_mc() == quarters * 250


def test_times_that_no_ds3231_can_show_are_named():
    for at, byte, want in ((0, 0x5A, "BCD"), (1, 0x60, "BCD"), (4, 0, "2000 to 2099"), (5, 0x92, "2000 to 2099")):
        _, chip, _, rtc = wired()
        times = chip._times()
        times[at] = byte
        chip._times = lambda times=times: times
        assert want in said(DS3231Error, rtc.utc_s)


def test_another_chip_at_its_address_is_named():
    class Other(Chip):
        def read(self, nbytes):
            return b"\xff" * nbytes

    bus = SimBus()
    bus.attach(0x68, Other())
    assert "DS3231 at 0x68: found status 0xff" in said(DS3231Error, DS3231(bus).begin)


def test_a_clock_that_stops_again_at_once_is_not_taken_as_set():
    class Dead(Chip):
        def write(self, data):
            super().write(data)
            self._status |= 0x80
            return True

    bus = SimBus()
    bus.attach(0x68, Dead())
    assert "replace the clock's battery" in said(DS3231Error, DS3231(bus).set_utc_s, NOW_S)


def test_no_answer_is_named_with_where_and_the_cure():
    _, _, bus, rtc = wired()
    bus.detach(0x68)
    for call in (rtc.begin, rtc.power_lost, rtc.utc_s, rtc.temperature_mc):
        assert "DS3231 at 0x68: found no answer" in said(DS3231Error, call)


def test_times_outside_its_century_are_refused():
    _, _, _, rtc = wired()
    for utc_s in (0, 946_684_799, 4_102_444_800):
        assert "(2000 to 2099)" in said(ValueError, rtc.set_utc_s, utc_s)

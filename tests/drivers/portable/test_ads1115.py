"""The converter's driver on the simulated chip. Runs on both Pythons."""

from drivers.ads1115 import ADS1115, ADS1115Error
from drivers.sim.bus import ESP32, LINUX, RP2, SimBus
from drivers.sim.meters import ADS1115 as Chip
from tests.drivers.portable.bench import Clock, said


def wired(full_scale_mv=4096, nack_errno=LINUX):
    clock = Clock()
    chip = Chip(clock.now_ms)
    bus = SimBus(nack_errno)
    bus.attach(0x48, chip)
    ads = ADS1115(bus, full_scale_mv=full_scale_mv)
    ads.begin()
    return clock, chip, bus, ads


def test_each_input_is_read_in_millivolts_rounded():
    clock, chip, _, ads = wired()
    chip.inputs_uv = [0, 1_650_400, 3_299_600, -100_400]
    assert [ads.read_mv(channel, clock.sleep_ms) for channel in range(4)] == [0, 1650, 3300, -100]


def test_every_full_scale_reads_the_same_voltage():
    for full_scale_mv in (6144, 4096, 2048, 1024, 512, 256):
        clock, chip, _, ads = wired(full_scale_mv)
        chip.inputs_uv[2] = 200_000
        assert ads.read_mv(2, clock.sleep_ms) == 200


def test_a_reading_takes_nine_milliseconds_and_asks_for_no_more():
    clock, _, _, ads = wired()
    ads.read_mv(0, clock.sleep_ms)
    assert clock.ms == 9


def test_a_result_before_its_time_is_none_and_after_it_the_voltage_once():
    clock, chip, _, ads = wired()
    chip.inputs_uv[0] = 2_000_000
    wait_ms = ads.start(0)
    chip.inputs_uv[0] = 0  # the chip holds what it saw
    assert ads.result_mv() is None
    clock.sleep_ms(wait_ms)
    assert ads.result_mv() == 2000
    assert "start(channel) first" in said(ADS1115Error, ads.result_mv)


def test_a_chip_that_never_is_ready_is_given_up_within_15_ms():
    clock, chip, _, ads = wired()
    chip.slow = 1000
    assert "still converting after 14 ms" in said(ADS1115Error, ads.read_mv, 0, clock.sleep_ms)
    assert clock.ms <= 15


def test_an_input_beyond_the_range_is_no_reading():
    clock, chip, _, ads = wired(1024)
    chip.inputs_uv[0] = 1_100_000
    assert "input beyond 1024 mV" in said(ADS1115Error, ads.read_mv, 0, clock.sleep_ms)


def test_a_brown_out_while_it_converts_is_not_read_as_zero_volts():
    clock, chip, bus, ads = wired()
    chip.inputs_uv[0] = 2_000_000
    clock.sleep_ms(ads.start(0))
    bus.brown_out()
    assert "settings lost" in said(ADS1115Error, ads.result_mv)
    assert ads.read_mv(0, clock.sleep_ms) == 2000


def test_another_chip_at_its_address_is_named():
    class Other(Chip):
        def get(self, register):
            return 0x1234

    bus = SimBus()
    bus.attach(0x48, Other())
    text = said(ADS1115Error, ADS1115(bus).begin)
    assert "ADS1115 at 0x48" in text
    assert "0x1234" in text


def test_no_answer_is_named_with_where_and_the_cure_on_every_port():
    for port in (RP2, ESP32, LINUX):
        _, _, bus, ads = wired(nack_errno=port)
        bus.detach(0x48)
        text = said(ADS1115Error, ads.start, 0)
        assert "ADS1115 at 0x48: found no answer" in text
        assert "want an ADS1115 that answers: look at wires, pull-ups and ADDR pin" in text


def test_a_transfer_that_failed_once_does_not_spoil_the_next_reading():
    clock, chip, bus, ads = wired()
    chip.inputs_uv[3] = 1_000_000
    for failing in (1, 2, 3):
        bus.fail_next(failing)
        assert "no answer" in said(ADS1115Error, ads.start, 3)
        bus.fail_next(0)
        assert ads.read_mv(3, clock.sleep_ms) == 1000


def test_settings_and_channels_that_do_not_exist_are_refused():
    assert "full_scale_mv is 5000; want one of [256," in said(ValueError, ADS1115, None, 0x48, 5000)
    _, _, _, ads = wired()
    for channel in (-1, 4):
        assert "want 0 to 3" in said(ValueError, ads.start, channel)

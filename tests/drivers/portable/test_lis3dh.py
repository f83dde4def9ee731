"""The accelerometer's driver on the simulated chip. Runs on both Pythons."""

from drivers.lis3dh import LIS3DH, LIS3DHError
from drivers.sim.bus import SimBus
from drivers.sim.sensors import LIS3DH as Chip
from tests.drivers.portable.bench import said


def wired(knock_mg=400):
    chip = Chip()
    bus = SimBus()
    bus.attach(0x18, chip)
    lis = LIS3DH(bus, knock_mg=knock_mg)
    lis.begin()
    return chip, bus, lis


def test_the_three_axes_are_read_in_milli_g_with_their_signs():
    chip, _, lis = wired()
    for felt in ((0, 0, 1000), (-1, 1, -1000), (1999, -2000, 7)):
        chip.acceleration_mg = felt
        assert lis.acceleration_mg() == felt


def test_a_knock_is_told_once_however_late_it_is_asked_for():
    chip, _, lis = wired()
    assert not lis.knocked()
    chip.knock(900)
    lis.acceleration_mg()
    assert lis.knocked()
    assert not lis.knocked()


def test_a_knock_is_what_reaches_the_threshold():
    chip, _, lis = wired(knock_mg=800)
    chip.knock(799)
    assert not lis.knocked()
    chip.knock(800)
    assert lis.knocked()


def test_a_knock_from_before_it_was_set_is_nobodys():
    chip, _, lis = wired()
    chip.knock(2000)
    lis.begin()
    assert not lis.knocked()


def test_a_chip_that_browned_out_is_not_read_as_one_at_rest():
    chip, bus, lis = wired()
    lis.acceleration_mg()
    bus.brown_out()
    text = said(LIS3DHError, lis.acceleration_mg)
    assert "LIS3DH at 0x18: found CTRL_REG1 0x07" in text
    assert "begin again" in text
    lis.begin()
    assert lis.acceleration_mg() == chip.acceleration_mg


def test_another_chip_at_its_address_is_named_by_its_identity():
    chip, _, lis = wired()
    chip._registers[0x0F] = 0x44
    assert "found WHO_AM_I 0x44; want 0x33" in said(LIS3DHError, lis.begin)


def test_no_answer_is_named_with_where_and_the_cure():
    _, bus, lis = wired()
    bus.detach(0x18)
    for call in (lis.begin, lis.acceleration_mg, lis.knocked):
        text = said(LIS3DHError, call)
        assert "LIS3DH at 0x18: found no answer" in text
        assert "look at wires, pull-ups, CS and SA0" in text


def test_thresholds_that_the_chip_does_not_have_are_refused():
    for knock_mg in (0, 15, 2033):
        assert "want 16 to 2032" in said(ValueError, LIS3DH, None, 0x18, knock_mg)

"""I2C in machine's shape over smbus2, and Pin over gpiozero. The kernel's own bus is not here: SMBus's one call is."""

import errno
import inspect
import types
from pathlib import Path

import pytest
import smbus2
from smbus2.smbus2 import I2C_M_RD

from drivers import ads1115, ds3231, ina219, lis3dh, sht31
from drivers.sim.meters import ADS1115, INA219
from drivers.sim.sensors import DS3231, LIS3DH, SHT31
from edge.board.machine import I2C, Pin, open_smbus
from edge.board.pins import simulated_factory
from edge.errors import PartError
from edge.sim.chips import KernelsBus

NOW_NS = 5_000_000_000


class Adapter(smbus2.SMBus):
    """smbus2's own class and messages; what they would have the kernel do is done on a simulated bus."""

    def __init__(self, bus: KernelsBus) -> None:
        super().__init__()
        self.wires = bus
        self.sent: list[list[tuple[int, int, bytes]]] = []  # of each transfer: (address, flags, bytes)
        self.closed = 0
        self.empty_ok = True

    def i2c_rdwr(self, *i2c_msgs: smbus2.i2c_msg) -> None:
        self.sent.append([(m.addr, m.flags, bytes(m)) for m in i2c_msgs])
        if not self.empty_ok and any(m.len == 0 for m in i2c_msgs):
            raise OSError(errno.EOPNOTSUPP, "operation not supported")
        chips = self.wires._begin(i2c_msgs[0].addr)
        for m in i2c_msgs:
            if m.flags & I2C_M_RD:
                for at, byte in enumerate(self.wires._read(chips, m.len)):
                    m.buf[at] = byte
            elif m.len:
                self.wires._write(chips, bytes(m))

    def close(self) -> None:
        self.closed += 1
        super().close()


@pytest.fixture
def adapter() -> Adapter:
    return Adapter(KernelsBus())


@pytest.fixture
def i2c(adapter: Adapter, tmp_path: Path) -> I2C:
    return I2C(1, open_bus=lambda _: adapter, devices=tmp_path)


def test_smbus2_has_what_is_called_and_as_it_is_called():
    assert list(inspect.signature(smbus2.SMBus.i2c_rdwr).parameters) == ["self", "i2c_msgs"]
    assert list(inspect.signature(smbus2.SMBus.__init__).parameters)[:2] == ["self", "bus"]
    assert list(inspect.signature(smbus2.i2c_msg.read).parameters) == ["address", "length"]
    assert list(inspect.signature(smbus2.i2c_msg.write).parameters) == ["address", "buf"]


@pytest.mark.parametrize(
    ("driver", "chip", "address"),
    [
        (ads1115.ADS1115, ADS1115, 0x48),
        (ds3231.DS3231, DS3231, 0x68),
        (ina219.INA219, INA219, 0x40),
        (sht31.SHT31, SHT31, 0x44),
        (lis3dh.LIS3DH, LIS3DH, 0x18),
    ],
    ids=lambda thing: getattr(thing, "__name__", str(thing)),
)
def test_every_driver_finds_its_chip_through_smbus2s_messages(i2c: I2C, adapter: Adapter, driver, chip, address: int):
    adapter.wires.attach(address, chip())
    driver(i2c, address).begin()
    assert adapter.sent


def test_a_register_is_read_in_one_transfer_with_a_repeated_start(i2c: I2C, adapter: Adapter):
    adapter.wires.attach(0x18, LIS3DH())
    assert i2c.readfrom_mem(0x18, 0x0F, 1) == b"\x33"
    (transfer,) = adapter.sent
    assert transfer[0] == (0x18, 0, b"\x0f")
    assert [flags for _, flags, _ in transfer] == [0, I2C_M_RD]


def test_a_buffer_is_filled_whole_and_stays_the_same_one(i2c: I2C, adapter: Adapter):
    adapter.wires.attach(0x18, LIS3DH())
    buffer = bytearray(1)
    i2c.readfrom_mem_into(0x18, 0x0F, buffer)
    assert buffer == b"\x33"
    i2c.writeto(0x18, b"\x0f")
    i2c.readfrom_into(0x18, buffer)
    assert buffer == b"\x33"


def test_a_register_is_written_in_one_message(i2c: I2C, adapter: Adapter):
    adapter.wires.attach(0x40, INA219())
    i2c.writeto_mem(0x40, 5, bytearray(b"\x12\x34"))
    assert adapter.sent == [[(0x40, 0, b"\x05\x12\x34")]]
    assert i2c.readfrom_mem(0x40, 5, 2) == b"\x12\x34"
    assert i2c.writeto(0x40, b"\x00") == 1


def test_nobody_at_an_address_is_the_kernels_errno(i2c: I2C):
    with pytest.raises(OSError, match="no acknowledge") as caught:
        i2c.readfrom(0x50, 1)
    assert caught.value.errno == errno.EREMOTEIO


def test_a_chip_of_a_kernel_driver_is_busy_and_no_transfer_goes_past_it(i2c: I2C, adapter: Adapter, tmp_path: Path):
    (tmp_path / "1-0068" / "driver").mkdir(parents=True)
    adapter.wires.attach(0x68, DS3231())
    with pytest.raises(OSError, match="kernel driver") as caught:
        i2c.readfrom_mem(0x68, 0x0F, 1)
    assert caught.value.errno == errno.EBUSY
    assert adapter.sent == []
    assert i2c.scan() == [0x68]


@pytest.mark.parametrize("empty_ok", [True, False], ids=["empty write", "one byte read, as on a Pi 5"])
def test_a_scan_finds_who_answers(i2c: I2C, adapter: Adapter, empty_ok: bool):
    adapter.empty_ok = empty_ok
    adapter.wires.attach(0x48, ADS1115())
    adapter.wires.attach(0x18, LIS3DH())
    assert i2c.scan() == [0x18, 0x48]


def test_a_scan_of_a_held_line_ends_at_once(i2c: I2C, adapter: Adapter):
    adapter.wires.stuck = True
    with pytest.raises(OSError, match="held low"):
        i2c.scan()
    assert len(adapter.sent) == 1


def test_the_bus_is_opened_by_its_first_transfer_and_closed_once(adapter: Adapter, tmp_path: Path):
    opened = []
    i2c = I2C(3, open_bus=lambda number: opened.append(number) or adapter, devices=tmp_path)
    i2c.close()
    assert (opened, adapter.closed) == ([], 0)
    adapter.wires.attach(0x40, INA219())
    i2c.readfrom(0x40, 2)
    i2c.readfrom(0x40, 2)
    i2c.close()
    i2c.close()
    assert (opened, adapter.closed) == ([3], 1)


def test_a_transfer_without_its_end_is_refused_as_linux_has_none(i2c: I2C):
    with pytest.raises(ValueError, match="stop is False; want True"):
        i2c.writeto(0x40, b"\x00", False)


def test_a_bus_that_is_not_there_says_how_it_is_switched_on():
    with pytest.raises(PartError) as caught:
        open_smbus(99)
    assert (caught.value.what, caught.value.found) == ("I2C bus 99", "no /dev/i2c-99")
    assert "dtparam=i2c_arm=on" in caught.value.remedy


# Pin


def test_a_pin_is_claimed_at_its_first_use_and_reads_its_level():
    factory = simulated_factory(lambda: NOW_NS)
    pin = Pin(factory, 22, Pin.IN, Pin.PULL_UP)
    assert pin.value() == 1
    factory.pin(22).drive_low()
    assert pin.value() == 0
    pin.close()
    pin.close()


def test_an_output_is_switched_and_is_low_once_closed():
    factory = simulated_factory(lambda: NOW_NS)
    pin = Pin(factory, 23, Pin.OUT)
    pin.on()
    assert factory.pin(23).state
    pin.value(0)
    assert pin.value() == 0
    pin.on()
    line = factory.pin(23)
    pin.close()
    assert not line.state


@pytest.mark.parametrize(
    ("trigger", "levels"), [(Pin.IRQ_RISING, [1]), (Pin.IRQ_FALLING, [0]), (Pin.IRQ_RISING | Pin.IRQ_FALLING, [1, 0])]
)
def test_a_handler_gets_the_pin_at_the_edges_it_asked_for(trigger: int, levels: list[int]):
    factory = simulated_factory(lambda: NOW_NS)
    pin, heard = Pin(factory, 22, Pin.IN, Pin.PULL_DOWN), []
    pin.irq(lambda p: heard.append(p.value()), trigger)
    factory.pin(22).drive_high()
    factory.pin(22).drive_low()
    assert heard == levels
    pin.irq(None)
    factory.pin(22).drive_high()
    assert heard == levels


def test_two_parts_never_share_a_pin():
    factory = simulated_factory(lambda: NOW_NS)
    first = Pin(factory, 22)
    first.value()
    with pytest.raises(PartError, match="a pin of its own"):
        Pin(factory, 22).value()


def test_machines_names_are_micropythons():
    i2c = {name for name, of in vars(I2C).items() if isinstance(of, types.FunctionType) and not name.startswith("_")}
    assert i2c == {
        "readfrom", "readfrom_into", "writeto", "readfrom_mem", "readfrom_mem_into", "writeto_mem", "scan", "close",
    }  # fmt: skip

"""The carrier board: its electrical rules, its ties to the pins, and what arrives at a pin."""

from collections import Counter

import msgspec
import pytest

from edge import config
from hardware import bom, carrier, pins
from hardware.carrier import Board, Net, Part

PINS = pins.load()
BOARD = carrier.load(PINS)
UNITS = {"m": 1e-3, "k": 1e3, "n": 1e-9, "u": 1e-6}
LOW_V = 0.8  # what every model takes for low; Raspberry Pi documentation, gpio-on-raspberry-pi.adoc
HIGH_V = 2.0


def value(ref: str) -> float:
    """Ohms or farads of a part: 2k2, 100n, 20m."""
    text = BOARD.part[ref].value.split()[0]
    for letter, factor in UNITS.items():
        if letter in text:
            whole, _, rest = text.partition(letter)
            return float(f"{whole}.{rest or 0}") * factor
    return float(text)


def rewired(ref: str, *nets: str) -> Board:
    """The board with one part wired otherwise."""
    parts = {**BOARD.part, ref: msgspec.structs.replace(BOARD.part[ref], nets=nets)}
    return msgspec.structs.replace(BOARD, part=parts)


BREACHES = {
    "a wire that ends": (rewired("R1", "CONTACT_IN", "NOWHERE"), "net NOWHERE has one pin only, R1.2 (B)"),
    "a supply that nothing feeds": (rewired("U2", "VCC", "GND", "SCL", "SDA", *"----"), "net VCC feeds U2.1 (VIN)"),
    "two sources on one net": (rewired("U4", "3V3", "5V_IN", "GND", "SCL", "SDA", "GND", "3V3", "-"), "is driven by"),
    "an input left open": (rewired("U4", "3V3", "-", "GND", "SCL", "SDA", "-", "3V3", "-"), "U4.6 (SDO) is left open"),
    "a gate that floats while booting": (rewired("R13", "CONTACT", "GND"), "Q1.1 (G) has no resistor to GND"),
    "5 V on a pin of the Pi": (
        msgspec.structs.replace(BOARD, net={**BOARD.net, "CONTACT": Net(volts=5.1)}),
        "net CONTACT brings 5.1 V to J1.11 (contact), which bears 3.3",
    ),
    "a net that no part has": (msgspec.structs.replace(BOARD, net={**BOARD.net, "12V": Net(12.0)}), "net 12V is"),
    "an input among inputs": (
        rewired("U3", "X", "X", "SDA", "SCL", "3V3", "GND", "5V", "5V_FUSED"),
        "U3.1 (A1) floating",
    ),
}


@pytest.mark.parametrize("breach", BREACHES)
def test_a_breach_of_the_electrical_rules_is_named(breach: str):
    board, words = BREACHES[breach]
    assert any(words in fault for fault in carrier.faults(board)), list(carrier.faults(board))


def test_the_board_breaks_no_electrical_rule():
    assert list(carrier.faults(BOARD)) == []


def test_a_part_with_too_few_nets_is_refused():
    short = msgspec.structs.replace(BOARD, part={"R1": Part("resistor", "1k", ("A",))})
    with pytest.raises(ValueError, match="R1 names 1 nets; want 2"):
        carrier.pads(short)


def test_every_pin_of_the_header_is_on_the_net_of_its_name_and_no_other():
    header = {pad.number: pad.net for pad in carrier.pads(BOARD) if pad.ref == "J1"}
    assert {n: net for n, net in header.items() if net != "-"} == {str(pin.header): pin.net for pin in PINS.pin}


def test_chips_are_strapped_to_the_addresses_of_the_pin_table():
    at = {(pad.ref, pad.name): pad.net for pad in carrier.pads(BOARD)}
    chips = {chip.part: chip.address for chip in PINS.chip}
    assert at["U1", "ADDR"] == "GND" and chips["ADS1115"] == 0x48  # noqa: PT018  (one sentence: strap and address)
    assert (at["U3", "A0"], at["U3", "A1"]) == ("GND", "GND") and chips["INA219"] == 0x40  # noqa: PT018  (as above)
    assert at["U4", "SDO"] == "GND" and chips["LIS3DH"] == 0x18  # noqa: PT018  (as above)
    assert {at[ref, "SDA"] for ref in ("U1", "U2", "U3", "U4")} == {"SDA"}


def test_resistors_are_those_that_the_pin_table_and_the_loop_driver_name():
    assert value("R7") == PINS.loop.pull_ohm
    (shunt,) = [chip.shunt_mohm for chip in PINS.chip if chip.part == "INA219"]
    assert value("R6") * 1000 == pytest.approx(shunt)


@pytest.mark.parametrize(("series", "pull"), [("R1", "R2"), ("R3", "R4"), ("R5", "R9")])
def test_a_closed_contact_is_low_and_an_open_one_high_on_every_model(series: str, pull: str):
    assert 3.3 * value(series) / (value(series) + value(pull)) < LOW_V / 2
    weakest_pull_down_ohm = 33_000  # BCM2711, the strongest pull-down of all; only at reset
    assert 3.3 * weakest_pull_down_ohm / (weakest_pull_down_ohm + value(pull)) > HIGH_V


def test_a_contact_wired_to_5_v_pushes_no_more_into_the_pin_than_its_series_resistor_lets():
    clamped_v = 3.3 + 0.6
    assert (5.1 - clamped_v) / value("R1") < 0.002


def test_the_contacts_filter_is_far_quicker_than_the_driver_settles():
    rise_s = value("R2") * value("C1")
    assert rise_s * 5 * 1000 <= config.Door().settle_ms / 10


def test_lamps_draw_what_an_led_bears():
    assert 0.004 < (5.1 - 2.1) / value("R12") < 0.02


def test_every_part_on_the_board_is_bought_once():
    assert list(bom.faults(bom.load(), BOARD)) == []


def test_a_bill_that_misses_a_part_or_a_reason_for_its_price_is_named():
    bill = bom.load()
    first = msgspec.structs.replace(bill.item[0], kind="list", source="")
    poorer = msgspec.structs.replace(bill, item=(first, *(i for i in bill.item[1:] if "U1" not in i.refs)))
    assert list(bom.faults(poorer, BOARD)) == [
        "U1 is on the carrier and in no line of bom.toml",
        f"{first.part}: a price is `list` with its source, or `estimate`",
    ]


def test_the_sum_is_of_pieces_and_not_of_lines():
    bill = bom.load()
    (resistors,) = [item for item in bill.item if "R1" in item.refs]
    assert resistors.count == Counter(p.lib for p in BOARD.part.values())["resistor"]
    alone = msgspec.structs.replace(bill, item=(resistors,))
    assert bom.total(alone) == pytest.approx(resistors.price * resistors.count)


def test_the_netlist_names_every_part_and_joins_each_wired_pin_once():
    text = carrier.kicad(BOARD)
    wired = [pad for pad in carrier.pads(BOARD) if pad.net != "-"]
    assert text.count("(comp ") == len(BOARD.part)
    assert text.count("(node ") == len(wired)
    assert text.count("(") == text.count(")")

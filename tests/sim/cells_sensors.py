"""Cells of the fault matrix: chips, lid, supply and fault lamp. The door is watched, whatever they do."""

from collections.abc import Callable
from functools import partial

from edge.clock import SECOND
from edge.records import Alarm
from edge.sim.world import World
from tests.sim import faults as f
from tests.sim.stage import HOUR_S, Check, Fault, area, row

LED, LID = 23, 27  # GPIO
CHIPS = {"supply": 0x40, "enclosure": 0x44, "rtc": 0x68, "motion": 0x18, "loop": 0x48}
FITTED = {"sensors": {**CHIPS, "tamper_pin": LID}, "indicator": {"led_pin": LED}}
ODD = RuntimeError("something nobody thought of")


def unplugged(*names: str) -> Fault:
    """These chips are not on the bus."""

    def begin(world: World) -> Callable[[], None]:
        for name in names:
            world.chips.unplug(name)

        def plug() -> None:
            for name in names:
                world.chips.plug(name)

        return plug

    return begin


def brown_outs(world: World) -> Callable[[], None]:
    """The chips' supply fails for an instant, again and again."""
    on = [True]

    def again() -> None:
        if on[0]:
            world.chips.brown_out()
            world.after(20 * SECOND, again)

    again()
    return partial(on.__setitem__, 0, False)


def lid_off(world: World) -> Callable[[], None]:
    world.lid(False)
    return partial(world.lid, True)


def taken_down(world: World) -> Callable[[], None]:
    world.chips.take_down()
    return world.chips.hang


def wiring(state: str) -> Fault:
    """The contact's loop is so."""

    def begin(world: World) -> Callable[[], None]:
        world.chips.wire(state)
        return partial(world.chips.wire, "shut")

    return begin


def told(*wanted: str) -> Check:
    """The platform holds these alarms, once each and in this order, and no other."""

    def check(world: World) -> list[str]:
        records = [held.envelope.data.record for held in world.city.platform.held.values()]
        found = [record.what for record in records if isinstance(record, Alarm)]
        return [] if found == list(wanted) else [f"the platform holds the alarms {found}; want {list(wanted)}"]

    return check


# tables: a row for each cell
# fmt: off
SENSOR_CELLS = area(
    "sensors",
    row("a chip is unplugged", "its plug is out for a minute", unplugged("enclosure"), "live", "sensor.failed", 40),
    row("every chip is unplugged", "the plug of the lead", unplugged(*CHIPS), "live", "sensor.failed", 40,
        lasts_s=120),
    row("a chip is missing at start", "it was never plugged in", unplugged("motion"), "live", "sensor.failed", 3,
        at_start=True),
    row("the bus is held", "SDA lies at ground", f.switch(lambda world: world.chips.bus, stuck=True), "live",
        "sensor.failed", 10),
    row("a transfer does not end", "the bus's driver hangs", f.part("bus", hangs=True), "live", "sensor.failed", 11),
    row("the bus's worker raises", "a fault of ours at every step", f.part("bus", fault=ODD), "live", "loop.fault",
        4, faults=True, may_go_s=HOUR_S),
    row("the chips brown out", "they forget their settings every 20 s", brown_outs, "live"),
    row("the supply falls", "to 4.7 V", f.switch(lambda world: world.chips.supply, bus_mv=4700), "live", "supply.low",
        10),
    row("the mains is gone", "the unit runs on its battery",
        f.switch(lambda world: world.chips.supply, bus_mv=300), "live", "power.lost", 5,
        check=told("power_lost", "power_back")),
    row("the lid is opened", "and shut a minute later", lid_off, "live", "tamper.lid", 1,
        check=told("tamper", "tamper_over")),
    row("the unit is taken off its wall", "and hung up again", taken_down, "live", "tamper.wall", 5,
        check=told("tamper", "tamper_over")),
    row("the contact's wiring is cut", "behind the reed, and mended", wiring("cut"), "live", "tamper.wiring", 3,
        check=told("tamper", "tamper_over")),
    row("the lid's pin is busy at start", "another program holds it", f.busy_pin(LID), "live", "sensor.failed",
        at_start=True),
    row("fault lamp's pin busy at start", "another program holds it", f.busy_pin(LED), "live", "indicator.failed", 2,
        at_start=True),
    settings=FITTED,
)
# fmt: on

"""Every cell of the fault matrix keeps its promise, and the stage on which they are played sees when one does not."""

import logging
from collections.abc import Callable, Iterator

import msgspec
import pytest

from edge.clock import SECOND
from edge.sim.world import World
from tests.sim.faults import nothing
from tests.sim.matrix import CELLS, SEEDS, row, worst
from tests.sim.stage import Cell, Fault, play

AREAS = {"camera", "contact", "network", "DNS", "TLS", "broker", "receipts", "pictures", "disk", "clock", "process"}
AREAS |= {"memory", "commands", "board", "sensors"}


@pytest.fixture(scope="module", autouse=True)
def silence() -> Iterator[None]:
    logging.disable(logging.CRITICAL)  # every cell is a page of warnings
    yield
    logging.disable(logging.NOTSET)


def change(name: str, **fields: object) -> Cell:
    """That cell, with another promise or another fault."""
    return msgspec.structs.replace(next(cell for cell in CELLS if cell.name == name), **fields)


def later(fault: Fault, end_s: float) -> Fault:
    """The same, which ends that much later than it says."""

    def begin(world: World) -> Callable[[], None]:
        end = fault(world)
        return lambda: world.after(int(end_s * SECOND), end)

    return begin


@pytest.mark.parametrize("cell", CELLS, ids=[cell.name for cell in CELLS])
def test_the_cell_keeps_its_promise(cell: Cell):
    seen = worst(cell, SEEDS)
    assert seen.wrong == [], f"python tests/sim/matrix.py '{cell.name}'"


def test_every_cell_has_a_name_of_its_own_and_every_area_has_cells():
    assert len({cell.name for cell in CELLS}) == len(CELLS) >= 60
    assert {cell.area for cell in CELLS} == AREAS


# What the stage sees


def test_a_warning_that_does_not_show_or_shows_too_late_is_seen():
    assert (
        "camera.failed is not shown within 6 s"
        in play(change("camera dark", code="camera.failed", within_s=6)).wrong[0]
    )
    assert "link.network is not shown within 2 s" in play(change("network down", within_s=2)).wrong[0]


def test_a_warning_of_something_else_is_seen():
    wrong = play(change("network down", code="link.server")).wrong
    assert any("it shows ['link.network']" in line for line in wrong)


def test_a_warning_that_goes_while_its_cause_is_there_is_seen():
    assert any("goes while" in line for line in play(change("a step of the loop raises", may_go_s=0)).wrong)


def test_a_cause_that_is_not_over_after_a_minute_is_seen():
    down = change("network down")
    (told,) = play(msgspec.structs.replace(down, fault=later(down.fault, 61))).wrong[:1]
    assert told == "60 s after the cause's end it shows link.network"


def test_an_opening_that_is_not_live_is_seen():
    assert "not at the platform in time" in play(change("network down", stays="live")).wrong[0]


def test_an_opening_that_is_not_recorded_is_seen():
    seldom = {"door": {"resample_ms": 600_000}}  # without edges, the contact is looked at every ten minutes
    assert "not recorded within settle + 1 s" in play(change("all edges dropped", settings=seldom)).wrong[0]


def test_an_exception_at_the_edge_of_the_loop_is_seen():
    (told,) = (line for line in play(change("a step of the loop raises", faults=False)).wrong if "reached" in line)
    assert told == "1 exceptions reached the deciding loop's edge"


def test_a_cell_is_a_line_of_the_table_with_what_was_seen_of_it():
    cell = change("network down")
    line = row(cell, play(cell))
    assert line.startswith("| network | network down | connections end, and none comes about | every opening recorded")
    assert "`link.network` after 5 s" in line or "`link.network` after 6 s" in line
    assert line.endswith(" s |")


def test_where_nothing_is_wrong_nothing_is_seen():
    assert play(change("rattle", fault=nothing, wave="bounce")).wrong == []

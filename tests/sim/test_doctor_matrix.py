"""Doctor names the right cause over the fault matrix, and the judge of that is no pushover."""

import logging
from collections.abc import Iterator

import pytest

from tests.sim.doctor_matrix import AIM, Visit, visits
from tests.sim.matrix import CELLS

DOWN = next(cell for cell in CELLS if cell.name == "network down")
LOSSY = next(cell for cell in CELLS if cell.name == "half of all messages lost")
CALM = next(cell for cell in CELLS if cell.name == "rattle")


@pytest.fixture(scope="module", autouse=True)
def silence() -> Iterator[None]:
    logging.disable(logging.CRITICAL)  # every cell is a page of warnings
    yield
    logging.disable(logging.NOTSET)


def test_the_one_right_cause_is_named_in_nearly_every_cell():
    wrong = [cell.name for cell in CELLS if not all(visit.right for visit in visits(cell))]
    assert len(wrong) <= (1 - AIM) * len(CELLS), wrong


@pytest.mark.parametrize(
    ("cell", "named", "right"),
    [
        (DOWN, ("link.network",), True),
        (DOWN, ("net.interface",), True),
        (DOWN, (), False),
        (DOWN, ("link.server",), False),
        (DOWN, ("link.network", "clock.unsynced"), False),
        (CALM, (), True),
        (CALM, ("contact.chatter",), False),
        (LOSSY, ("receipt.none",), True),
        (LOSSY, ("receipt.none", "power.low"), False),
    ],
)
def test_a_visit_is_right_where_the_cause_is_named_alone(cell, named: tuple[str, ...], right: bool):
    assert Visit(cell, 1, named).right is right


def test_a_network_that_is_down_is_traced_to_its_nearest_cause():
    assert {visit.named for visit in visits(DOWN)} == {("net.interface",)}

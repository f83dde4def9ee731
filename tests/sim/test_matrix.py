"""Every cell of the fault matrix keeps its promise, and the stage on which they are played sees when one does not."""

import logging
from collections.abc import Iterator

import msgspec
import pytest

from edge.sim.world import World
from tests.sim import faults as f
from tests.sim.matrix import CELLS, SEEDS, row, worst
from tests.sim.stage import Cell, play

AREAS = {"camera", "contact", "network", "DNS", "TLS", "broker", "receipts", "pictures", "disk", "clock", "process"}
AREAS |= {"memory", "commands"}


@pytest.fixture(scope="module", autouse=True)
def silence() -> Iterator[None]:
    logging.disable(logging.CRITICAL)  # every cell is a page of warnings
    yield
    logging.disable(logging.NOTSET)


def named(name: str) -> Cell:
    return next(cell for cell in CELLS if cell.name == name)


def change(name: str, **fields: object) -> Cell:
    """That cell, promising something else."""
    return msgspec.structs.replace(named(name), **fields)


@pytest.mark.parametrize("cell", CELLS, ids=[cell.name for cell in CELLS])
def test_the_cell_keeps_its_promise(cell: Cell):
    seen = worst(cell, SEEDS)
    assert seen.wrong == [], f"python tests/sim/matrix.py '{cell.name}'"


def test_every_cell_has_a_name_of_its_own_and_every_area_has_cells():
    assert len({cell.name for cell in CELLS}) == len(CELLS) >= 60
    assert {cell.area for cell in CELLS} == AREAS


# What the stage must see


def test_a_warning_that_does_not_show_is_seen():
    (told,) = (
        line for line in play(change("card dark", code="camera.failed", within_s=6)).wrong if "not shown" in line
    )
    assert told.startswith("camera.failed is not shown within 6")

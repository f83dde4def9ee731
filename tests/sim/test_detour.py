"""A week in which MQTT is blocked again and again: nothing is lost, and the unit finds its way there and back."""

import logging
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from edge.clock import SECOND
from edge.sim import script
from edge.sim.world import World

MINUTE = 60 * SECOND


@pytest.fixture(scope="module", autouse=True)
def silence() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("seed", [0])
def test_a_week_of_blocks_among_all_other_faults_breaks_no_promise(seed: int, tmp_path: Path) -> None:
    world = World(seed, tmp_path, detour=True)
    world.run(script.write(world, odds=msgspec.structs.replace(script.TYPICAL, blocks=8)))
    assert world.wrong() == []
    assert world.web is not None
    assert min(world.web.arrived, world.city.arrived) > 10


@pytest.mark.parametrize("kind", ["refused", "dropped"])
def test_an_opening_in_a_block_arrives_within_two_minutes_and_the_unit_returns_when_it_ends(
    kind: str, tmp_path: Path
) -> None:
    world = World(1, tmp_path, detour=True)
    world.start()
    world.advance(MINUTE)
    world.city.block(kind)
    world.advance(2 * MINUTE)
    world.move(False, "clean")
    world.advance(4 * MINUTE)
    assert world.unit is not None
    crew = world.unit.crew
    assert (crew.courier.protocol, crew.journal.backlog) == ("https", 0)
    assert "link.fallback" in {w.row.code for w in crew.health.shown(crew.clock.now())}
    world.city.block("")
    world.advance(9 * MINUTE)
    assert crew.courier.protocol == "5"
    world.move(True, "clean")
    world.advance(10 * MINUTE)
    assert crew.journal.backlog == 0
    assert not crew.health.active("link.fallback")
    assert world.wrong() == []


def test_where_nothing_comes_through_the_network_is_named_as_without_a_second_way(tmp_path: Path) -> None:
    world = World(1, tmp_path, detour=True)
    world.start()
    world.advance(MINUTE)
    world.city.cut("down")
    world.advance(30 * MINUTE)
    assert world.unit is not None
    health = world.unit.crew.health
    assert [w.row.code for w in health.shown(world.clock.now())] == ["link.network"]
    world.city.mend()
    world.advance(40 * MINUTE)
    assert world.unit.crew.courier.protocol == "5"
    world.die()
    assert world.faults == 0

"""With two platforms each sees every record that it wants, through weeks in which both come and go."""

import logging
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from edge.sim.beside import differ
from edge.sim.city import Held
from edge.sim.world import World
from tests.sim.beside import WISHES, live_beside


@pytest.fixture(scope="module", autouse=True)
def silence() -> Iterator[None]:
    logging.disable(logging.CRITICAL)  # a week of faults is a week of warnings
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    lived = live_beside(4711, tmp_path_factory.mktemp("world"))
    assert lived.wrong() == []
    return lived


def held(world: World) -> tuple[list[Held], list[Held]]:
    return list(world.city.platform.held.values()), list(world.others[0].platform.held.values())


@pytest.mark.parametrize("seed", range(4))
def test_a_week_of_faults_on_both_sides_keeps_nothing_from_either(seed: int, tmp_path: Path):
    world = live_beside(seed, tmp_path)
    assert world.wrong() == []
    main, other = held(world)
    assert len(main) > 30
    assert len(other) > 20


def test_a_record_that_one_of_them_never_had_is_seen(world: World):
    main, other = held(world)
    wish = WISHES[4711 % 2]
    assert differ(world.truth, wish, main, other[:-1]) != []
    assert differ(world.truth, wish, main[:-1], other) != []


def test_a_record_that_is_not_the_same_to_both_is_seen(world: World):
    main, other = held(world)
    data = other[-1].envelope.data
    changed = msgspec.structs.replace(data, record=msgspec.structs.replace(data.record, seq=data.record.seq + 1000))
    envelope = msgspec.structs.replace(other[-1].envelope, data=changed)
    assert len(differ(world.truth, WISHES[4711 % 2], main, [*other[:-1], Held(0, envelope)])) == 2

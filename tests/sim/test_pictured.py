"""A camera in the simulated world: every opening that it saw has one set of pictures, whatever is cut off meanwhile."""

import logging
import random
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import msgspec
import pytest

from edge.clock import MS, SECOND, Quality
from edge.records import FrameSet
from edge.sim.city import Held
from edge.sim.history import judge
from edge.sim.world import SETTINGS, World
from edge.unit.sets import CUT_OFF

CAMERA = {"width": 160, "height": 120, "fps": 1.0, "before_s": 1.0, "after_s": 3.0}
HOUR_S = 600  # as short as an hour of a house may seem


@pytest.fixture(scope="module", autouse=True)
def silence() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def hour(seed: int, folder: Path) -> World:
    """Openings, half of them cut off at any instant of the next five seconds, with a link that comes and goes."""
    world = World(seed, folder, {**SETTINGS, "camera": CAMERA, "uplink": {**SETTINGS["uplink"], "backoff_max_s": 20}})
    dice = random.Random(seed)
    for at_s in range(10, HOUR_S - 60, 30):
        world.at(at_s * SECOND, lambda: world.move(False, "bounce"))
        world.at((at_s + 8) * SECOND, lambda: world.move(True, "clean"))
        cut_ns = at_s * SECOND + dice.randrange(40_000, 5_000_000) * 1000
        if dice.random() < 0.5:
            off, on = dice.choice(((world.cut, partial(reboot, world)), (world.die, world.start)))
            world.at(cut_ns, off)
            world.at(cut_ns + dice.randint(500, 2000) * MS, on)
        if dice.random() < 0.2:
            world.at(cut_ns, lambda: world.city.cut("down"))
            world.at(cut_ns + dice.randint(1, 30) * SECOND, world.city.mend)
    world.run(HOUR_S * SECOND)
    return world


def reboot(world: World) -> None:
    world.boot(Quality.SYNCED)
    world.set_clock(Quality.SYNCED, 1, 0)


def held(world: World) -> list[Held]:
    return list(world.city.platform.held.values())


def of(world: World, kind: type) -> list[Held]:
    return [h for h in held(world) if isinstance(h.envelope.data.record, kind)]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    lived = hour(1, tmp_path_factory.mktemp("pictured"))
    assert lived.wrong() == []
    return lived


@pytest.mark.parametrize("seed", range(2, 5))
def test_each_opening_has_one_set_of_pictures_whenever_the_unit_is_cut_off(seed: int, tmp_path: Path):
    world = hour(seed, tmp_path)
    assert world.wrong() == []


def test_some_of_these_sets_were_cut_off_and_name_pictures_all_the_same(world: World):
    cut = [h.envelope.data.record for h in of(world, FrameSet) if h.envelope.data.record.missing == CUT_OFF]
    assert len(cut) > 3
    assert any(record.frames for record in cut)
    named = {ref.name for record in cut for ref in record.frames}
    assert named <= set(world.shelf.took), "every picture that is named has arrived"


def test_an_opening_without_a_set_is_seen(world: World):
    one = of(world, FrameSet)[2]
    found = judge(world.truth, [h for h in held(world) if h is not one])
    assert any("has 0 sets of pictures" in sentence for sentence in found)


def test_an_opening_with_two_sets_is_seen(world: World):
    one = of(world, FrameSet)[2]
    data = one.envelope.data
    record = msgspec.structs.replace(data.record, seq=100_000)
    twice = msgspec.structs.replace(one.envelope, id="x", data=msgspec.structs.replace(data, record=record))
    found = judge(world.truth, [*held(world), Held(one.order, twice)])
    assert any("has 2 sets of pictures" in sentence for sentence in found)

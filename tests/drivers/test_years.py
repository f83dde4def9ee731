"""Doors that are watched for long: no warning of a healthy one, and each ailment by its own name in good time."""

import pytest

from drivers.contact_health import NAMES
from tests.drivers.years import AILMENTS, HEALTHY, WELL, YEAR, ailing, healthy, live, warned


@pytest.mark.parametrize("name", HEALTHY)
def test_a_healthy_door_is_not_warned_of_in_a_year(name: str):
    assert warned(healthy(name, seed=1)) == []


def test_a_year_is_long_enough_to_learn_the_door_many_times_over():
    *_, health = live(healthy("reed", seed=2, visits=YEAR // 10))
    assert health.learned


@pytest.mark.parametrize("name", AILMENTS)
@pytest.mark.parametrize("seed", range(2))
def test_an_ailment_is_named_rightly_before_half_of_its_way_and_never_before_it_began(name: str, seed: int):
    found = warned(ailing(name, seed))
    assert [NAMES[code] for _, code in found] == [NAMES[AILMENTS[name].code]]
    (when, _) = found[0]
    assert WELL < when < WELL + 28 * 10

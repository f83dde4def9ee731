"""A simulated unit that can be started again and again on one folder."""

from pathlib import Path

import pytest

from edge.sim.time import SimClock
from tests.unit.rig import Rig, Start


@pytest.fixture
def clock() -> SimClock:
    return SimClock()


@pytest.fixture
def start(tmp_path: Path, clock: SimClock) -> Start:
    """Start the agent: its link is accepted at once unless `up` is False."""

    def go(*, up: bool = True, **options: object) -> Rig:
        rig = Rig(tmp_path, clock, **options)  # type: ignore[arg-type]  # passed on as they are
        if up:
            rig.link.accept()
        rig.live(0.2)
        return rig

    return go

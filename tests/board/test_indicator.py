"""The fault lamp and the buzzer: what shows when, and that a dead lamp stops nothing."""

import pytest

from edge.board import pins
from edge.board.indicator import Panel
from edge.clock import MS
from edge.loop import Loop
from edge.sim.time import SimClock, live

LED, BUZZER = 23, 24


class Bench:
    """A panel, its pins, and a log of what changed on them."""

    def __init__(self, *, buzzer: int | None = BUZZER) -> None:
        self.clock = SimClock()
        self.loop = Loop(self.clock.now)
        self.factory = pins.simulated_factory(self.clock.now)
        self.panel = Panel(pins.lamp(self.factory, LED), pins.lamp(self.factory, buzzer), self.loop)
        self.trouble: list[object] = []
        self.panel.on_trouble = self.trouble.append

    def levels(self, for_ms: int, step_ms: int = 10) -> list[tuple[bool, bool]]:
        seen = []
        for _ in range(for_ms // step_ms):
            live(self.loop, self.clock, step_ms * MS)
            seen.append((bool(self.factory.pin(LED).state), bool(self.factory.pin(BUZZER).state)))
        return seen


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_a_fault_blinks_twice_every_four_seconds_without_a_sound(bench: Bench):
    bench.panel.fault(True)
    seen = bench.levels(3900)
    begins = sum(now[0] and not was[0] for was, now in zip([(False, False), *seen], seen, strict=False))
    assert begins == 2
    assert not any(sound for _, sound in seen)
    bench.panel.fault(False)
    assert bench.levels(4000) == [(False, False)] * 400


def test_identify_wins_over_a_fault_and_ends_by_itself(bench: Bench):
    bench.panel.fault(True)
    bench.panel.identify(2)
    assert any(sound for _, sound in bench.levels(2000))
    seen = bench.levels(4000)
    assert any(lit for lit, _ in seen)
    assert not any(sound for _, sound in seen)


def test_where_nothing_shows_no_timer_runs(bench: Bench):
    bench.panel.fault(True)
    bench.panel.fault(False)
    bench.levels(100)
    assert bench.loop.turn() is None


def test_closed_it_is_dark_and_stays_so(bench: Bench):
    bench.panel.identify(30)
    bench.levels(200)
    lines = [bench.factory.pin(LED), bench.factory.pin(BUZZER)]
    bench.panel.close()
    bench.panel.close()
    bench.panel.identify(30)
    live(bench.loop, bench.clock, 500 * MS)
    assert [bool(line.state) for line in lines] == [False, False]


def test_a_lamp_alone_will_do():
    bench = Bench(buzzer=None)
    bench.panel.identify(1)
    assert any(lit for lit, _ in bench.levels(1000))


def test_a_pin_that_another_has_is_told_and_taken_when_it_is_free(bench: Bench):
    other = pins.Lamp(bench.factory, BUZZER)
    other.open()
    bench.panel.fault(True)
    assert "GPIO24" in str(bench.trouble[-1])
    other.close()
    seen = bench.levels(65_000, 100)
    assert bench.trouble[-1] is None
    assert any(lit for lit, _ in seen)

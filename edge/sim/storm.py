"""A fleet in one run: it comes up, lives, loses its power all at once, comes back, and settles what it owes."""

from collections.abc import Callable, Sequence
from math import ceil

import msgspec

from edge.clock import MS, SECOND, Clock
from edge.loop import Loop
from edge.sim.fleet import Fleet, Plan
from edge.sim.swarm import Door, Swarm, SwarmLink


class Script(msgspec.Struct, frozen=True):
    """How long each part lasts at most; cut_s is how long the power is away, 0: it never goes."""

    up_s: float = 120.0  # for all to connect
    live_s: float = 60.0
    cut_s: float = 0.0
    storm_s: float = 120.0  # for all to be back, nothing owed
    settle_s: float = 120.0  # for what is owed at the end


class Report(msgspec.Struct, frozen=True):
    """What was seen. Waits: an opening's, from record to receipt, while the fleet lived."""

    units: int
    all_up_s: float | None  # None: they never all were
    openings: int
    p50_ms: float | None
    p99_ms: float | None
    worst_ms: float | None
    pulses: int
    back_s: float | None  # after the power's return: all connected, nothing owed
    storm_attempts: int  # connections that came about or not, meanwhile
    made: int
    sends: int
    owed: int  # records without a receipt at the end


def play(plan: Plan, door: Door, script: Script, clock: Clock, say: Callable[[str], object]) -> Report:
    """One run in this thread, in real time. `say` gets a line for each part."""
    loop = Loop(clock.now)
    swarm = Swarm(loop, door)
    fleet = Fleet(plan, loop, clock, lambda *args: SwarmLink(swarm, *args))
    stage = _Stage(swarm, clock)
    try:
        fleet.start()
        all_up_s = stage.until(lambda: fleet.up == plan.units, script.up_s)
        say(f"{fleet.up} of {plan.units} connected after {all_up_s or script.up_s:.1f} s\n")
        del fleet.tally.waits[:]
        pulses = fleet.tally.pulses
        stage.until(lambda: False, script.live_s)
        waits, pulses = list(fleet.tally.waits), fleet.tally.pulses - pulses
        say(f"{len(waits)} openings in {script.live_s:g} s\n")
        back_s, attempts = None, 0
        if script.cut_s:
            fleet.cut()
            say("power cut\n")
            stage.until(lambda: False, script.cut_s)
            before = fleet.tally.connects + fleet.tally.failures
            fleet.restore()
            back_s = stage.until(lambda: fleet.up == plan.units and fleet.owed == 0, script.storm_s)
            attempts = fleet.tally.connects + fleet.tally.failures - before
            say(f"{fleet.up} back, {fleet.owed} records owed after {back_s or script.storm_s:.1f} s\n")
        fleet.rest()
        stage.until(lambda: fleet.owed == 0, script.settle_s)
        return Report(
            units=plan.units,
            all_up_s=all_up_s,
            openings=len(waits),
            p50_ms=_percentile(waits, 50),
            p99_ms=_percentile(waits, 99),
            worst_ms=_percentile(waits, 100),
            pulses=pulses,
            back_s=back_s,
            storm_attempts=attempts,
            made=fleet.tally.made,
            sends=fleet.tally.sends,
            owed=fleet.owed,
        )
    finally:
        fleet.close()
        swarm.close()


class _Stage:
    def __init__(self, swarm: Swarm, clock: Clock) -> None:
        self._swarm = swarm
        self._clock = clock

    def until(self, done: Callable[[], bool], at_most_s: float) -> float | None:
        """Turn until it is done: seconds that took; None where it took too long."""
        began_ns = self._clock.now()
        end_ns = began_ns + int(at_most_s * SECOND)
        self._swarm.run(lambda: done() or self._clock.now() >= end_ns)
        return (self._clock.now() - began_ns) / SECOND if done() else None


def _percentile(waits: Sequence[int], p: int) -> float | None:
    ranked = sorted(waits)
    return ranked[max(0, ceil(len(ranked) * p / 100) - 1)] / MS if ranked else None

"""The wall clock: set, by whom, how good."""

from collections.abc import Iterator

from edge.clock import FLOOR_NS, Quality
from edge.onsite.check import Check, Found, Scene, skipped, well, wrong
from edge.wire import rfc3339


def run(scene: Scene) -> Iterator[Found]:
    """Where the agent lives its word counts: it knows since when."""
    stamp = scene.probes.clock()
    if stamp is None or (scene.agent is not None and scene.pulse("clock") is not None):
        quality, error_ms, shows = scene.pulse("clock"), scene.pulse("error_ms"), scene.pulse("time")
    else:
        quality, error_ms, shows = stamp.clock, stamp.error_ms, rfc3339(stamp.wall_ns)
    if quality is None:
        yield skipped("clock", "not to be had here")
    elif quality == Quality.SYNCED:
        yield well("clock", f"synced, within {error_ms} ms" if error_ms is not None else "synced")
    elif scene.agent is None and stamp is not None:
        why = "it was never set" if stamp.wall_ns < FLOOR_NS else f"{quality}, not confirmed by the network"
        yield wrong("clock.unsynced", "clock", f"{shows}: {why}", "a clock set by a time server")
    else:
        yield skipped("clock", f"{quality}, shows {shows}")


CHECK = Check("clock", {"clock": ("Clock", "时钟")}, run, tells={"clock": "clock"})

"""A simulated door: its leaf swings, its contact plays a waveform on the wire, in real time on a thread of its own."""

import random
import threading
from collections.abc import Callable

from edge.clock import MS, SECOND
from edge.errors import ConfigError
from edge.sim import waves
from edge.sim.contact import Wire

SWING_NS = 900 * MS  # from shut to fully open


class Door:
    """The door in front of a simulated unit; `move` may be called from any thread."""

    def __init__(self, wire: Wire, now: Callable[[], int], *, open_: bool = False, seed: int | None = None) -> None:
        self._wire = wire
        self._now = now
        self._dice = random.Random(seed)  # noqa: S311 - a door's bounce is no secret
        self._lock = threading.Lock()
        self._open = open_
        self._moved_ns = now() - SWING_NS
        self._halt = threading.Event()
        self._player: threading.Thread | None = None
        wire.set(not open_)

    @property
    def is_open(self) -> bool:
        """Where the leaf is, whatever the contact says."""
        return self._open

    def leaf(self) -> float:
        """How far the leaf has swung at this instant: 0 shut, 1 fully open."""
        swung = min(1.0, (self._now() - self._moved_ns) / SWING_NS)
        return swung if self._open else 1.0 - swung

    def move(self, open_: bool, wave: str = "clean") -> None:
        """Open or shut it; the contact plays `wave`. A glitch moves no leaf. Raises ConfigError."""
        if wave not in waves.NAMES:
            raise ConfigError(
                "waveform", found=wave, wanted="one of " + ", ".join(waves.NAMES), remedy="Choose one of these."
            )
        with self._lock:
            self._stop()
            if wave != "glitch" and open_ is not self._open:
                self._open = open_
                self._moved_ns = self._now()
            self._halt.clear()
            self._player = threading.Thread(target=self._play, args=(not open_, wave), name="door", daemon=True)
            self._player.start()

    def close(self) -> None:
        """End the waveform; safe to repeat."""
        with self._lock:
            self._stop()

    def _stop(self) -> None:
        self._halt.set()
        if self._player is not None:
            self._player.join(timeout=5)

    def _play(self, to_closed: bool, wave: str) -> None:
        begun_ns = self._now()
        for at_us, closed in waves.wave(wave, to_closed, self._dice):
            wait_ns = begun_ns + at_us * 1000 - self._now()
            if wait_ns > 0 and self._halt.wait(wait_ns / SECOND):
                return
            self._wire.set(closed)

"""How others would report the same contact: models, each written from the source that it names.

None is the thing itself. A model is given what the kernel delivers of a waveform, and returns the changes that its
user's callback would get: (the time it says, the level it says), the contact being closed at first. How late Python
wakes is assumed, not measured.
What is left out favours them: queues that overflow, and the edges that epoll merges while a callback runs.
"""

import random
from bisect import bisect_right
from collections.abc import Callable

from drivers.reed import SETTLED, Reed
from tests.drivers.feed import feed
from tests.drivers.waveforms.physics import MS, SETTLE_US, Edge, Waveform

Changes = list[Edge]
LATE_US = 5 * MS  # how late our thread wakes at most
READ_US = (50, 300)  # from an edge until a thread that waits in epoll has read it
CALLBACK_US = (300, 1_500)  # from an edge until a Python callback of a C thread has read the pin again


def native(waveform: Waveform, dice: random.Random) -> Changes:
    """gpiozero 2.0.1.post3, gpiozero/pins/native.py, bounce_time=0.05: NativeWatchThread and NativeDispatchThread.

    The level and the time are read when epoll returns; a call locks out all others for bounce_time (`_last_call`);
    mixins.py `_fire_events` tells changes only. rpigpio.py hands the same lock-out to RPi.GPIO (event_gpio.c).
    """
    return _locked_out(waveform, dice, SETTLE_US, READ_US)


def lgpio(waveform: Waveform, _dice: random.Random) -> Changes:
    """gpiozero/pins/lgpio.py, bounce_time=0.05, on lg's lgPthAlerts.c `xDebWatEvt`.

    An edge is reported if none follows within the period and its level differs from the one reported last; the stamp
    is the edge's plus the period; the level is the edge's own, the pin is never read again.
    """
    told: Changes = []
    heard = _delivered(waveform)
    for (t_us, closed), (next_us, _) in zip(heard, [*heard[1:], (waveform.until_us, True)], strict=True):
        if next_us - t_us > SETTLE_US and (not told or told[-1][1] is not closed):
            told.append((t_us + SETTLE_US, closed))
    return _changes(told)


def mqtt_io(waveform: Waveform, dice: random.Random) -> Changes:
    """mqtt-io 2.6.0, modules/gpio/raspberrypi.py with `interrupt: both`, on RPi.GPIO's event_gpio.c `poll_thread`.

    bouncetime is 100 ms unless set: one callback, then a lock-out; `get_interrupt_value` reads the pin again in the
    callback; no time is published, so it is the receiver's: here as if the network took none.
    """
    return _locked_out(waveform, dice, 100 * MS, CALLBACK_US)


def ours(waveform: Waveform, dice: random.Random) -> Changes:
    """drivers/reed.py at its default settings, on a thread that wakes LATE_US late at most. No model."""
    return _ours(waveform, dice)[0]


def faults(waveform: Waveform, dice: random.Random) -> int:
    """How often drivers/reed.py reports that the contact does not come to rest."""
    return _ours(waveform, dice)[1]


def _ours(waveform: Waveform, dice: random.Random) -> tuple[Changes, int]:
    dropped = waveform.dropped
    heard = {t for t, _ in waveform.edges if t not in dropped} if dropped else None

    def late() -> int:
        return int(dice.random() * LATE_US)

    told = feed(Reed(), waveform.edges, waveform.until_us, before=True, heard=heard, late=late)
    reports = [heard.report for heard in told if heard.report is not None]
    settled = [(report.first_us, bool(report.closed)) for report in reports if report.kind == SETTLED]
    return _changes(settled), len(reports) - len(settled)


RIVALS: dict[str, Callable[[Waveform, random.Random], Changes]] = {
    "gpiozero native, RPi.GPIO": native,
    "gpiozero lgpio": lgpio,
    "mqtt-io, RPi.GPIO": mqtt_io,
    "drivers/reed.py": ours,
}


def _delivered(waveform: Waveform) -> list[Edge]:
    return [edge for edge in waveform.edges if edge[0] not in waveform.dropped]


def _changes(told: Changes) -> Changes:
    """Without what only repeats the level before it."""
    found, level = [], True
    for t_us, closed in told:
        if closed is not level:
            found.append((t_us, closed))
            level = closed
    return found


def _locked_out(waveform: Waveform, dice: random.Random, lock_us: int, wake_us: tuple[int, int]) -> Changes:
    """The first edge counts, with the level that is read when it is handled; then nothing does for lock_us."""
    times, levels = [t for t, _ in waveform.edges], [True, *(closed for _, closed in waveform.edges)]
    told: Changes = []
    last_us = read_us = -lock_us
    for t_us, _ in _delivered(waveform):
        if t_us <= read_us or t_us - last_us <= lock_us - wake_us[1]:
            continue  # epoll is edge-triggered: what came before the last read was read with it
        read_us = t_us + wake_us[0] + int(dice.random() * (wake_us[1] - wake_us[0]))
        if read_us - last_us > lock_us:
            last_us = read_us
            told.append((read_us, levels[bisect_right(times, read_us)]))
    return _changes(told)

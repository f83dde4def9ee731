"""The chips, asked in turn on a worker of their own. A chip that fails is told of, and tried again until it answers."""

import logging
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from edge.board.chips import I2C, Chip, Said, Step
from edge.board.diagnosis import Seen, explain, look
from edge.clock import MS, SECOND
from edge.loop import Loop, Worker

log = logging.getLogger(__name__)

AGAIN_NS = SECOND  # after a first failure, which may be noise
RETRY_NS = 15 * SECOND  # and after the next ones: plugged in again, it is back well within a minute
DEADLINE_NS = 5 * SECOND  # the kernel ends a transfer after 1 s; a step makes up to four


class _Probe:
    """One chip, and where its watch has got to. `watch` is the worker's, all else the deciding thread's."""

    def __init__(self, chip: Chip) -> None:
        self.chip = chip
        self.watch: Iterator[Step] | None = None
        self.asked_ns: int | None = None
        self.failures = 0
        self.error = ""  # why it is taken to be dead
        self.late = False  # because a step does not end

    def step(self) -> Step:
        """In the worker: go on, or begin anew after an exception."""
        watch, self.watch = self.watch or self.chip.watch(), None
        step = next(watch)
        self.watch = watch
        return step


class Sensors:
    """Lives in the deciding thread. Hooks: on_said(what a chip told), on_fault(chips that fail, why; [], "": well)."""

    def __init__(self, bus: I2C, chips: Sequence[Chip], worker: Worker, loop: Loop) -> None:
        self._bus = bus
        self._probes = [_Probe(chip) for chip in chips]
        self._worker = worker
        self._loop = loop
        self._running = False
        self.on_said: Callable[[Said], None] = lambda _: None
        self.on_fault: Callable[[list[str], str], None] = lambda _names, _why: None

    def start(self) -> None:
        """Begin to ask."""
        self._running = True
        for probe in self._probes:
            self._ask(probe)
        self._mind()

    def close(self) -> None:
        """Ask no more; safe to repeat."""
        self._running = False

    def _ask(self, probe: _Probe) -> None:
        if self._running:
            probe.asked_ns = self._loop.now()
            self._worker.do(probe.step, partial(self._answered, probe), partial(self._failed, probe))

    def _answered(self, probe: _Probe, step: Step) -> None:
        probe.asked_ns = None
        said, wait_ms = step
        if said is not None or probe.late:
            probe.failures = 0
            probe.late = False
            if probe.error:
                probe.error = ""
                self._explain()
        if said is not None:
            self.on_said(said)
        self._loop.after(wait_ms * MS, partial(self._ask, probe))

    def _failed(self, probe: _Probe, err: Exception) -> None:
        probe.asked_ns = None
        probe.failures += 1
        first = probe.failures == 1 and not probe.error
        self._loop.after(AGAIN_NS if first else RETRY_NS, partial(self._ask, probe))
        if not isinstance(err, OSError | ValueError):
            raise err  # a fault of ours, which the loop's edge logs and counts; the chip is asked again all the same
        log.debug("%s: %s", probe.chip.name, err)
        if not first:
            self._bury(probe, str(err))

    def _bury(self, probe: _Probe, error: str) -> None:
        known, probe.error, probe.late = probe.error and not probe.late, error, False
        if not known:
            self._explain()

    def _mind(self) -> None:
        """A step that does not end holds up all others, and the look at the bus too: told without it."""
        if not self._running:
            return
        late = [p for p in self._probes if p.asked_ns is not None and self._loop.now() - p.asked_ns >= DEADLINE_NS]
        for probe in late:
            probe.late = True
            probe.error = probe.error or f"{probe.chip.name}: no answer within {DEADLINE_NS // SECOND} s"
        if late:
            self._tell(Seen(err="a transfer does not end", held=True))
        self._loop.after(DEADLINE_NS, self._mind)

    def _explain(self) -> None:
        """Look at the whole bus where something fails, then tell."""
        failed = [probe for probe in self._probes if probe.error]
        if failed:
            address = failed[0].chip.address
            self._worker.do(partial(look, self._bus, address), self._tell, lambda err: self._tell(Seen(err=str(err))))
        else:
            self._tell(Seen())

    def _tell(self, seen: Seen) -> None:
        failed = {probe.chip.name: probe.error for probe in self._probes if probe.error}
        chips = {probe.chip.name: probe.chip.address for probe in self._probes}
        self.on_fault(list(failed), explain(failed, chips, seen) if failed else "")

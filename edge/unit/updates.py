"""Tells the platform how trials of other versions ended, each once, and warns while the last one came back."""

from collections.abc import Callable, Mapping

from edge.board.slots import Slots
from edge.clock import SECOND
from edge.health import Health
from edge.loop import Loop, Worker
from edge.unit.recorder import Recorder

KEY = "update"  # of what is kept on the card: what has been told
LOOK_NS = 600 * SECOND
CODE = "update.returned"


class Updates:
    """Lives in the deciding thread; its worker reads. `keep(KEY, state)` puts what was told on the card."""

    def __init__(
        self,
        read: Callable[[], Slots | None],
        worker: Worker,
        loop: Loop,
        health: Health,
        recorder: Recorder,
        keep: Callable[[str, bytes], None],
    ) -> None:
        self._read, self._worker, self._loop = read, worker, loop
        self._health, self._recorder, self._keep = health, recorder, keep
        self._told: bytes | None = None

    def begin(self, stored: Mapping[str, bytes] | None) -> None:
        """Look from now on. None: the card does not say what was told, so nothing is told in this life."""
        self._told = None if stored is None else stored.get(KEY, b"")
        self._look()

    def kept(self) -> dict[str, str]:
        """What outlives an erasing: of the program, nothing of the door."""
        return {KEY: self._told.decode()} if self._told else {}

    def _look(self) -> None:
        self._worker.do(self._read, self._seen, lambda _: None)
        self._loop.after(LOOK_NS, self._look)

    def _seen(self, slots: Slots | None) -> None:
        if slots is None or not slots.told:
            return
        last = slots.told[-1]
        self._health.put(CODE, self._loop.now(), last.what == "returned", f"{last.version}: {last.why}")
        if self._told is None:
            return
        names = [f"{one.number}-{one.at}".encode() for one in slots.told]
        new = slots.told[names.index(self._told) + 1 :] if self._told in names else slots.told
        for one in new:
            detail: dict[str, int | str | None] = {"version": one.version, "former": one.former}
            self._recorder.audit(f"update.{one.what}", "unit", {**detail, "why": one.why[:200], "ended_s": one.at})
        if new:
            self._told = names[-1]
            self._keep(KEY, self._told)

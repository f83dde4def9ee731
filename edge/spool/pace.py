"""How long the card takes for one job at a time: slow once, it is called slow until a job is quick again."""

from collections.abc import Callable

from edge.clock import SECOND
from edge.loop import Loop, Timer

SLOW_NS = 2 * SECOND  # a job that takes longer than this is worth a warning
SOON_NS = SECOND
TRIAL_NS = 30 * SECOND  # after a slow one: there may be no other for minutes that says that the card is quick again


class Pace:
    """Lives in the deciding thread. Hooks: on_slow(whether it is), on_trial() when a job is wanted to see how it is."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self.on_slow: Callable[[bool], object] = lambda _: None
        self.on_trial: Callable[[], None] = lambda: None
        self.busy = False
        self.last_ns: int | None = None  # how long the last job took
        self._began_ns = 0
        self._deadline: Timer | None = None
        self._is_slow = False
        self._appointed = False

    @property
    def hangs(self) -> bool:
        """Whether the job in hand takes too long already."""
        return self.busy and self._deadline is None

    def soon(self, act: Callable[[], None], *, wait: bool) -> None:
        """Call `act`: now, or within SOON_NS and then once for all who ask meanwhile."""
        if not wait:
            act()
        elif not self._appointed:
            self._appointed = True
            self._loop.after(SOON_NS, lambda: self._come(act))

    def begin(self) -> None:
        """A job begins."""
        self.busy = True
        self._began_ns = self._loop.now()
        self._deadline = self._loop.after(SLOW_NS, self._too_slow)

    def end(self) -> None:
        """It has ended, well or not."""
        self.busy = False
        self.last_ns = self._loop.now() - self._began_ns
        if self._deadline is None:
            self._loop.after(TRIAL_NS, self._try)
            return
        self._deadline.cancel()
        if self._is_slow:
            self._is_slow = False
            self.on_slow(False)

    def _come(self, act: Callable[[], None]) -> None:
        self._appointed = False
        act()

    def _too_slow(self) -> None:
        self._deadline = None
        self._is_slow = True
        self.on_slow(True)

    def _try(self) -> None:
        if self._is_slow and not self.busy:
            self.on_trial()

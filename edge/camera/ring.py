"""Frames before and after an instant. In memory only; sealing and writing are the spool's business.

Pure: it lives in the deciding thread and time is an argument (ns of the boot clock).

Which frames an opening gets when there would be more than `max_frames`: the ones nearest to it. Frames from after it
come one by one, so their number is foreseen from `after_s` and `fps`: the side before gets what they will leave over,
or half of `max_frames`, whichever is more (its latest ones); the side after gets the rest (its earliest ones).
"""

from bisect import insort
from collections.abc import Hashable
from typing import Generic, TypeVar

from edge.clock import SECOND
from edge.parts import FrameTaken

K = TypeVar("K", bound=Hashable)


class Ring(Generic[K]):
    """The last frames, and the openings that are collecting theirs. A frame may belong to several openings.

    late_s: how long after its own instant an opening or a frame may become known here (a contact that takes time to
    settle, a picture still in the inbox). The ring looks back, and a window stays open, that much longer.
    """

    def __init__(self, *, before_s: float, after_s: float, fps: float, max_frames: int, late_s: float = 0.0) -> None:
        period_ns = round(SECOND / fps)
        self._before_ns = round(before_s * SECOND)
        self._after_ns = round(after_s * SECOND)
        self._late_ns = round(late_s * SECOND)
        self._max_frames = max_frames
        self._max_before = max(max_frames - self._after_ns // period_ns - 1, max_frames // 2)
        back_ns = self._before_ns + self._late_ns
        self.capacity = back_ns // period_ns + 2  # frames held at most: (before_s + late_s) * fps + 2
        self._span_ns = back_ns + period_ns  # one period more: the next frame may come before the opening is known
        self._frames: list[FrameTaken] = []  # oldest first
        self._catches: dict[K, _Catch] = {}

    def __len__(self) -> int:
        return len(self._frames)

    @property
    def last(self) -> FrameTaken:
        """The latest frame. Raises IndexError where there is none."""
        return self._frames[-1]

    def take(self, frame: FrameTaken) -> list[tuple[K, FrameTaken]]:
        """Keep `frame` for openings to come, and return it with the key of each opening it belongs to."""
        insort(self._frames, frame, key=_taken)  # the inbox keeps order; a clock that does not costs no frame
        self._forget_before(self._frames[-1].boot_ns - self._span_ns)
        del self._frames[: -self.capacity]
        mine = [key for key, catch in self._catches.items() if self._wants(catch, frame.boot_ns)]
        for key in mine:
            self._catches[key].count += 1
        return [(key, frame) for key in mine]

    def catch(self, key: K, at_ns: int) -> list[FrameTaken]:
        """Start collecting for the opening at `at_ns`; return its frames so far, oldest first.

        That is those of [at - before_s, at], and those already taken since. Raises ValueError for a key in use.
        """
        if key in self._catches:
            raise ValueError(f"opening {key!r}: found one collecting under that key; want a new key for each opening")
        catch = _Catch(at_ns)
        window = [f for f in self._frames if self._wants(catch, f.boot_ns)]
        before = [f for f in window if f.boot_ns <= at_ns]
        before = before[max(0, len(before) - self._max_before) :]
        since = [f for f in window if f.boot_ns > at_ns][: self._max_frames - len(before)]
        catch.count = len(before) + len(since)
        self._catches[key] = catch
        return before + since

    def done(self, now_ns: int) -> list[K]:
        """The openings that get no more frames: window over or max_frames reached. Each key is returned once."""
        self._forget_before(now_ns - self._span_ns)
        over = [key for key, catch in self._catches.items() if self._due_ns(catch) <= now_ns]
        for key in over:
            del self._catches[key]
        return over

    def due_ns(self) -> int | None:
        """When `done` will next have something to return, or None where no opening is collecting."""
        return min((self._due_ns(catch) for catch in self._catches.values()), default=None)

    def clear(self) -> list[K]:
        """Drop every frame and return the openings that were collecting: the camera is switched off."""
        keys = list(self._catches)
        self._frames.clear()
        self._catches.clear()
        return keys

    def _wants(self, catch: "_Catch", boot_ns: int) -> bool:
        in_window = catch.at_ns - self._before_ns <= boot_ns <= catch.at_ns + self._after_ns
        return in_window and catch.count < self._max_frames

    def _due_ns(self, catch: "_Catch") -> int:
        if catch.count >= self._max_frames:
            return catch.at_ns
        return catch.at_ns + self._after_ns + self._late_ns + 1  # a frame of the last instant still belongs

    def _forget_before(self, oldest_ns: int) -> None:
        self._frames = [f for f in self._frames if f.boot_ns >= oldest_ns]


class _Catch:
    """One opening: when it was, and how many frames it has been given."""

    __slots__ = ("at_ns", "count")

    def __init__(self, at_ns: int) -> None:
        self.at_ns = at_ns
        self.count = 0


def _taken(frame: FrameTaken) -> int:
    return frame.boot_ns

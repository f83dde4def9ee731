"""One lamp and one buzzer: patterns by time. Pure: it is told the time and says which of the two should be on.

A steady lamp means one thing alone, that the camera takes pictures: while it does, no pattern can darken the lamp,
and no pattern keeps it lit. The lamp that says so to the resident must not depend on this file being right: wire it
to the camera's own supply where that can be done.

    show = Indicator(diff=time.ticks_diff)
    show.begin(IDENTIFY, time.ticks_ms(), 30_000)
    while True:
        lamp, buzzer = show.levels(time.ticks_ms())
        led.value(lamp)
        beeper.value(buzzer)
        time.sleep_ms(show.wait_ms(time.ticks_ms()))
"""

TYPE_CHECKING = False  # no typing module on a board; a checker takes the name as true
if TYPE_CHECKING:
    from collections.abc import Callable

FAULT, WALK_TEST, OPENED, IDENTIFY = "fault", "walk_test", "opened", "identify"

# Pattern -> its steps: (ms, lamp, buzzer), over and over. The later in this table, the more it matters.
PATTERNS = {
    FAULT: ((120, True, False), (280, False, False), (120, True, False), (3480, False, False)),
    WALK_TEST: ((100, True, False), (900, False, False)),
    OPENED: ((200, True, True), (100, False, False), (200, True, True), (500, False, False)),  # in a walk test
    IDENTIFY: ((150, True, True), (150, False, False)),
}
ORDER = (FAULT, WALK_TEST, OPENED, IDENTIFY)  # a dict keeps no order on a board

LONGEST_LIT_MS = 500  # a pattern that lights the lamp for longer would look like the camera


def _minus(later_ms: int, earlier_ms: int) -> int:
    return later_ms - earlier_ms


class Indicator:
    """What shows of the unit. `camera_on` is set by whoever runs the camera, and wins over every pattern.

    diff(later, earlier): for clocks that wrap, time.ticks_diff; then no pattern may run for more than six days.
    """

    def __init__(self, diff: "Callable[[int, int], int]" = _minus) -> None:
        self.camera_on = False
        self._diff = diff
        self._running: "dict[str, tuple[int, int | None]]" = {}  # pattern -> begun, for how long

    def begin(self, pattern: str, now_ms: int, for_ms: "int | None" = None) -> None:
        """Show a pattern from now on, for for_ms milliseconds or until `end`.

        One that runs goes on from where it is: begun again and again it would keep the lamp lit, as the camera does.
        """
        if pattern not in PATTERNS:
            raise ValueError("pattern is %s; want one of %s" % (pattern, ", ".join(ORDER)))
        begun = self._running.get(pattern)
        if begun is None or not self._lasts(begun, now_ms):
            self._running[pattern] = (now_ms, for_ms)
        else:
            age_ms = self._diff(now_ms, begun[0])
            self._running[pattern] = (begun[0], None if for_ms is None else age_ms + for_ms)

    def end(self, pattern: str) -> None:
        """Show it no longer; harmless where it is not shown."""
        self._running.pop(pattern, None)

    def shown(self, now_ms: int) -> "str | None":
        """The pattern that is shown at now_ms, or None."""
        for pattern in reversed(ORDER):
            begun = self._running.get(pattern)
            if begun is not None:
                if self._lasts(begun, now_ms):
                    return pattern
                self.end(pattern)
        return None

    def levels(self, now_ms: int) -> "tuple[bool, bool]":
        """Lamp and buzzer at now_ms: True is lit, is sounding."""
        _, lamp, buzzer = self._step(now_ms)
        return self.camera_on or lamp, buzzer

    def wait_ms(self, now_ms: int) -> int:
        """Milliseconds until the levels may change by themselves; 1000 where nothing is shown."""
        return self._step(now_ms)[0]

    def _lasts(self, begun: "tuple[int, int | None]", now_ms: int) -> bool:
        return begun[1] is None or self._diff(now_ms, begun[0]) < begun[1]

    def _step(self, now_ms: int) -> "tuple[int, bool, bool]":
        pattern = self.shown(now_ms)
        if pattern is None:
            return 1000, False, False
        begun_ms, for_ms = self._running[pattern]
        age_ms = self._diff(now_ms, begun_ms)
        steps = PATTERNS[pattern]
        at_ms = age_ms % sum([ms for ms, _, _ in steps])
        at = 0
        while at_ms >= steps[at][0]:
            at_ms -= steps[at][0]
            at += 1
        ms, lamp, buzzer = steps[at]
        left_ms = ms - at_ms
        return left_ms if for_ms is None else min(left_ms, for_ms - age_ms), lamp, buzzer

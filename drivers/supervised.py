"""A contact with end-of-line resistors, read as a voltage: shut and open, and what a plain contact cannot tell.

Three resistors at the door, one at the unit, all alike: `pull` from the supply to the input, `line` in series with
the contact, `alarm` across the contact, `foreign` (with a second reed that only a strange magnet closes) from the
line to ground. Each state then has a voltage of its own, as a share of the supply in per mille:

    short 0   foreign 333 to 400   shut 500   open 667   cut 1000   over: fed from elsewhere, a wire to 5 V

A second resistor that somebody clips across the loop to hold it shut looks like `foreign` too. Pure: it is fed times
in milliseconds and shares; it owns neither converter nor clock.

    line = Supervised(diff=time.ticks_diff)
    report = line.sample(time.ticks_ms(), per_mille(ads.read_mv(0, time.sleep_ms), 3300))
    if report:
        print(report.state, report.closed)
"""

from collections import namedtuple

TYPE_CHECKING = False  # no typing module on a board; a checker takes the name as true
if TYPE_CHECKING:
    from collections.abc import Callable

    Limits = tuple[tuple[int, str], ...]

SHORT, FOREIGN, SHUT, OPEN, CUT, OVER = "short", "foreign", "shut", "open", "cut", "over"
UNREST = "unrest"  # it has not come to rest at any of them within chatter_ms
CLOSED = {SHUT: True, OPEN: False}  # every other state is a fault, and tells nothing of the door

# state; closed: what that says of the door (None: nothing); first_ms: when it left the state before;
# per_mille: the last share that was read; was: the state before.
Report = namedtuple("Report", ("state", "closed", "first_ms", "per_mille", "was"))

_HIGHEST = 1_000_000  # above any share


def per_mille(input_mv: int, supply_mv: int) -> int:
    """An input's share of its supply, rounded; both in millivolts, read within the same second."""
    if supply_mv <= 0:
        raise ValueError("supply_mv is %s; want more than 0" % supply_mv)
    return (input_mv * 1000 + supply_mv // 2) // supply_mv


def limits(pull_ohm: int = 2200, line_ohm: int = 2200, alarm_ohm: int = 2200, foreign_ohm: int = 2200) -> "Limits":
    """The table of states by share: (up to this per mille, state), half-way between neighbours. Raises ValueError."""
    opened = line_ohm + alarm_ohm

    def share(ohm: int) -> int:
        return 1000 * ohm // (ohm + pull_ohm)

    low = share(line_ohm * foreign_ohm // (line_ohm + foreign_ohm))
    high = share(opened * foreign_ohm // (opened + foreign_ohm))
    shut, is_open = share(line_ohm), share(opened)
    table = (
        (low // 2, SHORT),
        ((high + shut) // 2, FOREIGN),
        ((shut + is_open) // 2, SHUT),
        ((is_open + 1000) // 2, OPEN),
        (1050, CUT),
        (_HIGHEST, OVER),
    )
    if low < 100 or shut - high < 60 or is_open - shut < 60 or is_open > 900:
        raise ValueError("states at %d to %d, %d and %d per mille; want 60 between them" % (low, high, shut, is_open))
    return table


LIMITS = limits()


def _minus(later_ms: int, earlier_ms: int) -> int:
    return later_ms - earlier_ms


class Supervised:
    """One line. `state` is what it rests at (None before the first rest), `closed` what that says of the door.

    settle_ms: rest that counts. chatter_ms: unrest that is a fault. hysteresis: per mille by which a share must pass
    a limit to leave its state. diff(later, earlier): for clocks that wrap, time.ticks_diff.
    """

    def __init__(
        self,
        settle_ms: int = 100,
        chatter_ms: int = 3000,
        hysteresis: int = 12,
        table: "Limits" = LIMITS,
        diff: "Callable[[int, int], int]" = _minus,
    ) -> None:
        if not 0 < settle_ms < chatter_ms:
            raise ValueError("settle_ms is %s; want 1 to below chatter_ms (%s)" % (settle_ms, chatter_ms))
        if not 0 <= hysteresis <= 25:
            raise ValueError("hysteresis is %s; want 0 to 25 per mille" % hysteresis)
        self.settle_ms = settle_ms
        self.chatter_ms = chatter_ms
        self.state: "str | None" = None
        self._hysteresis = hysteresis
        self._table = table
        self._diff = diff
        self._seen: "str | None" = None  # where the last share was
        self._since_ms = 0  # how long it has been there
        self._first_ms: "int | None" = None  # when it left `state`

    @property
    def closed(self) -> "bool | None":
        """True, False, or None where the line tells nothing of the door."""
        return CLOSED.get(self.state) if self.state is not None else None

    def sample(self, now_ms: int, share: int) -> "Report | None":
        """Tell the share in per mille as read at now_ms, at least twice in settle_ms; returns a Report of a change."""
        seen = self._where(share)
        if seen != self._seen:
            self._seen = seen
            self._since_ms = now_ms
        if seen == self.state:
            if self._diff(now_ms, self._since_ms) >= self.settle_ms:
                self._first_ms = None
            return None
        if self._first_ms is None:
            self._first_ms = now_ms
        if self._diff(now_ms, self._since_ms) >= self.settle_ms:
            return self._become(seen, share)
        if self.state != UNREST and self._diff(now_ms, self._first_ms) >= self.chatter_ms:
            return self._become(UNREST, share)
        return None

    def wait_ms(self) -> int:
        """How long until `sample` should be called again."""
        return max(1, self.settle_ms // 2)

    def forget(self) -> None:
        """The line could not be read for a while: the next rest is reported, whatever it is."""
        self.state = self._seen = self._first_ms = None

    def _where(self, share: int) -> str:
        """The state by the table; the one seen last reaches further by the hysteresis, both ways."""
        low = -_HIGHEST
        for limit, state in self._table:
            if state == self._seen and low - self._hysteresis < share <= limit + self._hysteresis:
                return state
            low = limit
        for limit, state in self._table:
            if share <= limit:
                return state
        return OVER

    def _become(self, state: str, share: int) -> Report:
        was, first_ms = self.state, self._first_ms
        self.state = state
        self._first_ms = None
        return Report(state, CLOSED.get(state), first_ms, share, was)

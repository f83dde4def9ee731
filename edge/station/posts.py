"""What goes to the group's robot by itself: today's list, the week's sums, and each term's end. Time is an argument.

How far each post has come is in the ledger, written after the post was taken: a restart forgets none, and repeats one
only if the station was cut between the two. A list whose day is over is not posted late. Errors are tried again.
"""

import logging
from collections.abc import Iterator
from datetime import datetime, time, timedelta
from typing import Protocol

import msgspec

from edge.clock import SECOND
from edge.errors import DoorunitError
from edge.station import team
from edge.station.office import Office
from edge.station.sheets import clock, word
from edge.wire import from_rfc3339

log = logging.getLogger(__name__)

RETRY_NS = (60 * SECOND, 120 * SECOND, 300 * SECOND, 900 * SECOND)
END_NEWS_NS = 2 * 86_400 * SECOND  # an older end is no news: the station was off, or is new
ROWS_MOST = 40  # group robots cut longer texts: WeCom at 2048 bytes, Feishu at 20 kB
BYTES_MOST = 2000


class Poster(Protocol):
    """Takes a text to a group; blocks for seconds at most. Raises DoorunitError where it was not taken."""

    def post(self, text: str) -> None:
        """Post it."""
        ...


class Post(msgspec.Struct, frozen=True):
    """Something that is due. `what` and `mark` are kept once it is out."""

    what: str
    mark: str
    text: str


class Posts:
    """Call `tick` every minute or so, from one thread."""

    def __init__(self, office: Office, poster: Poster) -> None:
        self._office = office
        self._poster = poster
        self._failures = 0
        self._not_before_ns = 0

    def tick(self, now_ns: int) -> int:
        """Post what is due; returns how many went out. The first refusal ends it, and later ticks try again."""
        if 0 < self._not_before_ns - now_ns <= RETRY_NS[-1]:  # more: the clock was set back
            return 0
        out = 0
        for post in self._due(now_ns):
            try:
                self._poster.post(post.text)
            except DoorunitError as err:
                self._refused(err, now_ns)
                return out
            self._office.book.keep_mark(post.what, post.mark, now_ns)
            if self._failures:
                log.info("posts go out again after %d refusals", self._failures)
            self._failures, self._not_before_ns = 0, 0
            out += 1
        return out

    def _refused(self, err: DoorunitError, now_ns: int) -> None:
        log.log(logging.DEBUG if self._failures else logging.WARNING, "a post was not taken: %s", err)
        self._not_before_ns = now_ns + RETRY_NS[min(self._failures, len(RETRY_NS) - 1)]
        self._failures += 1

    def _due(self, now_ns: int) -> Iterator[Post]:
        now, habits = self._office.local(now_ns), self._office.habits
        today = now.date()
        if now.time() >= time.fromisoformat(habits.daily_at) and self._fresh("daily", today.isoformat(), now):
            yield Post("daily", today.isoformat(), today_text(self._office, now_ns))
        monday = today - timedelta(days=(today.weekday() - habits.weekday) % 7)
        at = datetime.combine(monday, time.fromisoformat(habits.weekly_at), self._office.zone)
        if now >= at and self._fresh("weekly", monday.isoformat(), now):
            yield Post("weekly", monday.isoformat(), week_text(self._office, now_ns))
        for flat in team.flats(self._office, now_ns):
            what, ends = f"end:{flat['unit']}", flat["ends"]
            recent = flat["term"] == "over" and now_ns - from_rfc3339(ends) <= END_NEWS_NS
            if recent and self._office.book.mark(what) != ends:
                yield Post(what, ends, end_text(flat, self._office))

    def _fresh(self, what: str, mark: str, now: datetime) -> bool:
        """Not posted yet. A mark later than tomorrow is of a clock that was ahead, and must not silence for years."""
        kept = self._office.book.mark(what)
        return kept < mark or kept > (now.date() + timedelta(days=1)).isoformat()


def today_text(office: Office, now_ns: int) -> str:
    """Who is in term today, a line each."""
    language = office.habits.language
    flats = [flat for flat in team.flats(office, now_ns) if flat["term"] == "now"]
    title = f"{word('today', language)} {office.local(now_ns):%Y-%m-%d}"
    if not flats:
        return f"{title}\n{('今日无人在期', 'Nobody is in term today')[language == 'en']}"
    day = ("第 {0}/{1} 天，至 {2}", "day {0} of {1}, until {2}")[language == "en"]
    lines = [
        f"{flat['label'] or flat['unit']}  {day.format(flat['day'], flat['days'], clock(flat['ends'], office))}"
        for flat in flats
    ]
    return _short([f"{title}: {len(flats)}", *lines], language)


def week_text(office: Office, now_ns: int) -> str:
    """The week up to last midnight."""
    sums, language = team.week(office, now_ns), office.habits.language
    period = word("from", language).format(clock(sums["from"], office), clock(sums["to"], office))
    keys = ("openings", "expected", "attended", "unattended", "in_term", "ended")
    total = word("total", language).format(*(sums[key] for key in keys))
    lines = [f"{one['label'] or one['unit']}  {one['openings']}" for one in sums["units"]]
    return _short([word("week", language), period, total, *lines], language)


def end_text(flat: team.JSON, office: Office) -> str:
    """One term is over."""
    said = ("{0} 的期限已于 {1} 结束，请安排拆除设备。", "The term of {0} ended at {1}; the unit may be taken down.")
    name = " ".join(filter(None, (flat["label"], flat["unit"])))
    return said[office.habits.language == "en"].format(name, clock(flat["ends"], office))


def _short(lines: list[str], language: str) -> str:
    """As many lines as a group robot takes; what is left out is counted."""
    kept: list[str] = []
    for line in lines:
        if len(kept) >= ROWS_MOST or len("\n".join([*kept, line]).encode()) > BYTES_MOST - 60:
            left = len(lines) - len(kept)
            kept.append(
                (f"……另有 {left} 户，见工作站页面", f"... and {left} more, on the station's page")[language == "en"]
            )
            break
        kept.append(line)
    return "\n".join(kept)

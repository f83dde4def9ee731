"""Who is at the installer's page: one person at a time, let in by the code of the label. Pure; time is an argument.

The code has 40 random bits and counts until the unit is signed off; wrong ones are slowed down, each address for itself
and all together.
"""

import hmac
import secrets
from typing import Literal

import msgspec

from edge.clock import SECOND
from edge.secret import Secret

IDLE_NS = 7200 * SECOND  # a session that nothing was heard of for so long is over
BURST, EVERY_NS = 5, 10 * SECOND  # wrong codes of one address at once, then one each
ALL_BURST, ALL_EVERY_NS = 60, SECOND  # and of all addresses
ADDRESSES_MAX = 256
NAME_MAX = 40

Verdict = Literal["in", "wrong", "often", "busy"]


class Person(msgspec.Struct, frozen=True):
    """Who is in."""

    name: str
    address: str
    since_ns: int


class Bucket:
    """So many at once, then one every so often."""

    def __init__(self, most: int, every_ns: int) -> None:
        self._most, self._every_ns = most, every_ns
        self._spent: list[int] = []

    def empty(self, now_ns: int) -> bool:
        """Whether nothing is left."""
        self._spent = [at for at in self._spent if now_ns - at < self._most * self._every_ns]
        return len(self._spent) >= self._most

    def spend(self, now_ns: int) -> None:
        """One less; each comes back after `most` times `every_ns`."""
        self._spent.append(now_ns)


class Gate:
    """One thread at a time: the page's server holds a lock."""

    def __init__(self, unit: str, code: Secret) -> None:
        self._unit, self._code = unit, code
        self._wrong: dict[str, Bucket] = {}
        self._all = Bucket(ALL_BURST, ALL_EVERY_NS)
        self._cookie = ""
        self._seen_ns = 0
        self.person: Person | None = None

    def enter(self, said: str, name: str, address: str, now_ns: int, *, take_over: bool) -> tuple[Verdict, str]:
        """The verdict, and for "in" the cookie. `said`: the code, or all that the label's QR says."""
        bucket = self._of(address)
        if bucket.empty(now_ns) or self._all.empty(now_ns):
            return "often", ""
        if not self._is_right(said):
            bucket.spend(now_ns)
            self._all.spend(now_ns)
            return "wrong", ""
        if self._lives(now_ns) and not take_over:
            return "busy", ""
        self._cookie, self._seen_ns = secrets.token_urlsafe(24), now_ns
        self.person = Person(" ".join(name.split())[:NAME_MAX], address, now_ns)
        return "in", self._cookie

    def knows(self, cookie: str, now_ns: int) -> bool:
        """Whether this is the cookie of who is in; that keeps the session."""
        if not self._lives(now_ns) or not hmac.compare_digest(cookie.encode(), self._cookie.encode()):
            return False
        self._seen_ns = now_ns
        return True

    def leave(self) -> None:
        """Nobody is in any more."""
        self._cookie, self.person = "", None

    def _lives(self, now_ns: int) -> bool:
        return bool(self._cookie) and now_ns - self._seen_ns < IDLE_NS

    def _is_right(self, said: str) -> bool:
        said = said.strip()
        if said.lower().startswith("doorunit:"):
            said = said.removeprefix(f"doorunit:1:{self._unit}:")
        tidy = said.upper().replace(" ", "").replace("-", "").encode("utf-8", "replace")
        return hmac.compare_digest(tidy, self._code.reveal())

    def _of(self, address: str) -> Bucket:
        bucket = self._wrong.pop(address, None) or Bucket(BURST, EVERY_NS)
        while len(self._wrong) >= ADDRESSES_MAX:
            del self._wrong[next(iter(self._wrong))]
        self._wrong[address] = bucket
        return bucket

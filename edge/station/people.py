"""The people who work at this station: accounts, signing in, sessions. Time is an argument; any thread.

A name that nobody has is treated as one that somebody has, also in the time it takes: a stranger learns no names.
"""

import hashlib
import secrets
import unicodedata
from enum import StrEnum

import msgspec

from edge.clock import SECOND
from edge.errors import ConfigError, DoorunitError
from edge.station import passwords
from edge.station.audit import Act, Trail
from edge.station.ledger import Ledger
from edge.station.passwords import Cost

NAME_MOST = 40
IDLE_NS = 12 * 3600 * SECOND  # a shift, so that a phone that lies unused overnight asks again
LIFE_NS = 7 * 86_400 * SECOND
SEEN_NS = 60 * SECOND  # how finely a session's last use is written down
FREE = 5  # failures of one name before it is locked; NIST SP 800-63B wants fewer than 100
FREE_FROM = 20  # of one address: a whole office may stand behind it
LOCK_NS, LOCK_MOST_NS = 60 * SECOND, 900 * SECOND  # doubles from one to the other
FORGET_NS = 3600 * SECOND  # after this long without a failure the count begins anew
ATTEMPTS_MOST = 10_000  # names and addresses that are counted; strangers choose them


class Role(StrEnum):
    """What a person works as; one may have several."""

    WORKER = "worker"
    INSTALLER = "installer"
    TECHNICIAN = "technician"


class Person(msgspec.Struct, frozen=True):
    """An account. fresh: it has the password that the station made, and must choose another."""

    name: str
    roles: tuple[Role, ...]
    fresh: bool
    added_ns: int


class Session(msgspec.Struct, frozen=True):
    """Somebody who is signed in. csrf: what the page sends with each request that changes something."""

    person: Person
    csrf: str
    token: str  # as it is kept, hashed


class LockedError(DoorunitError, PermissionError):
    """Too many failures; nobody may try for `wait_s` seconds."""

    def __init__(self, wait_s: int) -> None:
        super().__init__(
            "sign-in",
            found="too many failures",
            wanted=f"a pause of {wait_s} s",
            remedy="Wait, or have the password reset at the station: doorunit station people reset NAME",
        )
        self.wait_s = wait_s


class People:
    """Accounts, attempts and sessions in the ledger; every act of signing in is in the audit."""

    def __init__(self, ledger: Ledger, trail: Trail, cost: Cost | None = None) -> None:
        self._ledger = ledger
        self._trail = trail
        self._cost = cost or Cost()
        self._nobody = passwords.hashed(passwords.first(), self._cost)

    # Accounts

    def all(self) -> list[Person]:
        """Everybody, by name."""
        rows = self._ledger.read("SELECT name, roles, fresh, added_ns FROM person ORDER BY name")
        return [_person(*row) for row in rows]

    def any(self) -> bool:
        """Whether there is an account at all."""
        return bool(self._ledger.read("SELECT 1 FROM person LIMIT 1"))

    def add(self, name: str, roles: tuple[Role, ...], now_ns: int, by: str) -> str:
        """A new account; returns its first password, which is kept nowhere. Raises ConfigError."""
        name, password = clean_name(name), passwords.first()
        if self._person(name) is not None:
            raise _account(name, "an account of that name", "a new name", "`people reset` gives a new password.")
        if not roles:
            raise _account(name, "no role", "at least one", "--role worker, installer or technician.")
        words = " ".join(dict.fromkeys(roles))
        with self._ledger.change() as db:
            db.execute(
                "INSERT INTO person VALUES (?, ?, ?, 1, ?)",
                (name, words, passwords.hashed(password, self._cost), now_ns),
            )
        self._trail.write(now_ns, by, Act.ADDED, subject=name, detail=words)
        return password

    def remove(self, name: str, now_ns: int, by: str) -> None:
        """End the account and its sessions at once. What the person did stays in the audit. Raises ConfigError."""
        name = self._known(name).name
        with self._ledger.change() as db:
            db.execute("DELETE FROM person WHERE name = ?", (name,))
        self._trail.write(now_ns, by, Act.REMOVED, subject=name)

    def reset(self, name: str, now_ns: int, by: str) -> str:
        """A new first password; ends the person's sessions and lock. Raises ConfigError."""
        name, password = self._known(name).name, passwords.first()
        self._set_password(name, password, fresh=True)
        self._trail.write(now_ns, by, Act.RESET, subject=name)
        return password

    # Signing in

    def sign_in(self, name: str, password: str, address: str, now_ns: int) -> str | None:
        """The new session's token, or None: wrong. Raises LockedError without looking at the password."""
        name = unicodedata.normalize("NFC", name.strip())
        name = (name if name.isprintable() else ascii(name))[:NAME_MOST]
        keys = ((f"name:{name}", FREE), (f"from:{address}", FREE_FROM))
        wait_ns = max(self._wait_ns(who, now_ns) for who, _ in keys)
        if wait_ns > 0:
            self._trail.write(now_ns, name, Act.REFUSED, subject=address, detail="locked")
            raise LockedError(-(-wait_ns // SECOND))
        self._count(keys, now_ns)  # before it is known, so that a hundred guesses at once are a hundred
        kept = self._ledger.read("SELECT password FROM person WHERE name = ?", (name,))
        right = passwords.matches(password[: passwords.MOST], kept[0][0] if kept else self._nobody)
        if not (kept and right):
            self._trail.write(now_ns, name, Act.REFUSED, subject=address, detail="name or password")
            return None
        token = secrets.token_urlsafe(32)
        with self._ledger.change() as db:
            db.execute("DELETE FROM attempt WHERE who = ?", (f"name:{name}",))
            db.execute("UPDATE attempt SET failures = failures - 1 WHERE who = ?", (f"from:{address}",))
            db.execute(
                "DELETE FROM session WHERE NOT (? - seen_ns BETWEEN 0 AND ?) OR NOT (? - began_ns BETWEEN 0 AND ?)",
                (now_ns, IDLE_NS, now_ns, LIFE_NS),
            )
            row = (_hash(token), name, secrets.token_urlsafe(32), now_ns, now_ns)
            db.execute("INSERT INTO session VALUES (?, ?, ?, ?, ?)", row)
        self._trail.write(now_ns, name, Act.SIGNED_IN, subject=address)
        return token

    def session(self, token: str, now_ns: int) -> Session | None:
        """Who that is, while the session lives and its person has an account; a clock set back ends it too."""
        rows = self._ledger.read(
            "SELECT p.name, p.roles, p.fresh, p.added_ns, s.csrf, s.token, s.began_ns, s.seen_ns"
            " FROM session s JOIN person p ON p.name = s.name WHERE s.token = ?",
            (_hash(token),),
        )
        if not rows:
            return None
        name, roles, fresh, added_ns, csrf, kept, began_ns, seen_ns = rows[0]
        if not (-SEEN_NS <= now_ns - seen_ns <= IDLE_NS and -SEEN_NS <= now_ns - began_ns <= LIFE_NS):
            return None
        if now_ns - seen_ns > SEEN_NS:
            with self._ledger.change() as db:
                db.execute("UPDATE session SET seen_ns = ? WHERE token = ?", (now_ns, kept))
        return Session(_person(name, roles, fresh, added_ns), csrf, kept)

    def sign_out(self, session: Session, now_ns: int) -> None:
        """End this session."""
        with self._ledger.change() as db:
            db.execute("DELETE FROM session WHERE token = ?", (session.token,))
        self._trail.write(now_ns, session.person.name, Act.SIGNED_OUT)

    def change_password(self, session: Session, old: str, new: str, address: str, now_ns: int) -> bool:
        """Whether `old` was right and `new` counts now; then all sessions end. Raises ConfigError, LockedError."""
        name = session.person.name
        check_password(name, old, new)
        who = f"name:{name}"
        wait_ns = self._wait_ns(who, now_ns)
        if wait_ns > 0:
            raise LockedError(-(-wait_ns // SECOND))
        self._count(((who, FREE),), now_ns)
        kept = self._ledger.read("SELECT password FROM person WHERE name = ?", (name,))
        if not kept or not passwords.matches(old[: passwords.MOST], kept[0][0]):
            self._trail.write(now_ns, name, Act.REFUSED, subject=address, detail="old password")
            return False
        self._set_password(name, new, fresh=False)
        self._trail.write(now_ns, name, Act.PASSWORD, subject=address)
        return True

    def _set_password(self, name: str, password: str, *, fresh: bool) -> None:
        kept = passwords.hashed(password, self._cost)
        with self._ledger.change() as db:
            db.execute("UPDATE person SET password = ?, fresh = ? WHERE name = ?", (kept, fresh, name))
            db.execute("DELETE FROM session WHERE name = ?", (name,))
            db.execute("DELETE FROM attempt WHERE who = ?", (f"name:{name}",))

    def _wait_ns(self, who: str, now_ns: int) -> int:
        rows = self._ledger.read("SELECT until_ns FROM attempt WHERE who = ?", (who,))
        wait_ns = int(rows[0][0]) - now_ns if rows else 0
        return wait_ns if wait_ns <= LOCK_MOST_NS else 0  # a clock that was ahead must not lock for years

    def _count(self, keys: tuple[tuple[str, int], ...], now_ns: int) -> None:
        with self._ledger.change() as db:
            for who, free in keys:
                row = db.execute("SELECT failures, last_ns FROM attempt WHERE who = ?", (who,)).fetchone()
                recent = row is not None and 0 <= now_ns - row[1] <= FORGET_NS
                failures = row[0] + 1 if recent else 1
                lock_ns = min(LOCK_NS << min(failures - free, 10), LOCK_MOST_NS) if failures >= free else 0
                db.execute(
                    "INSERT OR REPLACE INTO attempt VALUES (?, ?, ?, ?)", (who, failures, now_ns, now_ns + lock_ns)
                )
            db.execute(
                "DELETE FROM attempt WHERE who IN (SELECT who FROM attempt ORDER BY last_ns DESC LIMIT -1 OFFSET ?)",
                (ATTEMPTS_MOST,),
            )

    def _person(self, name: str) -> Person | None:
        rows = self._ledger.read("SELECT name, roles, fresh, added_ns FROM person WHERE name = ?", (name,))
        return _person(*rows[0]) if rows else None

    def _known(self, name: str) -> Person:
        person = self._person(clean_name(name))
        if person is None:
            raise _account(name, "no account of that name", "an account", "`doorunit station people list` shows them.")
        return person


def clean_name(name: str) -> str:
    """The name as it is kept. Raises ConfigError for one that cannot be written on a list."""
    clean = unicodedata.normalize("NFC", name.strip())
    if not 1 <= len(clean) <= NAME_MOST or not clean.isprintable() or clean.startswith("("):
        raise _account(
            name, repr(name), f"1 to {NAME_MOST} printable characters, not beginning with (", "Choose another."
        )
    return clean


def check_password(name: str, old: str, new: str) -> None:
    """Raises ConfigError for a password that may not be chosen."""
    found = ""
    if not passwords.LEAST <= len(new) <= passwords.MOST:
        found = f"{len(new)} characters"
    elif new == old:
        found = "the old one"
    elif len(set(new)) < 5 or name.casefold() in new.casefold():
        found = "one that is guessed first"
    if found:
        raise ConfigError(
            "new password",
            found=found,
            wanted=f"another, of {passwords.LEAST} to {passwords.MOST} characters, without the name in it",
            remedy="Three or four words that nobody would put together are good.",
        )


def _person(name: str, roles: str, fresh: int, added_ns: int) -> Person:
    return Person(name, tuple(Role(role) for role in roles.split()), bool(fresh), added_ns)


def _account(name: str, found: str, wanted: str, remedy: str) -> ConfigError:
    return ConfigError(f"person {name[:NAME_MOST]}", found=found, wanted=wanted, remedy=remedy)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()

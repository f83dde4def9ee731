"""Who may do what on the page: sessions by cookie, rights by role, and requests that come from this page only.

What is not listed here may nobody. A bench that is open asks nobody, and listens on loopback only.
"""

import hmac
import logging
from collections.abc import Awaitable, Callable
from urllib.parse import quote, urlsplit

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from edge.clock import Clock
from edge.config import is_loopback
from edge.station.office import Office
from edge.station.people import LIFE_NS, Role, Session

log = logging.getLogger(__name__)

COOKIE = "doorunit"
CSRF = "x-doorunit-csrf"
WHO = "doorunit.who"  # key in the ASGI scope
BENCH = "(bench)"  # the name of whoever uses an open bench; no account can have it

RIGHTS: dict[Role, frozenset[str]] = {
    Role.WORKER: frozenset({"doors", "events", "pictures", "attend", "label", "team", "install", "orders"}),
    Role.INSTALLER: frozenset({"doors", "label", "install"}),
    Role.TECHNICIAN: frozenset({"doors", "health", "install", "audit"}),
}
ALL = frozenset().union(*RIGHTS.values())
# The first that fits, by how the path begins. "" needs no account, "signed in" any.
NEEDS = (
    ("/api/me", ""),
    ("/api/signin", ""),
    ("/api/signout", "fresh"),
    ("/api/password", "fresh"),
    ("/api/doors", "doors"),
    ("/api/health", "doors"),
    ("/api/live", "doors"),
    ("/api/events", "events"),
    ("/api/frames/", "pictures"),
    ("/api/bench/", "bench"),
    ("/api/orders/", "orders"),
    ("/api/attend", "attend"),
    ("/api/label", "label"),
    ("/api/team", "team"),
    ("/api/installations", "install"),
    ("/api/audit", "audit"),
    ("/api/export/today", "team"),
    ("/api/export/week", "team"),
    ("/api/export/openings", "team"),
    ("/api/export/audit", "audit"),
    ("/api/go/", ""),
    ("/api/", "nobody"),
    ("/go/", ""),
    ("/resident.js", ""),
    ("/signin", ""),
    ("/style.css", ""),
    ("/office.css", ""),
    ("/officewords.js", ""),
    ("/words.js", ""),
    ("/icon.svg", ""),
    ("/", "signed in"),
)
_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
Next = Callable[[Request], Awaitable[Response]]


class Who(msgspec.Struct, frozen=True):
    """Whoever asks. session None: nobody who is signed in, or an open bench."""

    name: str
    rights: frozenset[str]
    session: Session | None = None


NOBODY = Who("", frozenset())
OPEN = Who(BENCH, ALL | {"bench", "signed in"})


class Gate:
    """Stands before every request."""

    def __init__(self, office: Office, clock: Clock) -> None:
        self._office = office
        self._clock = clock

    async def dispatch(self, request: Request, go_on: Next) -> Response:
        """Answer, or refuse; every answer carries the page's policy."""
        request.scope[WHO] = who = await run_in_threadpool(self._who, request)
        answer = self._refusal(request, who) or await go_on(request)
        answer.headers.update(_HEADERS)
        return answer

    def alive(self, who: Who) -> bool:
        """Whether that session still counts; for streams, which outlive their request's check."""
        if who.session is None:
            return self._office.open
        now_ns = self._clock.read().wall_ns
        rows = self._office.ledger.read(
            "SELECT 1 FROM session s JOIN person p ON p.name = s.name"
            " WHERE s.token = ? AND p.roles = ? AND ? - s.began_ns BETWEEN 0 AND ?",
            (who.session.token, " ".join(who.session.person.roles), now_ns, LIFE_NS),
        )
        return bool(rows)

    def _who(self, request: Request) -> Who:
        if self._office.open:
            return OPEN
        token = request.cookies.get(COOKIE, "")
        session = self._office.people.session(token, self._clock.read().wall_ns) if token else None
        if session is None:
            return NOBODY
        if session.person.fresh:
            return Who(session.person.name, frozenset({"fresh"}), session)
        rights = frozenset().union(*(RIGHTS[role] for role in session.person.roles))
        return Who(session.person.name, rights | {"fresh", "signed in"}, session)

    def _refusal(self, request: Request, who: Who) -> Response | None:
        path: str = request.scope["path"]  # what the routes go by; the URL reads "//x" as a host
        if self._office.open and not is_loopback(_host(request)):
            return _no(
                403, "an open bench answers to 127.0.0.1 and localhost only"
            )  # a name that was bent to point here
        if request.method not in ("GET", "HEAD") and not _from_here(request, who):
            log.warning("a request to %s from another page was refused", path)
            return _no(403, "only the station's own page may do this; load it anew")
        if not path.startswith("/"):
            return _no(400, "a path begins with /")
        need = next(need for start, need in NEEDS if path.startswith(start))
        if not need or need in who.rights:
            return None
        if not path.startswith("/api/"):
            return RedirectResponse(f"/signin?next={quote(path)}", 303)
        if who.session is None and not self._office.open:
            return _no(401, "sign in first")
        if "fresh" in who.rights and "signed in" not in who.rights:
            return _no(403, "choose your own password first")
        return _no(403, f"this needs the right to see or do: {need}; ask for another role at the station")


def who_asks(request: Request) -> Who:
    """Whoever the gate let through."""
    who: Who = request.scope[WHO]
    return who


def _host(request: Request) -> str:
    """The name that the browser thinks this is."""
    try:
        return urlsplit(f"//{request.headers.get('host', 'localhost')}").hostname or ""
    except ValueError:
        return ""


def _from_here(request: Request, who: Who) -> bool:
    """A browser says where a request comes from; a session's page knows a word that no other page can read."""
    origin = request.headers.get("origin")
    if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
        return False
    if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
        return False
    given = request.headers.get(CSRF, "").encode()
    signing_in = request.scope["path"] == "/api/signin"
    return who.session is None or signing_in or hmac.compare_digest(given, who.session.csrf.encode())


def _no(status: int, why: str) -> Response:
    return JSONResponse({"error": why}, status)

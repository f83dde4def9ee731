"""Plays a unit against a platform and tells it what it does wrong. The platform is told that this is no unit.

mqtts://host:port is asked about topics, receipts and commands, and about frames where their address is given too;
https://host:port about frames and about records in batches.
"""

import ssl
from collections.abc import Iterator
from urllib.parse import SplitResult, urlsplit

import msgspec

from edge.clock import Clock, SystemClock
from edge.errors import ConfigError
from edge.identity import Identity
from edge.platform import pictures, posts, receipts, topics
from edge.platform.draft import Drafts, require_draft
from edge.platform.rows import Row, unseen, well, wrong
from edge.platform.talk import HttpsLine, Talk
from edge.platform.web import Web
from edge.uplink.probe import Tls
from edge.uplink.refusal import explain

WITHIN_S = 10.0
PORTS = {"mqtts": 8883, "https": 8443}


class Plan(msgspec.Struct, frozen=True):
    """Whom to ask, as whom. reader: (certificate, key) of a receiver of its own, that may read all topics."""

    url: str
    who: Identity
    frames: str = ""  # https://host:port, beside mqtts
    reader: tuple[str, str] | None = None
    within_s: float = WITHIN_S
    backlog: int = receipts.BACKLOG
    listen_s: float = receipts.LISTEN_S


def check(plan: Plan, clock: Clock | None = None) -> Iterator[Row]:
    """One row after another, as they are known. Raises ConfigError for a plan that cannot be followed."""
    where = address(plan.url, *PORTS)
    unit = require_draft(plan.who)
    clock = clock or SystemClock()
    drafts = Drafts(unit, clock)
    yield from _frames(plan, where, drafts, clock) if where.scheme == "https" else _broker(plan, where, drafts, clock)


def address(url: str, *schemes: str) -> SplitResult:
    """The parts of `url`. Raises ConfigError."""
    parts = urlsplit(url)
    try:
        port = parts.port or PORTS.get(parts.scheme, 0)
    except ValueError:
        port = 0
    if parts.scheme in schemes and parts.hostname and port and parts.path in ("", "/"):
        return parts._replace(netloc=f"{parts.hostname}:{port}")
    raise ConfigError(
        "doorunit wire check",
        found=url,
        wanted=" or ".join(f"{scheme}://HOST:PORT" for scheme in schemes),
        remedy="Try: doorunit wire --help",
    )


def _broker(plan: Plan, where: SplitResult, drafts: Drafts, clock: Clock) -> Iterator[Row]:
    ours = _ours(plan.who)
    reader = None if plan.reader is None else Tls(ours.ca, *plan.reader)
    table = topics.Table(where.hostname or "", where.port or 0, ours, reader, plan.within_s)
    try:
        try:
            yield from table.connect(drafts)
        except (OSError, ValueError) as err:
            name = "tls" if isinstance(err, ssl.SSLError) else "reach"
            yield wrong(name, explain(err, where.netloc, clock.read()).found)
        if table.line is None:
            names = ("topics.own", "topics.neighbour", "topics.retained", "receipt.comes", *receipts.NAMES)
            yield from (unseen(name, "no connection") for name in (*names, "command", "online.will"))
        else:
            yield from table.rows()
            yield from _receipts(plan, Talk(table.line, drafts.epoch, clock), drafts)
            yield table.command(plan.who.command_key)
            yield table.will()
    finally:
        table.close()
    if plan.frames:
        yield from _frames(plan, address(plan.frames, "https"), drafts, clock)
    else:
        yield from (unseen(name, "no address; give --frames https://HOST:PORT") for name in pictures.NAMES)


def _frames(plan: Plan, where: SplitResult, drafts: Drafts, clock: Clock) -> Iterator[Row]:
    """Frames; and all that goes over HTTPS where that is the way of everything."""
    ours, alone = _ours(plan.who), plan.url.startswith("https:")
    web, stranger = Web(where, ours, plan.within_s), Web(where, Tls(ours.ca), plan.within_s)
    try:
        web.shake()
    except (OSError, ValueError) as err:
        yield wrong("https", explain(err, where.netloc, clock.read()).found)
        names = (*posts.NAMES, "receipt.comes", *receipts.NAMES) if alone else ()
        yield from (unseen(name, "no connection") for name in (*pictures.NAMES, *names))
        return
    yield well("https", "the server's certificate is as it should be")
    yield from pictures.rows(web, stranger, plan.who, drafts)
    if alone:
        yield from posts.rows(web, drafts, plan.who.command_key)
        yield from _receipts(plan, Talk(HttpsLine(web, plan.who.unit), drafts.epoch, clock), drafts)


def _receipts(plan: Plan, talk: Talk, drafts: Drafts) -> Iterator[Row]:
    return receipts.rows(talk, drafts, plan.within_s, backlog=plan.backlog, listen_s=plan.listen_s)


def _ours(who: Identity) -> Tls:
    return Tls(str(who.ca_file), str(who.cert_file), str(who.key_file))

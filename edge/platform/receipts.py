"""The receipt's rules, as questions to a platform; over MQTT and HTTPS alike."""

from collections.abc import Iterator
from typing import Any

from edge.platform.draft import PREFIX, Drafts
from edge.platform.rows import WRONG, Row, judge, unseen, well, wrong
from edge.platform.talk import Talk

BACKLOG = 1000
LISTEN_S = 1.0  # at the end, for what nobody asked for
NAMES = (
    "receipt.form",
    "receipt.names",
    "receipt.again",
    "receipt.own",
    "record.future",
    "record.order",
    "record.gap",
    "record.backlog",
    "record.kind",
    "receipt.sent",
)


def rows(talk: Talk, drafts: Drafts, within_s: float, *, backlog: int, listen_s: float) -> Iterator[Row]:
    """One row each, in the order of NAMES, after receipt.comes."""
    first = drafts.event()
    seqs = talk.send(first)
    comes = talk.held(seqs, within_s)
    if not comes and not (talk.count or talk.garbled):
        said = getattr(talk.line, "said", "")
        yield wrong("receipt.comes", said or f"nothing within {within_s:g} s of a record")
        yield from (unseen(name, "no receipt comes") for name in NAMES)
        return
    yield well("receipt.comes", f"within {within_s:g} s")
    if not comes:
        yield judge("receipt.form", not talk.garbled, talk.garbled[0] if talk.garbled else "ranges")
        yield judge("receipt.names", bool(talk.garbled), talk.strays[0] if talk.strays else "it cannot be read")
        yield from (unseen(name, "receipts do not name what was sent") for name in NAMES[2:])
        return
    yield judge("receipt.form", not talk.garbled, talk.garbled[0] if talk.garbled else "ranges")
    yield well("receipt.names", f"epoch {drafts.epoch}, seq {seqs[0]}")
    talk.send(first)
    yield judge("receipt.again", talk.held(seqs, within_s), "a second receipt" if talk.has(seqs[0]) else "none")
    dumb = False
    for name, ask in _LATER.items():
        row = unseen(name, "it answers nothing any more") if dumb else ask(talk, drafts, within_s, backlog)
        dumb = dumb or (row.verdict == WRONG and not talk.held(talk.send(drafts.event()), within_s))
        yield row
    talk.listen(listen_s)
    found = f"for {talk.strays[0]}" if talk.strays else f"{talk.count} receipts, each for what was sent"
    yield judge("receipt.sent", not talk.strays, found)


def _own(talk: Talk, drafts: Drafts, within_s: float, _backlog: int) -> Row:
    """A platform answers in order, so once a later record has its receipt there will be none for this."""

    def steal(envelope: dict[str, Any]) -> None:
        envelope["id"] = envelope["id"].replace(drafts.unit, f"{PREFIX}neighbour", 1)

    (stolen,) = talk.send(drafts.bent(steal))
    talk.held(talk.send(drafts.event()), within_s)
    return judge("receipt.own", not talk.has(stolen), "a receipt" if talk.has(stolen) else "none")


def _future(talk: Talk, drafts: Drafts, within_s: float, _backlog: int) -> Row:
    def bend(envelope: dict[str, Any]) -> None:
        envelope["wirecheckextension"] = "later"
        envelope["data"]["wirecheck"] = {"of": ["a", "later", "version"]}
        envelope["data"]["record"]["wirecheck"] = 1

    held = talk.held(talk.send(drafts.bent(bend)), within_s)
    return judge("record.future", held, "stored" if held else f"no receipt within {within_s:g} s")


def _order(talk: Talk, drafts: Drafts, within_s: float, _backlog: int) -> Row:
    first, second, third = drafts.event(), drafts.event(), drafts.event()
    seqs = [seq for one in (third, first, second) for seq in talk.send(one)]
    held = talk.held(seqs, within_s)
    return judge("record.order", held, "stored" if held else f"{talk.missing(seqs)} of 3 without a receipt")


def _gap(talk: Talk, drafts: Drafts, within_s: float, _backlog: int) -> Row:
    seqs = talk.send(drafts.gap(5), drafts.event())
    held = talk.held(seqs, within_s)
    return judge("record.gap", held, "stored" if held else f"{talk.missing(seqs)} of 2 without a receipt")


def _many(talk: Talk, drafts: Drafts, within_s: float, count: int) -> Row:
    seqs = talk.send(*(drafts.event() for _ in range(count)))
    before = talk.count
    held = talk.held(seqs, within_s, steady=True)
    told = f"{count} records, {talk.count - before} receipts"
    return judge("record.backlog", held, told if held else f"{talk.missing(seqs)} of {count} without a receipt")


def _kind(talk: Talk, drafts: Drafts, within_s: float, _backlog: int) -> Row:
    """Last but one: a platform that falls over it answers nothing more."""

    def bend(envelope: dict[str, Any]) -> None:
        envelope["type"] = "doorunit.wirecheck.v1"
        envelope["data"]["record"]["kind"] = "wirecheck"

    talk.send(drafts.bent(bend))
    held = talk.held(talk.send(drafts.event()), within_s)
    found = "those after it get their receipts" if held else "no receipt for the record after it"
    return judge("record.kind", held, found if talk.line.up() else "the connection ended")


_LATER = {
    "receipt.own": _own,
    "record.future": _future,
    "record.order": _order,
    "record.gap": _gap,
    "record.backlog": _many,
    "record.kind": _kind,
}

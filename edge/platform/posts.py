"""What a platform does over HTTPS with the messages that are no records, and with questions for commands."""

from collections.abc import Iterator

import msgspec

from edge import VERSION, told, wire
from edge.errors import WireError
from edge.platform.bodies import CommandsWaiting
from edge.platform.draft import PREFIX, Drafts
from edge.platform.rows import Row, judge, unseen, well, wrong
from edge.platform.web import Web, words
from edge.spool.seal import signed_by

NAMES = ("posts.own", "posts.neighbour", "posts.commands", "command")
_JSON = "application/json"


def rows(web: Web, drafts: Drafts, command_key: bytes) -> Iterator[Row]:
    """One row each, in the order of NAMES."""
    yield _own(web, drafts)
    body = b"[" + drafts.event()[1] + b"]"
    status, said = web.ask("POST", f"/v1/units/{PREFIX}neighbour/events", body, "application/cloudevents-batch+json")
    yield judge("posts.neighbour", status in (401, 403), words(status, said))
    status, said = web.ask("GET", f"/v1/units/{drafts.unit}/commands?wait=1", b"", _JSON)
    try:
        waiting = msgspec.json.decode(said, type=CommandsWaiting)
    except wire.GARBLED as err:
        yield wrong("posts.commands", f"{words(status, said)} ({err})")
        yield unseen("command", "the answer cannot be read")
        return
    yield judge("posts.commands", status == 200, words(status, said))
    yield verdict([msgspec.json.encode(one) for one in waiting.commands], command_key, drafts.unit)


def verdict(came: list[bytes], key: bytes, unit: str) -> Row:
    """Whether the commands that came are signed."""
    if not came:
        return unseen("command", f"none came to {unit} in the meantime")
    try:
        for payload in came:
            wire.read_command(payload, lambda signature, message: signed_by(key, signature, message))
    except WireError as err:
        return wrong("command", err.found)
    return well("command", f"{len(came)} came, signed")


def messages(drafts: Drafts) -> dict[str, bytes]:
    """What a unit tells besides records, by leaf."""
    return {
        "online": wire.to_json(told.Online(True, drafts.now().boot, VERSION)),
        "state": wire.to_json(told.State("unwatched", None, "none", False, "idle", None, None)),
        "pulse": wire.to_json(drafts.pulse()),
        "reply": wire.to_json(told.Reply("wirecheck", False, "this is no unit")),
    }


def _own(web: Web, drafts: Drafts) -> Row:
    for leaf, body in messages(drafts).items():
        status, said = web.ask("POST" if leaf == "reply" else "PUT", f"/v1/units/{drafts.unit}/{leaf}", body, _JSON)
        if status not in (200, 204):
            return wrong("posts.own", f"{leaf}: {words(status, said)}")
    return well("posts.own", "taken")

"""What is wrong with a profile: where, found, wanted. Pure."""

from collections.abc import Iterator, Sequence

from edge.uplink.profile import DEVICE, FILE, KINDS, LOGIN, NAMES, STATE, Profile, Said
from edge.uplink.template import Payload, Text

Faults = Iterator[tuple[str, str, str]]


def faults(profile: Profile) -> Faults:
    """All of it, the first first."""
    yield from _login(profile)
    yield from _messages(profile)
    for where, texts, allowed in (
        ("will", [profile.will] if profile.will else [], DEVICE),
        ("greet", profile.greet, (*DEVICE, "id", "now")),
        ("state", profile.state, STATE),
    ):
        for said in texts:
            yield from _unsayable(where, said, allowed)
    yield from _answers(profile)
    if profile.upload is not None:
        yield from _strange("upload", [profile.upload.topic], DEVICE)
        for said in (profile.upload.ask, profile.upload.tell):
            yield from _unsayable("upload", said, FILE)


def _login(profile: Profile) -> Faults:
    known, login = list(LOGIN), profile.login
    for value in login.value:
        yield from _strange(f"login.value {value.name!r}", [value.key, value.text], known)
        known.append(value.name)
    yield from _strange("login", [login.client_id, login.user_name, login.password], known)


def _messages(profile: Profile) -> Faults:
    told: set[str] = set()
    for i, said in enumerate(profile.message, 1):
        for kind in said.kinds:
            if kind not in KINDS or kind in told:
                yield f"message {i}, kinds", repr(kind), f"each of {', '.join(KINDS)} once at most"
            told.add(kind)
        yield from _unsayable(f"message {i}", said, NAMES)
        if profile.receipt == "reply" and "{id" not in said.payload:
            yield f"message {i}, payload", "no {id}", "one, so that a reply can be told to belong to it"
    if not told:
        yield "message", "no kinds", "at least one message with kinds of records"


def _answers(profile: Profile) -> Faults:
    if profile.receipt == "reply" and not any(not reply.refuses for reply in profile.reply):
        yield "receipt", "reply, and no [[reply]] that can be one", "a topic on which the hub says that it holds one"
    for reply in profile.reply:
        yield from _strange("reply", [reply.topic], DEVICE)
    if profile.command is not None:
        command = profile.command
        yield from _strange("command", [command.topic], DEVICE)
        yield from _strange("command", [command.reply_topic], (*DEVICE, "rest"))
        for text in (command.done, command.refused):
            yield from _unreadable("command", text, (*DEVICE, "rest", "id", "now"))


def _strange(where: str, texts: Sequence[str], known: Sequence[str]) -> Faults:
    for text in texts:
        try:
            strange = Text(text).names - set(known)
        except ValueError as err:
            yield where, str(err), "filters that exist"
            continue
        if strange:
            yield where, f"{{{min(strange)}}} in {text!r}", f"names among {', '.join(known)}"


def _unsayable(where: str, said: Said, known: Sequence[str]) -> Faults:
    yield from _strange(f"{where}, topic", [said.topic], known)
    if any(sign in said.topic for sign in "+#") or not said.topic:
        yield f"{where}, topic", repr(said.topic), "a topic to publish to, without + and #"
    yield from _unreadable(f"{where}, payload", said.payload, known)


def _unreadable(where: str, payload: str, known: Sequence[str]) -> Faults:
    try:
        strange = Payload(payload).names - set(known)
    except (ValueError, RecursionError) as err:
        yield where, str(err), "JSON, or a text that does not begin with { or ["
        return
    if strange:
        yield where, f"{{{min(strange)}}}", f"names among {', '.join(known)}"

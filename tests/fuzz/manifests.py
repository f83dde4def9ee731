"""deploy.ota.manifest.read: whatever a station offers is a release that a key of ours signed, whole, or a Refusal."""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.ota import manifest
from deploy.ota.manifest import Refusal
from tests.deploy import shop
from tests.fuzz.bend import Json, Pick, bend_json, text
from tests.fuzz.player import Play, Target

STRANGER = shop.KEY.replace("ours", "theirs")


@contextmanager
def opened(_folder: Path) -> Iterator[Play]:
    """A decoder needs nothing."""
    asked: list[tuple[bytes, bytes]] = []

    def verify(message: bytes, given: bytes, key: str) -> bool:
        assert key == shop.KEY
        asked.append((message, given))
        return shop.verify(message, given, key)

    def play(data: bytes) -> None:
        asked.clear()
        try:
            told = manifest.read(data, (shop.KEY,), verify)
        except Refusal as err:
            str(err).encode()
            return
        (message, given) = asked[-1]
        assert given == shop.signature(message, shop.KEY)
        assert len(data) <= manifest.MANIFEST_MAX
        assert manifest.parse(told.to_json()) == told
        assert "/" not in told.file
        assert 0 <= told.floor <= told.counter

    yield play


def bend(raw: bytes, pick: Pick) -> bytes:
    """The envelope bent; or what was signed, and signed anew by us or by a stranger."""
    if pick((True, False, False)):
        return bend_json(raw, pick)
    try:
        envelope: Json = json.loads(raw)
        inside = bend_json(envelope["signed"].encode(), pick).decode(errors="replace")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return bend_json(raw, pick)
    return sealed(inside, pick((shop.KEY, shop.KEY, shop.KEY, STRANGER)))


def sealed(inside: str, key: str) -> bytes:
    """The envelope of a text, whatever it says."""
    signature = base64.b64encode(shop.signature(inside.encode(), key)).decode()
    return text({"signed": inside, "signature": signature})


SEEDS = (
    shop.signed(shop.told(2, b"x")),
    shop.signed(shop.told(3, b"y", keys=(shop.KEY, STRANGER), not_before=1_900_000_000, floor=1)),
    shop.signed(shop.told(2, b"x"), STRANGER),
)
TARGET = Target("manifest", opened, SEEDS, bend)

"""What a platform does with sealed frames, right ones and wrong ones."""

from collections.abc import Iterator

from edge.identity import Identity
from edge.platform.draft import PREFIX, Drafts
from edge.platform.rows import Row, judge, unseen
from edge.platform.web import Web, words
from edge.spool.seal import Sealer, frame_name

NAMES = ("frames.client", "frames.put", "frames.again", "frames.digest", "frames.signature", "frames.neighbour")
REFUSED = (401, 403)
UNFIT = (400, 409, 413, 415, 422)
# A grey picture of one pixel: a platform that looks at what it can open finds a JPEG.
PIXEL = bytes.fromhex(
    "ffd8ffe000104a46494600010100000100010000ffdb004300a06e788c7864a08c828cb4aaa0bef0fffff0dcdcf0ffffffffffffffffff"
    "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffc0000b080001000101011100ffc4001400010000"
    "0000000000000000000000000000ffc40014100100000000000000000000000000000000ffda0008010100003f003fffd9"
)


def rows(web: Web, stranger: Web, who: Identity, drafts: Drafts) -> Iterator[Row]:
    """One row each, in the order of NAMES. `stranger` shows no certificate."""
    sealer = Sealer(who.unit, who.seal_key, who.seal_key_id, who.sign_seed.reveal())
    sealed = sealer.seal(PIXEL, epoch=drafts.epoch, event=1, at=drafts.now())
    name = frame_name(sealed)
    status, said = _put(stranger, who.unit, name, sealed)
    yield judge("frames.client", status in (0, *REFUSED), words(status, said))
    status, said = _put(web, who.unit, name, sealed)
    yield judge("frames.put", status in (200, 201), words(status, said))
    if status not in (200, 201):
        yield from (unseen(each, "no frame is taken") for each in NAMES[2:])
        return
    status, said = _put(web, who.unit, name, sealed)
    yield judge("frames.again", status in (200, 201), words(status, said))
    status, said = _put(web, who.unit, "0" * 64, sealed)
    yield judge("frames.digest", status in UNFIT, words(status, said))
    spoiled = sealed[:-1] + bytes((sealed[-1] ^ 1,))
    status, said = _put(web, who.unit, frame_name(spoiled), spoiled)
    yield judge("frames.signature", status in UNFIT, words(status, said))
    status, said = _put(web, f"{PREFIX}neighbour", name, sealed)
    yield judge("frames.neighbour", status in REFUSED, words(status, said))


def _put(web: Web, unit: str, name: str, sealed: bytes) -> tuple[int, bytes]:
    return web.ask("PUT", f"/v1/units/{unit}/frames/{name}", sealed, "application/octet-stream")

"""A sealed picture is read back: only the platform's word that it could open it counts, and only to its own unit."""

import io
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from PIL import Image

from edge.clock import Quality, Stamp, SystemClock
from edge.errors import DistrustError, LinkError, RefusedError, ServerError, WireError
from edge.identity import Identity
from edge.spool.seal import Sealer, frame_name
from edge.station.ca import Authority
from edge.station.ledger import Ledger
from edge.uplink.https import HttpsFrames
from tests.uplink.conftest import UNIT, WITHIN_S, files
from tests.uplink.test_https import Side

AT = Stamp("boot-1", 5, 1_795_000_000_000_000_000, Quality.SYNCED, 1)


@pytest.fixture
def side(tmp_path: Path, ca: Authority) -> Iterator[Side]:
    with closing(Ledger(tmp_path / "ledger")) as ledger, closing(Side(tmp_path / "frames", ledger, ca)) as served:
        yield served


def way(side: Side, who: Identity, name: str = UNIT) -> HttpsFrames:
    return HttpsFrames(f"https://localhost:{side.port}", name, files(who), SystemClock(), (WITHIN_S, WITHIN_S))


def jpeg() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (64, 48), (90, 120, 40)).save(out, "JPEG")
    return out.getvalue()


def seal(who: Identity, picture: bytes, seal_key: bytes | None = None) -> bytes:
    sealer = Sealer(who.unit, seal_key or who.seal_key, who.seal_key_id, who.sign_seed.reveal())
    return sealer.seal(picture, epoch="epoch-1", event=7, at=AT)


def test_a_picture_that_the_platform_opens_comes_back_as_its_size(side: Side, unit: Identity):
    sealed = seal(unit, jpeg())
    with closing(way(side, unit)) as post:
        post.put(frame_name(sealed), sealed)
        assert post.opened(frame_name(sealed)) == (64, 48)


@pytest.mark.parametrize("picture", [b"", b"no picture", jpeg()[:200]])
def test_what_is_no_whole_picture_is_not_called_opened(side: Side, unit: Identity, picture: bytes):
    sealed = seal(unit, picture)
    with closing(way(side, unit)) as post:
        post.put(frame_name(sealed), sealed)
        with pytest.raises(WireError, match="JPEG"):
            post.opened(frame_name(sealed))


def test_a_unit_that_seals_to_another_platform_s_key_is_found_though_every_picture_was_taken(
    side: Side, unit: Identity, tmp_path: Path
):
    other = Authority.open(tmp_path / "other")
    sealed = seal(unit, jpeg(), other.seal_key)
    with closing(way(side, unit)) as post:
        post.put(frame_name(sealed), sealed)
        with pytest.raises(WireError, match="private key does not open"):
            post.opened(frame_name(sealed))


def test_a_picture_that_never_came_and_one_of_another_unit_are_unknown_alike(
    side: Side, unit: Identity, ca: Authority, tmp_path: Path
):
    other = ca.issue("door-77", tmp_path / "door-77")
    sealed = seal(other, jpeg())
    with closing(way(side, other, "door-77")) as post:
        post.put(frame_name(sealed), sealed)
    with closing(way(side, unit)) as mine:
        for name in (frame_name(sealed), "0" * 64):
            with pytest.raises(LinkError, match="404"):
                mine.opened(name)
    with closing(way(side, unit, "door-77")) as thief, pytest.raises(RefusedError, match="403"):
        thief.opened(frame_name(sealed))


def test_a_platform_that_is_there_is_reached_and_one_that_refuses_or_is_another_is_told(
    side: Side, unit: Identity, ca: Authority, tmp_path: Path
):
    with closing(way(side, unit)) as post:
        post.reach()
    with closing(way(side, unit, "door-78")) as other, pytest.raises(RefusedError, match="403"):
        other.reach()
    stranger = Authority.open(tmp_path / "other").issue("door-1", tmp_path / "stranger")
    with closing(way(side, stranger)) as lost, pytest.raises((DistrustError, ServerError, RefusedError)):
        lost.reach()

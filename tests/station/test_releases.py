"""Releases at the station: offered whole or not at all, fetched by any unit with a certificate, and by nobody else."""

import json
import re
import ssl
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from deploy.ota import fetch
from deploy.ota.fetch import Way, download, offer
from deploy.ota.manifest import Refusal
from deploy.ota.settings import Settings
from edge.cli import MISUSED, WELL, main
from edge.clock import SystemClock
from edge.errors import ConfigError
from edge.platform.openapi import document
from edge.station.ca import Authority
from edge.station.desk import Desk
from edge.station.frames import FrameStore
from edge.station.ledger import Ledger
from edge.station.releaseapi import release_routes
from edge.station.releases import Releases
from edge.station.server import unit_server
from edge.station.unitapi import unit_app
from tests.deploy import shop
from tests.station.test_enrolapi import Served

DATA = shop.package(shop.entries(5, 40))
TOLD = shop.told(5, DATA, unpacked=0)
OFFER = f"{shop.ARCH}-py{shop.PYTHON}.json"


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """Signed, as the bench hands it over."""
    path = tmp_path / TOLD.file
    path.write_bytes(DATA)
    path.with_suffix(".json").write_bytes(shop.signed(TOLD))
    return path


@pytest.fixture
def releases(tmp_path: Path) -> Releases:
    return Releases(tmp_path / "station/releases")


@pytest.fixture
def unit(tmp_path: Path, ledger: Ledger, releases: Releases) -> Iterator[Callable[[str], Way]]:
    """A station that serves; given a unit's name, its way to fetch."""
    ca, clock = Authority.open(tmp_path / "ca"), SystemClock()
    frames = FrameStore(tmp_path / "frames", ledger, ca, clock, lambda _: None)
    desk = Desk(tmp_path / "enrol", ca, clock)
    app = unit_app(frames, desk, release_routes(releases, desk))
    tls = (str(ca.ca_file), *map(str, ca.server_files()))

    def way(name: str) -> Way:
        who = ca.issue(name, tmp_path / name)
        context = ssl.create_default_context(cafile=str(ca.ca_file))
        if name != "stranger":
            context.load_cert_chain(str(who.cert_file), str(who.key_file))
        if name == "revoked":
            ca.known.revoke(name, "2026-11-24T00:00:00.000000Z", trusted=False)
        return Way(Settings(url=f"https://localhost:{served.port}"), context, sleep=lambda _: None)

    with closing(Served(lambda port: unit_server(app, "127.0.0.1", port, tls))) as served:
        yield way


def test_what_is_offered_is_fetched_whole_and_a_part_is_gone_on_with(releases, package, unit, tmp_path: Path):
    assert releases.add(package, "stable") == {
        "channel": "stable",
        "version": "0.5",
        "offer": OFFER,
        "size": len(DATA),
    }
    way, folder = unit("door-1"), tmp_path / "download"
    assert offer(way, OFFER) == shop.signed(TOLD)
    folder.mkdir()
    (folder / f"{TOLD.sha256}.deb.part").write_bytes(DATA[:700])
    assert download(way, TOLD, folder, shop.Quick()).read_bytes() == DATA


@pytest.mark.parametrize("name", ["revoked", "stranger"])
def test_who_has_no_certificate_that_counts_is_offered_nothing(releases, package, unit, name: str):
    releases.add(package, "stable")
    with pytest.raises((Refusal, fetch.Later)):
        offer(unit(name), OFFER)


@pytest.mark.parametrize("name", ["../ca.key", "..%2Fca.key", "none.deb", "x" * 200 + ".deb", ".json", "ca.crt"])
def test_a_name_that_is_no_releases_is_not_found(releases, package, unit, name: str):
    releases.add(package, "stable")
    assert offer(unit("door-1"), name) is None
    assert releases.file("stable", name) is None
    assert releases.file("..", OFFER) is None


def test_what_a_station_has_for_units_is_in_the_description_for_platforms(releases, ledger: Ledger, tmp_path: Path):
    ca, clock = Authority.open(tmp_path / "ca"), SystemClock()
    frames, desk = FrameStore(tmp_path, ledger, ca, clock, lambda _: None), Desk(tmp_path, ca, clock)
    routes = unit_app(frames, desk, release_routes(releases, desk)).routes
    served = {(re.sub(r"{\w+:str}", "{}", one.path), method.lower()) for one in routes for method in one.methods}
    described = {(re.sub(r"{\w+}", "{}", path), how) for path, one in document()["paths"].items() for how in one}
    assert ("/v1/releases/{}/{}", "get") in served
    assert {one for one in served if one[1] != "head"} <= described


@pytest.mark.parametrize("harm", ["no-manifest", "other-bytes", "garbled", "another-name", "channel"])
def test_what_does_not_fit_together_is_not_offered(releases, package, harm: str):
    manifest = package.with_suffix(".json")
    if harm == "no-manifest":
        manifest.unlink()
    elif harm == "other-bytes":
        package.write_bytes(DATA + b"x")
    elif harm == "garbled":
        manifest.write_text(json.dumps({"signed": "[1]"}))
    elif harm == "another-name":
        package = package.rename(package.with_name("other.deb"))
        manifest.rename(package.with_suffix(".json"))
    with pytest.raises(ConfigError, match="want"):
        releases.add(package, "../up" if harm == "channel" else "stable")
    assert releases.file("stable", OFFER) is None


def test_release_add_offers_and_a_misuse_says_what_to_try(package, tmp_path: Path, capsys):
    words = ["station", "release", "add", str(package), "--dir", str(tmp_path / "office"), "--channel", "beta"]
    assert main(words) == WELL
    assert "0.5 is offered in channel beta" in capsys.readouterr().out
    assert (tmp_path / "office/releases/beta" / OFFER).exists()
    assert main(["station", "release", "drop", "x"]) == MISUSED
    assert "want release add FILE" in capsys.readouterr().err

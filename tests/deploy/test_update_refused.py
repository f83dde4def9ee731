"""What is no update is refused, and nothing of it is left: bad manifests, bad packages, cards without room."""

import json
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest

from deploy.ota import manifest, sign
from deploy.ota.durable import Card
from deploy.ota.fetch import ROOM_LEFT
from deploy.ota.manifest import Refusal
from deploy.ota.state import OWN
from tests.deploy import shop
from tests.deploy.shop import Quick, Site, launched
from tests.spool.card import Card as Mounted


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return shop.site(tmp_path)


@pytest.mark.parametrize(
    ("other", "why"),
    [
        ({"counter": 0, "floor": 0}, "a newer one|one of 1 or later"),
        ({"counter": 1, "floor": 1}, "a newer one than 1"),
        ({"arch": "amd64"}, "amd64"),
        ({"python": "3.13"}, "Python 3.13"),
        ({"name": "doorbell"}, "doorbell"),
        ({"size": 5}, "other bytes"),
        ({"sha256": "0" * 64}, "other bytes"),
        ({"unpacked": 10}, "more files or bytes than its manifest says"),
        ({"version": "0.9"}, "what its manifest says"),
    ],
)
def test_a_release_that_is_not_for_this_unit_changes_nothing(
    site: Site, tmp_path: Path, other: dict[str, Any], why: str
):
    with pytest.raises(Refusal, match=why):
        site.install(tmp_path, 2, **other)
    assert (site.slots.current, site.slots.state.trial, launched(site)) == (OWN, None, "package")
    assert site.calls == []


def test_a_card_without_room_takes_nothing_and_keeps_some_for_the_doors_own_records(tmp_path: Path):
    card = Quick()
    site = shop.site(tmp_path, card=card)
    card.left = ROOM_LEFT + 900_000
    with pytest.raises(Refusal, match="101 MB free; want 101 MB"):
        site.install(tmp_path, 2)
    assert launched(site) == "package"
    card.left = ROOM_LEFT + 1_000_000
    site.install(tmp_path, 2)


def test_a_card_that_lets_no_program_run_takes_nothing_and_is_named_beforehand(tmp_path: Path):
    card = Quick()
    site = shop.site(tmp_path, card=card)
    card.programs = False
    for act in (lambda: site.install(tmp_path, 2), site.updater.check):
        with pytest.raises(Refusal, match="found a file system mounted noexec; want one mounted exec.*remount,exec"):
            act()
    assert site.slots.about("a") == {}
    assert (site.calls, launched(site)) == ([], "package")


def test_whether_programs_may_run_is_read_from_the_mount(card: Mounted):
    assert Card().runs(card.folder)
    card.forbid_programs()
    assert not Card().runs(card.folder)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{}",
        b"[" * 5000,
        b'{"signed": 1, "signature": ""}',
        b"x" * 70_000,
        shop.signed(shop.told(2, b""), "foreign"),
    ],
)
def test_a_manifest_that_no_key_of_ours_signed_is_refused(site: Site, tmp_path: Path, raw: bytes):
    with pytest.raises(Refusal):
        site.updater.install(tmp_path / "none.deb", raw)


@pytest.mark.parametrize("gone", ["sha256", "floor", "keys"])
def test_a_signed_manifest_without_one_of_its_fields_is_refused(gone: str):
    text = json.loads(shop.told(2, b"").to_json())
    del text[gone]
    with pytest.raises(Refusal, match="other fields"):
        manifest.parse(json.dumps(text))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("file", "../../etc/passwd"),
        ("file", "/etc/x.deb"),
        ("size", -1),
        ("size", 10**12),
        ("counter", "7"),
        ("counter", True),
        ("floor", 9),
        ("sha256", "0" * 63 + "G"),
        ("version", "1 2"),
        ("keys", ["no key"]),
        ("keys", 5),
        ("schema", 2),
    ],
)
def test_a_signed_manifest_with_a_field_out_of_bounds_is_refused(field: str, value: object):
    text = {**json.loads(shop.told(2, b"").to_json()), field: value}
    with pytest.raises(Refusal):
        manifest.parse(json.dumps(text))


HOME = "./usr/lib/doorunit"
EVIL = {
    "traversal": ("./usr/lib/doorunit/lib/../../../../etc/passwd", b"x"),
    "absolute": ("/etc/passwd", b"x"),
    "link-elsewhere": shop.link(f"{HOME}/lib/out", "/etc"),
    "link-bomb": shop.link(f"{HOME}/lib/loop", "loop"),
    "other-python": shop.link(f"{HOME}/bin/python", "/tmp/python"),
    "hard-link": shop.link(f"{HOME}/lib/hard", "./etc/shadow", b"1"),
    "device": shop.link(f"{HOME}/lib/null", "", b"3"),
    "pipe": shop.link(f"{HOME}/lib/pipe", "", b"6"),
    "sparse": shop.link(f"{HOME}/lib/thin", "", tarfile.GNUTYPE_SPARSE),
    "long-path": (f"{HOME}/lib/" + "x" * 250, b""),
}


@pytest.mark.parametrize("evil", EVIL.values(), ids=EVIL)
def test_a_package_that_would_leave_its_folder_leaves_nothing(site: Site, tmp_path: Path, evil: shop.Entry):
    data = shop.package([*shop.entries(2), evil])
    (tmp_path / "x.deb").write_bytes(data)
    with pytest.raises(Refusal):
        site.updater.install(tmp_path / "x.deb", shop.signed(shop.told(2, data)))
    assert site.slots.about("a") == {}
    assert launched(site) == "package"


def test_a_package_that_promises_more_bytes_than_any_is_not_read_to_their_end(site: Site, tmp_path: Path):
    huge = tarfile.TarInfo("./usr/share/huge")  # not even for the slot
    huge.size = 2**36
    data = shop.wrapped(huge.tobuf(tarfile.GNU_FORMAT))
    (tmp_path / "x.deb").write_bytes(data)
    with pytest.raises(Refusal, match="found 68719477248 bytes or more in it; want at most 1000000000"):
        site.updater.install(tmp_path / "x.deb", shop.signed(shop.told(2, data)))
    assert site.slots.about("a") == {}


@pytest.mark.parametrize("how", ["cut", "no-archive", "no-data", "no-python", "garbled", "through-a-link"])
def test_a_package_that_is_none_leaves_nothing(site: Site, tmp_path: Path, how: str):
    whole = shop.package(shop.entries(2))
    data = {
        "cut": whole[:-400],
        "no-archive": b"MZ" + whole,
        "no-data": shop.package(shop.entries(2), name=b"data.tar.zst"),
        "no-python": shop.package(shop.entries(2)[:-3]),
        "garbled": whole[:600] + bytes(40) + whole[640:],
        "through-a-link": shop.package([*shop.entries(2), (f"{HOME}/bin/python/x", b"")]),
    }[how]
    (tmp_path / "x.deb").write_bytes(data)
    with pytest.raises((Refusal, OSError)):
        site.updater.install(tmp_path / "x.deb", shop.signed(shop.told(2, data)))
    assert site.slots.about("a") == {}


def test_real_keys_sign_and_a_foreign_one_or_a_changed_byte_does_not_pass(tmp_path: Path):
    key, public = sign.make_key(tmp_path / "ours")
    foreign, _ = sign.make_key(tmp_path / "foreign")
    assert key.stat().st_mode & 0o077 == 0
    (tmp_path / "p.deb").write_bytes(shop.package(shop.entries(5)))
    assert sign.main(["release", str(tmp_path / "p.deb"), "--key", str(key)]) == 0
    raw, keys = (tmp_path / "p.json").read_bytes(), (public.read_text(),)
    made = manifest.read(raw, keys)
    assert (made.counter, made.floor, made.file) == (5, 5, "p.deb")
    for wrong in (raw.replace(b"arm64", b"amd64"), manifest.seal(made, sign.sign(made.to_json().encode(), foreign))):
        with pytest.raises(Refusal, match="none of this unit's release keys"):
            manifest.read(wrong, keys)
    with pytest.raises(Refusal, match="none on this unit"):
        manifest.read(raw, ())


def test_a_key_of_another_kind_is_no_release_key(tmp_path: Path):
    subprocess.run(["openssl", "genpkey", "-algorithm", "X25519", "-out", tmp_path / "k"], check=True)
    pem = subprocess.run(["openssl", "pkey", "-in", tmp_path / "k", "-pubout"], check=True, capture_output=True).stdout
    assert not manifest.by_openssl(b"message", b"signature", pem.decode())

"""Who the unit is survives a power cut whole, is never shown, and says which file is wrong."""

import base64
import json
import os
import pickle
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from edge.errors import ConfigError, PartError
from edge.identity import Identity, Secret, certificate_life, load, save
from edge.station.ca import Authority

SEED = bytes(range(32))


def parts(**changes: Any) -> dict[str, Any]:
    return {
        "unit": "door-7",
        "seal_key": b"\x09" * 32,
        "seal_key_id": "0a1b2c3d",
        "command_key": b"\x08" * 32,
        "sign_seed": SEED,
        "key_pem": b"-----BEGIN PRIVATE KEY-----\nold\n-----END PRIVATE KEY-----\n",
        "cert_pem": b"-----BEGIN CERTIFICATE-----\nold\n-----END CERTIFICATE-----\n",
        "ca_pem": b"-----BEGIN CERTIFICATE-----\nca\n-----END CERTIFICATE-----\n",
    } | changes


def renewed() -> dict[str, Any]:
    return {name: part.replace(b"old", b"new") if isinstance(part, bytes) else part for name, part in parts().items()}


def test_what_was_saved_is_what_is_loaded(tmp_path: Path) -> None:
    saved = save(tmp_path / "identity", **parts())
    loaded = load(tmp_path / "identity")
    assert loaded == saved
    assert (loaded.unit, loaded.seal_key, loaded.seal_key_id) == ("door-7", b"\x09" * 32, "0a1b2c3d")
    assert loaded.sign_seed.reveal() == SEED
    assert loaded.key_file.read_bytes() == parts()["key_pem"]
    assert loaded.cert_file.read_bytes() == parts()["cert_pem"]
    assert loaded.ca_file.read_bytes() == parts()["ca_pem"]


def test_keys_can_be_read_by_the_units_user_alone(tmp_path: Path) -> None:
    folder = tmp_path / "identity"
    save(folder, **parts())
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "unit.key").stat().st_mode) == 0o600
    assert stat.S_IMODE((folder / "sign.key").stat().st_mode) == 0o600


def test_a_secret_shows_nowhere(tmp_path: Path) -> None:
    identity = save(tmp_path / "identity", **parts())
    shown = f"{identity!r} {identity} {identity.sign_seed}"
    for form in (repr(SEED)[2:-1], SEED.hex(), base64.b64encode(SEED).decode()):
        assert form not in shown
    with pytest.raises(TypeError):
        msgspec.json.encode(identity)
    with pytest.raises(TypeError):
        pickle.dumps(identity)


def test_secrets_are_equal_by_what_they_hold() -> None:
    assert Secret(b"a") == Secret(b"a")
    assert Secret(b"a") != Secret(b"b")
    assert Secret(b"a") != b"a"
    assert len({Secret(b"a"), Secret(b"a"), Secret(b"b")}) == 2


@pytest.mark.parametrize("unit", ["", "a", "-door", "Door-7", "door_7", "door/7", "door+", "a" * 33, "door-7\n"])
def test_an_id_that_would_mean_more_than_a_name_in_a_topic_or_a_path_is_refused(tmp_path: Path, unit: str) -> None:
    with pytest.raises(ConfigError, match="unit id: found"):
        save(tmp_path / "identity", **parts(unit=unit))
    assert not (tmp_path / "identity").exists()


def test_a_missing_folder_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="identity: found no such folder"):
        load(tmp_path / "identity")


@pytest.mark.parametrize("name", ["identity.json", "unit.key", "unit.crt", "sign.key", "ca.crt"])
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    save(tmp_path / "identity", **parts())
    (tmp_path / "identity" / name).unlink()
    with pytest.raises(ConfigError, match=f"{name}: found no such file"):
        load(tmp_path / "identity")


@pytest.mark.parametrize("name", ["identity.json", "unit.key", "unit.crt", "sign.key", "ca.crt"])
@pytest.mark.parametrize(
    "garbage", [b"", b"\xff\xfe\x00", b"{", b'{"unit": "door-7"}', b"bm90IGEga2V5", b'{"more": ' + b"[" * 5000]
)
def test_a_garbled_file_is_named_and_its_content_is_not_repeated(tmp_path: Path, name: str, garbage: bytes) -> None:
    save(tmp_path / "identity", **parts())
    (tmp_path / "identity" / name).write_bytes(garbage)
    with pytest.raises(ConfigError, match=f"{name}: found") as caught:
        load(tmp_path / "identity")
    assert "bm90IGEga2V5" not in str(caught.value)


@pytest.mark.parametrize(
    ("field", "value"), [("seal_key", "AAAA"), ("seal_key", "not base64"), ("seal_key", 7), ("unit", "../x")]
)
def test_a_wrong_field_is_refused(tmp_path: Path, field: str, value: object) -> None:
    save(tmp_path / "identity", **parts())
    path = tmp_path / "identity" / "identity.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {field: value}))
    with pytest.raises(ConfigError):
        load(tmp_path / "identity")


def test_a_field_of_a_later_version_is_passed_over(tmp_path: Path) -> None:
    save(tmp_path / "identity", **parts())
    path = tmp_path / "identity" / "identity.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"later": 1}))
    assert load(tmp_path / "identity").unit == "door-7"


def test_what_cannot_be_read_back_does_not_take_the_place_of_what_can(tmp_path: Path) -> None:
    save(tmp_path / "identity", **parts())
    with pytest.raises(ConfigError):
        save(tmp_path / "identity", **parts(cert_pem=b"no certificate"))
    assert load(tmp_path / "identity").cert_file.read_bytes() == parts()["cert_pem"]


class Cut(BaseException):
    """The power fails."""


@pytest.mark.parametrize("first", [True, False], ids=["first", "renewal"])
def test_a_cut_at_any_step_leaves_one_whole_identity(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: bool
) -> None:
    steps = 0
    for cut_at in range(1000):
        folder = tmp_path / str(cut_at) / "identity"
        if not first:
            save(folder, **parts())
        steps = _save_until(monkeypatch, cut_at, lambda folder=folder: save(folder, **renewed()))
        if steps < cut_at:
            break
        if folder.exists() or not first:
            found = load(folder)
            generations = {part.read_bytes().split(b"\n")[1] for part in (found.key_file, found.cert_file)}
            assert len(generations) == 1, f"cut at step {cut_at}: key of one, certificate of the other"
        save(folder, **renewed())  # the next attempt finishes or begins anew
        assert b"new" in load(folder).key_file.read_bytes()
        assert sorted(path.name for path in folder.parent.iterdir()) == ["identity"]
    assert steps > 20, "the cuts did not reach the steps of save"


def _save_until(monkeypatch: pytest.MonkeyPatch, cut_at: int, act: Callable[[], Identity]) -> int:
    """Run `act`, cut before its step number `cut_at` that touches the card; return how many steps there were."""
    steps = 0

    def counted(real: Callable[..., Any]) -> Callable[..., Any]:
        def step(*args: Any, **kwargs: Any) -> Any:
            nonlocal steps
            steps += 1
            if steps > cut_at:
                raise Cut
            return real(*args, **kwargs)

        return step

    with monkeypatch.context() as patch:
        for name in ("open", "fsync", "fchmod"):
            patch.setattr(os, name, counted(getattr(os, name)))
        for name in ("rename", "replace", "mkdir", "unlink"):
            patch.setattr(Path, name, counted(getattr(Path, name)))
        try:
            act()
        except Cut:
            return steps
    return steps


def test_a_folder_that_cannot_be_made_is_the_technicians_to_mend(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(PartError, match="identity folder"):
        save(tmp_path / "file" / "identity", **parts())


def test_a_certificates_life_is_told_in_nanoseconds(tmp_path: Path) -> None:
    first_ns, last_ns = 1_800_000_000_000_000_000, 1_900_000_000_000_000_000
    authority = Authority.open(tmp_path / "ca")
    identity = authority.issue("door-7", tmp_path / "identity", not_before_ns=first_ns, not_after_ns=last_ns)
    assert certificate_life(identity.cert_file) == (first_ns, last_ns)
    identity.cert_file.write_bytes(b"-----BEGIN CERTIFICATE-----\nxx\n")
    with pytest.raises(ConfigError, match=r"unit\.crt"):
        certificate_life(identity.cert_file)


def test_loading_imports_neither_cryptography_nor_nacl(tmp_path: Path) -> None:
    save(tmp_path / "identity", **parts())
    program = (
        "import sys, pathlib, edge.identity as i; i.load(pathlib.Path(sys.argv[1]));"
        "print([m for m in ('cryptography', 'nacl', 'ssl', 'asyncio') if m in sys.modules])"
    )
    run = subprocess.run(
        [sys.executable, "-c", program, tmp_path / "identity"], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[]"


def test_a_certificate_that_is_missing_and_one_of_no_known_version_are_told_apart(tmp_path: Path) -> None:
    path = Authority.open(tmp_path / "ca").issue("door-7", tmp_path / "identity").cert_file
    der = base64.b64decode("".join(path.read_text().splitlines()[1:-1]))
    third, fourth = bytes.fromhex("a003020102"), bytes.fromhex("a003020103")  # versions are counted from 0
    assert der.count(third) == 1
    pem = base64.encodebytes(der.replace(third, fourth)).decode()
    path.write_text(f"-----BEGIN CERTIFICATE-----\n{pem}-----END CERTIFICATE-----\n")
    with pytest.raises(ConfigError, match="something that is no certificate"):
        certificate_life(path)
    path.unlink()
    with pytest.raises(ConfigError, match="no such file"):
        certificate_life(path)

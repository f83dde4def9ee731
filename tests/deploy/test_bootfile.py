"""The station's file on the boot partition: when the unit is started by it, and when its token is erased."""

import grp
import os
from pathlib import Path

import pytest

from deploy.recovery import bootfile
from edge.onsite import bootfile as stations
from edge.onsite import forms
from edge.secret import Secret

TOKEN = "k3" * 16
CA = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----"
BOOT = stations.BootFile(
    station="https://station.example:8444", ca=CA, unit="door-1", token=Secret(TOKEN.encode()), page_code=Secret(b"42")
)


@pytest.fixture
def card(tmp_path: Path) -> Path:
    """A station's file, as the station writes it."""
    path = tmp_path / stations.NAME
    path.write_text(stations.text(BOOT))
    return path


@pytest.fixture
def identity(tmp_path: Path) -> Path:
    """Of a unit that was enrolled by TOKEN."""
    return enrolled(tmp_path / "identity", TOKEN)


def enrolled(folder: Path, token: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "identity.json").write_text(f'{{"unit": "door-1", "token_id": "{forms.token_id(token)}"}}')
    (folder / "unit.crt").write_text(CA)
    return folder


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff\xfe",
        b"[" * 9000,
        b'token = "a"',
        b"token = 1\nstation = 1\nca = 1",
        stations.text(BOOT).encode()[:-20],
        b"a = [" + b"[" * 5000,
    ],
)
def test_what_is_no_stations_file_or_not_all_of_it_has_no_token(raw: bytes):
    assert bootfile.token_of(raw) is None


def test_the_token_is_read_as_the_station_wrote_it(card: Path):
    assert bootfile.token_of(card.read_bytes()) == TOKEN


def test_a_spent_token_is_erased_and_nothing_else_is_changed(card: Path, identity: Path):
    card.chmod(0o640)
    assert bootfile.erase(card, identity)
    left = stations.read(card)
    assert (left.token, left.page_code, left.unit, left.ca.strip()) == (None, BOOT.page_code, "door-1", CA)
    assert TOKEN not in card.read_text()
    assert card.stat().st_mode & 0o777 == 0o640
    assert [path.name for path in card.parent.glob("*.part")] == []


def test_a_second_look_at_an_erased_file_writes_nothing(card: Path, identity: Path):
    bootfile.erase(card, identity)
    before = card.stat()
    assert not bootfile.erase(card, identity)
    assert (card.stat().st_ino, card.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_token_for_another_enrolment_stays(card: Path, identity: Path):
    enrolled(identity, "another")
    assert not bootfile.erase(card, identity)
    assert stations.read(card).token == BOOT.token


@pytest.mark.parametrize("missing", ["identity.json", "unit.crt"])
def test_a_token_stays_until_all_of_the_identity_is_on_the_card(card: Path, identity: Path, missing: str):
    (identity / missing).unlink()
    assert not bootfile.erase(card, identity)
    assert stations.read(card).token == BOOT.token


def test_a_certificate_that_a_cut_left_empty_is_none(card: Path, identity: Path):
    (identity / "unit.crt").write_bytes(b"")
    assert not bootfile.erase(card, identity)


@pytest.mark.parametrize("about", [b"", b"[]", b"{", b"\xff", b'{"token_id": 5}', b"[" * 9000, b" " * 20_000])
def test_an_identity_that_cannot_be_read_keeps_the_token(card: Path, identity: Path, about: bytes):
    (identity / "identity.json").write_bytes(about)
    assert not bootfile.erase(card, identity)


def test_a_link_that_the_units_account_planted_is_not_followed(card: Path, identity: Path, tmp_path: Path):
    (identity / "identity.json").rename(tmp_path / "elsewhere.json")
    (identity / "identity.json").symlink_to(tmp_path / "elsewhere.json")
    assert not bootfile.erase(card, identity)


def test_a_pipe_that_the_units_account_planted_holds_nobody_up(card: Path, identity: Path):
    (identity / "identity.json").unlink()
    os.mkfifo(identity / "identity.json")
    assert not bootfile.erase(card, identity)


def test_a_token_written_as_no_station_writes_it_is_left_to_a_person(
    card: Path, identity: Path, capsys: pytest.CaptureFixture[str]
):
    card.write_text(stations.text(BOOT).replace(f'token = "{TOKEN}"', f"token = '''{TOKEN}'''"))
    assert not bootfile.erase(card, identity)
    assert "deleted by hand" in capsys.readouterr().err


def test_a_file_that_cannot_be_written_stays_as_it_is(card: Path, identity: Path):
    card.with_name(f"{card.name}.part").mkdir()  # stands for a partition that takes nothing
    with pytest.raises(OSError, match="directory"):
        bootfile.erase(card, identity)
    assert stations.read(card).token == BOOT.token


def test_the_units_group_can_read_what_was_copied_for_its_keeper_alone(card: Path):
    card.chmod(0o600)
    other = next(one for one in grp.getgrall() if one.gr_gid != card.stat().st_gid)
    bootfile.show(card, other.gr_name)
    given = (other.gr_gid, 0o640) if os.geteuid() == 0 else (card.stat().st_gid, 0o600)  # only root gives files away
    assert (card.stat().st_gid, card.stat().st_mode & 0o777) == given


def test_a_file_that_is_the_units_groups_already_is_not_widened(card: Path):
    card.chmod(0o600)
    bootfile.show(card, grp.getgrgid(card.stat().st_gid).gr_name)
    assert card.stat().st_mode & 0o777 == 0o600


def test_a_file_that_everybody_can_read_keeps_its_owners(card: Path):
    card.chmod(0o644)
    before = card.stat()
    bootfile.show(card, next(one.gr_name for one in grp.getgrall() if one.gr_gid != before.st_gid))
    assert (card.stat().st_gid, card.stat().st_mode) == (before.st_gid, before.st_mode)


@pytest.mark.parametrize(
    ("token", "by", "starts"),
    [
        (TOKEN, None, True),
        ("", None, True),  # it waits until a person accepts it
        (TOKEN, "", True),
        (TOKEN, forms.token_id("another"), True),  # a reissue
        (TOKEN, forms.token_id(TOKEN), False),
        ("", forms.token_id(TOKEN), False),  # what erasing it leaves: no circle
        ("", "", False),
    ],
)
def test_the_unit_is_started_by_a_file_that_it_has_use_for(token: str, by: str | None, starts: bool):
    assert bootfile.wanted(token, by) is starts


def test_who_a_unit_was_enrolled_by_is_read_as_the_unit_wrote_it(identity: Path):
    assert bootfile.enrolled_by(identity) == forms.token_id(TOKEN)
    (identity / "identity.json").write_text('{"unit": "door-1"}')
    assert bootfile.enrolled_by(identity) == ""

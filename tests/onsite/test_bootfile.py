"""The card's file is read whole or named as what it is, and shows no secret."""

from pathlib import Path

import pytest

from edge.errors import ConfigError
from edge.onsite import bootfile
from edge.onsite.bootfile import BootFile
from edge.secret import Secret

CA = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"
BOOT = BootFile(
    station="https://station.example:8444",
    ca=CA,
    unit="door-1",
    token=Secret(b"t0k3n"),
    page_code=Secret(b"PAGECODE"),
    made_ns=1_795_000_000_000_000_000,
    expires="2026-12-08T00:00:00.000000Z",
)
TEXT = bootfile.text(BOOT)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / bootfile.NAME


def test_what_a_station_writes_a_unit_reads(path: Path):
    path.write_text(TEXT)
    read = bootfile.read(path)
    assert (read.station, read.unit, read.ca.strip(), read.made_ns) == (BOOT.station, "door-1", CA, BOOT.made_ns)
    assert (read.token, read.page_code, read.expires) == (BOOT.token, BOOT.page_code, BOOT.expires)


def test_a_file_that_was_edited_on_a_windows_machine_is_read_too(path: Path):
    path.write_bytes(TEXT.replace("\n", "\r\n").encode())
    assert bootfile.read(path).token == BOOT.token


def test_secrets_show_neither_in_it_nor_in_what_is_said_of_a_garbled_file(path: Path):
    assert "t0k3n" not in repr(BOOT)
    assert "PAGECODE" not in repr(BOOT)
    path.write_text(TEXT.replace('"t0k3n"', '"t0k3n'))
    with pytest.raises(ConfigError) as told:
        bootfile.read(path)
    assert "t0k3n" not in str(told.value)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "schema None"),
        ("\x00" * 600, "no TOML"),
        (TEXT[: len(TEXT) // 2], "no TOML"),
        (TEXT.replace("schema = 1", "schema = 2"), "schema 2"),
        (TEXT.replace("schema = 1", 'schema = "1"'), "schema '1'"),
        (TEXT.replace("https://", "http://"), "no https address"),
        (TEXT.replace("BEGIN CERT", "BEGIN TEXT"), "no CA certificate"),
        (TEXT.replace("door-1", "../door"), "'../door'"),
        (TEXT.replace('made = "2026', 'made = "in 2026'), "in 2026"),
        (TEXT + "extra = 1\n", "unknown field"),
        (TEXT.replace('"t0k3n"', "7"), "`str`"),
        (TEXT + "#\n" * bootfile.FILE_MAX_BYTES, "more than"),
        (TEXT + "a." * 500 + "b = 1\n", "a line over"),
    ],
)
def test_a_file_that_is_garbled_or_of_another_schema_is_named(path: Path, text: str, found: str):
    path.write_text(text)
    with pytest.raises(ConfigError) as told:
        bootfile.read(path)
    assert found in told.value.found


def test_a_file_that_is_not_there_is_named_with_its_path(path: Path):
    with pytest.raises(ConfigError, match=r"doorunit-enrol\.toml: found no such file"):
        bootfile.read(path)


def test_a_token_is_erased_and_erasing_again_changes_nothing(path: Path):
    path.write_text(TEXT)
    bootfile.erase_token(path)
    once = path.read_bytes()
    assert b"t0k3n" not in once
    bootfile.erase_token(path)
    assert path.read_bytes() == once

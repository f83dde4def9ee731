"""config.load: any file is a Config within its bounds, or a ConfigError that says what, found, wanted and remedy."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from edge import config
from edge.declare import read_secret
from edge.errors import ConfigError
from edge.secret import Secret
from tests.fuzz.bend import Pick, spoil
from tests.fuzz.player import Play, Target, said

SETTINGS = list(config.settings())
NAMES = [setting.name for setting in SETTINGS]
DEFAULTS = config.defaults_toml()
SHORT = "[door]\nsettle_ms = 60\nchatter_ms = 900\n[camera]\nled_pin = 18\nmask = [[[0, 0], [1, 0], [1, 1]]]\n"
LOOPBACK = '[uplink]\nhost = "127.0.0.1"\ntls = false\nframes_url = "https://x:1"\n[spool]\nalive_s = 10\n'
NUMBERS = [
    "0",
    "1",
    "3",
    "5",
    "17",
    "18",
    "27",
    "28",
    "1000",
    "65536",
    "-1",
    "0x11",
    "1_0",
    "1e1",
    "0.5",
    "nan",
    "-inf",
]
NUMBERS += [
    str(2**31),
    str(2**63 - 1),
    str(2**63),
    str(-(2**63) - 1),
    "9" * 400,
    "9" * 5000,
    "1e999",
    "0.1",
    "2.0",
    "160",
]
VALUES = [
    *NUMBERS,
    "true",
    "false",
    '""',
    '"low"',
    '"high"',
    '"platform"',
    '"::1"',
    '"https://"',
    "'''\n'''",
    '"\\u0000"',
]
VALUES += [
    '"é门"',
    '"\\ud800"',
    "1979-05-27T07:32:00Z",
    "1979-05-27",
    "07:32:00",
    "0000-00-00",
    "[]",
    "[[]]",
    "{}",
    "{a=1}",
]
VALUES += [
    "[[[0,0],[1,0],[1,1]]]",
    "[[[nan,0],[0,inf],[1,2]]]",
    '[[["0",0],[0,1],[1,1]]]',
    "[[[0,0],[1,1]]]",
    "[true]",
    '"x"',
]
VALUES += ["[" * 600 + "]" * 600, "{a=" * 600 + "1" + "}" * 600, "[" * 30_000, '"' + "x" * 50_000 + '"']
KEYS = [*(name.split(".")[1] for name in NAMES), "contactpin", "HOST", '""', "a.b", "x" * 50, "__class__", "é"]
SECTIONS = ["door", "camera", "spool", "uplink", "unit", "log", "dor", "a.b", '""', "[door]", "door.contact_pin"]
PIECES = [
    "a.",
    "[",
    "[a.",
    "[[a]]\n",
    "{a=",
    '"',
    "'''",
    "a=1\n",
    "\\",
    "#",
    "9",
    "0x",
    "[a]\n",
    "\n",
    "[1,",
    "[door]\n",
    "\r",
]
EDITS = ("value", "value", "value", "value", "key", "line", "section", "drop", "twice", "spoil", "repeat")


def bend(raw: bytes, pick: Pick) -> bytes:
    """A settings file with one line changed, or many of the same put into it."""
    edit = pick(EDITS)
    if edit == "spoil":
        return spoil(raw, pick)
    lines = raw.decode(errors="replace").split("\n")
    at = pick(range(len(lines)))
    key, _, value = lines[at].removeprefix("# ").partition("=")
    new = {
        "value": lambda: [f"{key}= {pick(VALUES)}"],
        "key": lambda: [f"{pick(KEYS)} = {value}"],
        "line": lambda: [lines[at], f"{pick(KEYS)} = {pick(VALUES)}"],
        "section": lambda: [f"[{pick(SECTIONS)}]"],
        "drop": list[str],
        "twice": lambda: [lines[at], lines[at]],
        "repeat": lambda: [pick(PIECES) * pick((10, 300, 1000, 20_000)) + pick(("", "a=1", "=1", "]", '"'))],
    }[edit]()
    return "\n".join([*lines[:at], *new, *lines[at + 1 :]]).encode(errors="replace")


def _plain(secret: Secret) -> str:
    return secret.reveal().decode()


def sound(read: config.Config) -> None:
    """Every value is as its setting is declared."""
    assert config.parse(msgspec.to_builtins(read, enc_hook=_plain)) == read
    for setting in SETTINGS:
        section, key = setting.name.split(".")
        value = getattr(getattr(read, section), key)
        plain = msgspec.to_builtins(value, enc_hook=_plain)
        assert msgspec.convert(plain, setting.type, dec_hook=read_secret) == value, setting.name


@contextmanager
def opened(folder: Path) -> Iterator[Play]:
    """A file that is written anew for each input."""
    path = folder / "doorunit.toml"

    def play(data: bytes) -> None:
        path.write_bytes(data)
        try:
            read = config.load(path)
        except ConfigError as err:
            said(err)
        else:
            sound(read)

    yield play


TARGET = Target("config", opened, (DEFAULTS.encode(), SHORT.encode(), LOOPBACK.encode()), bend)

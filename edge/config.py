"""Every setting, declared once: type, unit, bounds, default, help, secret.

The defaults file, `doorunit config explain` and every message are made from these declarations.
"""

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import msgspec
from msgspec import Meta

from edge import centre, declare, fittings, outlets, phonebook, road, upkeep
from edge.cloud import Cloud
from edge.cloud import faults as cloud_faults
from edge.declare import Section, read_secret
from edge.declare import is_loopback as is_loopback
from edge.declare import setting as _is
from edge.errors import ConfigError
from edge.road import Uplink as Uplink

RING_MAX_MB = 128  # of the 512 MB of a Pi Zero 2 W
FILE_MAX_BYTES = 65_536  # the defaults with all their help are 5 kB; a picture or a disk is no settings file
LINE_MAX_BYTES = 1000  # tomllib takes half a minute for a key of 20,000 parts, and no key goes over a line's end
EXPLAIN = "`doorunit config explain {0}` tells what it is for."

Point = tuple[Annotated[float, Meta(ge=0, le=1)], Annotated[float, Meta(ge=0, le=1)]]
Polygon = Annotated[tuple[Point, ...], Meta(min_length=3)]


class Unit(Section, frozen=True):
    """Where this unit keeps what it must not lose."""

    state_dir: Annotated[str, _is("Folder on the data partition for spool, frames and identity.", min_length=1)] = (
        "/var/lib/doorunit"
    )
    enrol_file: Annotated[
        str, _is("The station's file by which this unit enrols, on the boot partition.", min_length=1)
    ] = "/boot/firmware/doorunit-enrol.toml"


class Door(Section, frozen=True):
    """The contact on the door leaf."""

    contact_pin: Annotated[
        int, _is("GPIO of the reed switch; its other wire goes to ground.", unit="BCM number", ge=4, le=27)
    ] = 17
    closed_level: Annotated[
        Literal["low", "high"],
        _is("Level of the pin while the door is shut: low for a normally-open reed to ground."),
    ] = "low"
    settle_ms: Annotated[
        int, _is("A change counts once the contact has been at rest this long.", unit="ms", ge=5, le=1000)
    ] = 50
    chatter_ms: Annotated[
        int,
        _is("A contact that has not come to rest after this long is faulty.", unit="ms", ge=500, le=60_000),
    ] = 3000
    resample_ms: Annotated[
        int,
        _is("The level is also read this often, for an edge the kernel dropped.", unit="ms", ge=100, le=600_000),
    ] = 1000
    held_after_s: Annotated[
        int, _is("A door open longer than this is reported as held.", unit="s", ge=5, le=86_400)
    ] = 120


class Camera(Section, frozen=True):
    """The camera on the landing."""

    enabled: Annotated[bool, _is("Whether this unit has a camera.")] = True
    before_s: Annotated[float, _is("Pictures from before the opening.", unit="s", ge=0, le=10)] = 2.0
    after_s: Annotated[float, _is("Pictures from after the opening.", unit="s", ge=0, le=30)] = 5.0
    fps: Annotated[float, _is("Pictures a second.", unit="1/s", ge=0.2, le=10)] = 2.0
    max_frames: Annotated[int, _is("At most this many pictures of one opening.", ge=1, le=100)] = 16
    width: Annotated[int, _is("Picture width.", unit="px", ge=160, le=1920, multiple_of=16)] = 1280
    height: Annotated[int, _is("Picture height.", unit="px", ge=120, le=1088, multiple_of=8)] = 720
    quality: Annotated[int, _is("JPEG quality.", ge=30, le=95)] = 80
    frame_kb: Annotated[
        int,
        _is(
            "A picture may be this large: its quality is lowered until it is, in at most two steps; 0 for any size.",
            unit="kB",
            ge=0,
            le=2000,
        ),
    ] = 0
    mask: Annotated[
        tuple[Polygon, ...],
        _is("Polygons painted over before anything else is done with a picture; corners as fractions [x, y] of it."),
    ] = ()
    led_pin: Annotated[
        int | None,
        _is("GPIO of the lamp that shows the resident that the camera is on.", unit="BCM number", example="18"),
    ] = None


class Spool(Section, frozen=True):
    """What is kept on the card until the platform holds it."""

    frames_mb: Annotated[int, _is("Room for sealed pictures; the oldest go first.", unit="MB", ge=1, le=65_536)] = 512
    records_max: Annotated[int, _is("Room for records; the oldest go first, counted.", ge=1000, le=5_000_000)] = 200_000
    alive_s: Annotated[
        int,
        _is(
            "How often the time is noted on the card, to bound what happened while off.",
            unit="s",
            ge=10,
            le=3600,
        ),
    ] = 300


class Term(Section, frozen=True):
    """The time in which the unit watches, which the platform begins and ends."""

    grace_s: Annotated[
        int,
        _is("After the end, what is still to be sent has this long before it is erased.", unit="s", ge=0, le=86_400),
    ] = 3600


class Install(Section, frozen=True):
    """The page for the installer's phone, which is there until the unit is signed off."""

    port: Annotated[int, _is("HTTPS port of the page, on all addresses of the unit.", ge=1024, le=65_535)] = 8440


class Log(Section, frozen=True):
    """What the unit writes to its journal."""

    level: Annotated[Literal["debug", "info", "warning"], _is("Least severe line that is written.")] = "info"


class Config(Section, frozen=True):
    """The whole file."""

    unit: Unit = Unit()
    door: Door = Door()
    camera: Camera = Camera()
    spool: Spool = Spool()
    term: Term = Term()
    uplink: Uplink = Uplink()
    install: Install = Install()
    update: upkeep.Update = upkeep.Update()
    log: Log = Log()
    alert: phonebook.Alert = phonebook.Alert()
    wecom: phonebook.WeCom = phonebook.WeCom()
    dingtalk: phonebook.DingTalk = phonebook.DingTalk()
    feishu: phonebook.Feishu = phonebook.Feishu()
    ntfy: phonebook.Ntfy = phonebook.Ntfy()
    apprise: phonebook.Apprise = phonebook.Apprise()
    viid: phonebook.Viid = phonebook.Viid()
    sensors: fittings.Sensors = fittings.Sensors()
    indicator: fittings.Indicator = fittings.Indicator()
    metrics: outlets.Metrics = outlets.Metrics()
    home_assistant: outlets.HomeAssistant = outlets.HomeAssistant()
    cloud: Cloud = Cloud()
    gb28181: centre.Gb28181 = centre.Gb28181()


class Setting(msgspec.Struct, frozen=True):
    """One declared setting, as documentation and messages need it."""

    name: str  # section.key
    wanted: str  # type, bounds and unit in words
    default: Any
    help: str
    secret: bool
    type: Any
    example: str = ""  # TOML, where it is left out by default


def settings() -> Iterator[Setting]:
    """Every setting, in the order of the file."""
    for section in msgspec.structs.fields(Config):
        for field in msgspec.structs.fields(section.type):
            meta = get_args(field.type)[1]
            extra = meta.extra or {}
            yield Setting(
                f"{section.name}.{field.name}",
                declare.wanted(field.type, meta),
                field.default,
                meta.description or "",
                bool(extra.get("secret")),
                field.type,
                str(extra.get("example", "")),
            )


def load(path: Path) -> Config:
    """Read one TOML file. Raises ConfigError that says what, where, found, wanted and what to do."""
    tables = _read(path)
    try:
        return parse(tables)
    except ConfigError as err:
        err.where = str(path)
        raise


def check(path: Path) -> list[ConfigError]:
    """All that is not as declared; of settings together, once each is well. Raises ConfigError for what is no TOML."""
    found = list(_faults(_read(path), {}))
    for err in found:
        err.where = str(path)
    return found


def parse(tables: Mapping[str, Any]) -> Config:
    """A Config from TOML's tables. Raises ConfigError for the first thing that is not as declared."""
    built: dict[str, Any] = {}
    for err in _faults(tables, built):
        raise err
    return Config(**built)


def _read(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            raw = file.read(FILE_MAX_BYTES + 1)
    except OSError as err:
        raise ConfigError(
            f"config file {path}",
            found=err.strerror or err,
            wanted="a readable TOML file",
            remedy="`doorunit config defaults` prints one to start from.",
        ) from err
    try:
        return _tables(raw)
    except (ValueError, RecursionError) as err:  # a number of over 4300 digits and a deep nest are no TOMLDecodeError
        raise ConfigError(
            f"config file {path}",
            found=err,
            wanted=f"TOML, {FILE_MAX_BYTES} bytes at most, in lines of {LINE_MAX_BYTES} at most",
            remedy="`doorunit config defaults` prints one to start from.",
        ) from err


def _faults(tables: Mapping[str, Any], built: dict[str, Any]) -> Iterator[ConfigError]:
    """All that is wrong; `built` gets the sections."""
    known = {s.name: s for s in settings()}
    sections = {f.name: f.type for f in msgspec.structs.fields(Config)}
    well = True
    for section, table in tables.items():
        values: dict[str, Any] = {}
        for err in _of_section(section, table, known, values):
            well = False
            yield err
        if section in sections:
            built[section] = sections[section](**values)
    if well:
        yield from _together(Config(**built))


def _of_section(section: str, table: Any, known: dict[str, Setting], values: dict[str, Any]) -> Iterator[ConfigError]:
    """All that is wrong in one section; `values` gets what is well."""
    sections = {name.partition(".")[0]: None for name in known}
    if section not in sections:
        yield unknown(section, list(sections), "sections")
    elif not isinstance(table, Mapping):
        yield ConfigError(
            section,
            found="no table" if _holds_secrets(section) else repr(table),
            wanted=f"a table, [{section}], and settings below it",
            remedy="`doorunit config defaults` prints them all.",
        )
    else:
        for key, value in table.items():
            name = f"{section}.{key}"
            try:
                if name not in known:
                    raise unknown(name, list(known), "settings")  # noqa: TRY301 - told as all others are
                values[key] = _value(known[name], value)
            except ConfigError as err:
                yield err


def plain(config: Config) -> Any:
    """The settings as what JSON can hold; of a secret only that there is one."""
    return msgspec.to_builtins(config, enc_hook=repr)


def defaults_toml() -> str:
    """A file with every setting at its default, each with its help."""
    lines: list[str] = ["# doorunit: every setting at its default. Delete what you do not change."]
    section = ""
    for s in settings():
        table, key = s.name.split(".")
        if table != section:
            section = table
            lines += ["", f"[{section}]"]
        lines.append(f"# {s.help} ({s.wanted})")
        value = declare.toml(s.default)
        lines.append(f"# {key} = {s.example}" if value is None else f"{key} = {value}")
    return "\n".join(lines) + "\n"


def _tables(raw: bytes) -> dict[str, Any]:
    """Raises ValueError, RecursionError."""
    longest = max(map(len, raw.split(b"\n")))
    if len(raw) > FILE_MAX_BYTES or longest > LINE_MAX_BYTES:
        raise ValueError(f"{len(raw)} bytes or more, and a line of {longest}")
    return tomllib.loads(raw.decode())


def _holds_secrets(section: str) -> bool:
    return any(s.secret for s in settings() if s.name.startswith(f"{section}."))


def _value(setting: Setting, value: Any) -> Any:
    try:
        return msgspec.convert(value, setting.type, dec_hook=read_secret)
    except msgspec.ValidationError as err:
        found = "a secret that does not fit" if setting.secret else repr(value)
        raise ConfigError(
            setting.name, found=found, wanted=setting.wanted, remedy=EXPLAIN.format(setting.name)
        ) from err


def unknown(name: str, names: list[str], kind: str) -> ConfigError:
    """The error for a name that is not declared; it offers the nearest one that is."""
    import difflib  # only a misspelt name needs it

    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    return ConfigError(
        name or '""',
        found="no such setting",
        wanted=f"{near[0]}?" if near else f"one of the {kind} that are declared",
        remedy="`doorunit config defaults` prints them all.",
    )


def _together(config: Config) -> Iterator[ConfigError]:
    """What one setting must be because of another."""
    door, camera = config.door, config.camera
    if door.chatter_ms <= 2 * door.settle_ms:
        yield ConfigError(
            "door.chatter_ms",
            found=door.chatter_ms,
            wanted=f"more than twice door.settle_ms ({door.settle_ms})",
            remedy="A contact needs time to settle before it is called faulty.",
        )
    ring_mb = (camera.before_s + 1) * camera.fps * camera.width * camera.height * 4 // 1_000_000
    if ring_mb > RING_MAX_MB:
        yield ConfigError(
            "camera.before_s",
            found=f"{camera.before_s} s at {camera.fps}/s of {camera.width}x{camera.height}, which is {ring_mb:.0f} MB",
            wanted=f"pictures from before the opening that fit into {RING_MAX_MB} MB of RAM",
            remedy="Lower camera.before_s, camera.fps or the picture's size.",
        )
    yield from road.faults(config.uplink)
    yield from phonebook.faults(config.viid)
    pins = {
        "door.contact_pin": door.contact_pin,
        "camera.led_pin": camera.led_pin,
        "sensors.tamper_pin": config.sensors.tamper_pin,
        "indicator.led_pin": config.indicator.led_pin,
        "indicator.buzzer_pin": config.indicator.buzzer_pin,
    }
    yield from fittings.faults(config.sensors, pins)
    yield from outlets.faults(config.metrics, config.home_assistant)
    yield from cloud_faults(config.cloud)
    yield from centre.faults(config.gb28181)
    for name, url in phonebook.urls(config.wecom, config.dingtalk, config.feishu, config.ntfy):
        if not phonebook.is_safe(url):
            yield ConfigError(
                name,
                found="an address that is not of that form",  # not repeated: a key may have been pasted with it
                wanted="https://host/path without a key; http:// only on this machine",
                remedy=EXPLAIN.format(name),
            )

"""Settings: each is taken within its declared bounds or refused by its name, and every text is made from the list."""

import math
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from edge import config
from edge.config import Config, Setting
from edge.errors import ConfigError
from edge.secret import Secret

SETTINGS = {s.name: s for s in config.settings()}
SECTIONS = sorted({name.split(".")[0] for name in SETTINGS})
quick = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])

texts = st.text(max_size=12)
scalars = st.booleans() | st.integers() | st.floats() | texts | st.datetimes() | st.dates() | st.times()
anything = st.recursive(scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=3))
near_bounds = st.integers(-2, 70_000) | st.sampled_from(
    [3, 4, 5, 17, 18, 27, 28, 50.0, 0.2, 0.5, 2.5, 10, 2**63, 10**400]
)
choices = st.sampled_from(["low", "high", "platform", "broker", "debug", "warning", "https://x", "localhost", ""])
corners = st.tuples(st.floats(-0.1, 1.1), st.floats(-0.1, 1.1)).map(list)
values = anything | near_bounds | choices | st.lists(st.lists(corners, max_size=5), max_size=2)


def table(name: str, value: Any, **others: Any) -> dict[str, Any]:
    """TOML's tables with one setting of a section, and others of that section."""
    section, key = name.split(".")
    return {section: {key: value, **others}}


def of(settings_: Config, name: str) -> Any:
    """One setting's value."""
    section, key = name.split(".")
    return getattr(getattr(settings_, section), key)


def refusal(tables: dict[str, Any]) -> ConfigError:
    """What is said against these tables."""
    with pytest.raises(ConfigError) as caught:
        config.parse(tables)
    assert "found" in str(caught.value)
    return caught.value


def bounds(setting: Setting) -> tuple[Any, Any]:
    """Lower and upper bound as declared; None where there is none."""
    meta = setting.type.__metadata__[0]
    return meta.ge, meta.le


# Any value in any key


@quick
@given(st.sampled_from(sorted(SETTINGS)), values)
def test_any_value_of_any_setting_is_taken_as_declared_or_refused_by_its_name(name: str, value: Any):
    try:
        taken = of(config.parse(table(name, value)), name)
    except ConfigError as err:
        named = err.what
    else:
        named = name
        low, high = bounds(SETTINGS[name])
        assert low is None or low <= taken
        assert high is None or taken <= high
        assert type(taken) in (bool, int, float, str, tuple, Secret)
        taken = taken.reveal().decode() if isinstance(taken, Secret) else taken
        assert list(taken) == [tuple(map(tuple, p)) for p in value] if isinstance(taken, tuple) else taken == value
    assert named == name or (named, name) == ("door.chatter_ms", "door.settle_ms")  # the two must fit together


BOUNDED = sorted(name for name, s in SETTINGS.items() if bounds(s) != (None, None))


@pytest.mark.parametrize("name", BOUNDED)
def test_the_bounds_themselves_are_taken_and_what_is_beyond_is_not(name: str):
    low, high = bounds(SETTINGS[name])
    others = {"chatter_ms": 60_000} if name == "door.settle_ms" else {}
    for bound, beyond in ((low, -1), (high, 1)):
        assert of(config.parse(table(name, bound, **others)), name) == bound
        error = refusal(table(name, bound + beyond, **others))
        assert (error.what, error.found) == (name, repr(bound + beyond))
        assert f"{low} to {high}" in error.wanted


def test_every_number_has_both_bounds():
    unbounded = [s.name for s in SETTINGS.values() if type(s.default) in (int, float) and None in bounds(s)]
    assert unbounded == []


@pytest.mark.parametrize("name", ["camera.before_s", "camera.fps"])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 10**400])
def test_what_is_no_number_at_all_is_refused(name: str, value: float):
    assert refusal(table(name, value)).what == name


@pytest.mark.parametrize("value", [1, "true", 0, None, []])
def test_what_is_true_or_false_must_be_said_so(value: object):
    assert refusal(table("camera.enabled", value)).wanted == "true or false"


def test_a_whole_number_will_do_for_a_number_but_not_the_other_way_round():
    assert config.parse(table("camera.fps", 3)).camera.fps == 3.0
    assert refusal(table("door.settle_ms", 50.0)).wanted == "a whole number 5 to 1000, in ms"


@pytest.mark.parametrize("name", [name for name, s in SETTINGS.items() if isinstance(s.default, str)])
def test_no_text_may_be_empty(name: str):
    assert refusal(table(name, "")).what == name


def test_a_mask_is_polygons_of_at_least_three_corners_within_the_picture():
    corner = [[0, 0], [1, 0], [1, 1]]
    assert config.parse(table("camera.mask", [corner])).camera.mask == (((0, 0), (1, 0), (1, 1)),)
    for wrong in ([corner[:2]], [[*corner, [1, 1.01]]], [[*corner, [0.5]]], [[*corner, [math.nan, 0]]], corner):
        assert refusal(table("camera.mask", wrong)).what == "camera.mask"


# Settings that depend on one another


def test_a_contact_must_have_time_to_settle_before_it_is_called_faulty():
    assert config.parse({"door": {"settle_ms": 500, "chatter_ms": 1001}}).door.chatter_ms == 1001
    error = refusal({"door": {"settle_ms": 500, "chatter_ms": 1000}})
    assert (error.what, error.wanted) == ("door.chatter_ms", "more than twice door.settle_ms (500)")


@pytest.mark.parametrize("pin", [3, 28, -1, 17, 10**30])
def test_the_lamp_needs_a_free_pin_of_its_own(pin: int):
    error = refusal(table("camera.led_pin", pin))
    assert (error.what, error.found.partition(",")[0]) == ("camera.led_pin", str(pin))


@pytest.mark.parametrize("pin", [4, 16, 18, 27])
def test_the_lamp_may_have_any_other_free_pin(pin: int):
    assert config.parse(table("camera.led_pin", pin)).camera.led_pin == pin


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.9.9.9", "::1"])
def test_without_tls_only_this_machine_may_be_the_broker(host: str):
    assert config.parse({"uplink": {"tls": False, "host": host}}).uplink.host == host
    assert config.is_loopback(host)


@pytest.mark.parametrize("host", ["10.0.0.1", "localhost.example", "127.0.0.1.nip.io", "::2", "0.0.0.0"])
def test_records_never_cross_a_network_in_clear(host: str):
    error = refusal({"uplink": {"tls": False, "host": host}})
    assert (error.what, error.found) == ("uplink.tls", f"false with host {host}")
    assert not config.is_loopback(host)


@pytest.mark.parametrize(
    ("camera", "mb"),
    [
        ({"before_s": 10.0, "fps": 10.0}, 405),
        ({"before_s": 9.0, "width": 1920, "height": 1088}, 167),
        ({"before_s": 7.0, "fps": 4.375, "width": 960, "height": 960}, 129),
    ],
)
def test_pictures_from_before_an_opening_must_fit_into_a_small_pis_memory(camera: dict[str, float], mb: int):
    error = refusal({"camera": camera})
    assert error.what == "camera.before_s"
    assert f"which is {mb} MB" in error.found
    assert "128 MB" in error.wanted


def test_pictures_that_just_fit_into_memory_are_taken():
    taken = config.parse({"camera": {"before_s": 7.0, "fps": 4.35, "width": 960, "height": 960}})
    assert taken.camera.fps == 4.35


# Names that are not declared


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("door.settel_ms", "door.settle_ms"),
        ("door.settle", "door.settle_ms"),
        ("camera.led", "camera.led_pin"),
        ("uplink.hots", "uplink.host"),
        ("spool.frame_mb", "spool.frames_mb"),
        ("wecom.kee", "wecom.key"),
        ("dingtalk.tokn", "dingtalk.token"),
    ],
)
def test_an_unknown_setting_offers_the_nearest_one_that_is_declared(name: str, near: str):
    error = refusal(table(name, 1))
    assert (error.what, error.found, error.wanted) == (name, "no such setting", f"{near}?")


@quick
@given(st.sampled_from(SECTIONS), st.text(min_size=1, max_size=10))
def test_an_unknown_setting_is_named_and_whatever_is_offered_is_declared(section: str, key: str):
    name = f"{section}.{key}"
    assume(name not in SETTINGS)
    error = refusal({section: {key: 1}})
    assert error.what == name
    assert error.wanted.removesuffix("?") in {*SETTINGS, "one of the settings that are declared"}


def test_an_unknown_section_offers_the_nearest_one():
    assert refusal({"dor": {}}).wanted == "door?"
    assert refusal({"xyz": {}}).wanted == "one of the sections that are declared"


@pytest.mark.parametrize("value", [5, "x", [{"settle_ms": 5}]])
def test_a_section_that_is_no_table_is_told_so_and_not_that_it_is_unknown(value: object):
    error = refusal({"door": value})
    assert (error.what, error.found) == ("door", repr(value))
    assert "[door]" in error.wanted


# Files


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "doorunit.toml"


def test_a_file_changes_what_it_names_and_nothing_else(file: Path):
    file.write_text("[door]\nsettle_ms = 80\n\n[log]\nlevel = 'debug'\n", encoding="utf-8")
    loaded = config.load(file)
    assert (loaded.door.settle_ms, loaded.log.level) == (80, "debug")
    assert (loaded.door.contact_pin, loaded.uplink) == (17, Config().uplink)


def test_an_empty_file_is_all_defaults(file: Path):
    file.write_text("", encoding="utf-8")
    assert config.load(file) == Config()


@pytest.mark.parametrize(
    "raw",
    [
        b"[door",
        b"settle_ms == 5",
        b"[door]\n[door]\n",
        b"x = '\x00'",
        b"\xff\xfe",
        b"a = " + b"[" * 5000,
        b"a = " + b"1" * 5000,
        b"[" + b"a." * 20_000 + b"a]",
        b"#\n" * 33_000,
        "#门\n".encode() * 14_000,
    ],
    ids=lambda raw: repr(raw[:12]),
)
def test_garbled_toml_names_the_file_and_where_to_start_from(file: Path, raw: bytes):
    file.write_bytes(raw)
    with pytest.raises(ConfigError) as caught:
        config.load(file)
    assert str(file) in caught.value.what
    assert caught.value.remedy == "`doorunit config defaults` prints one to start from."


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("[door]\nsetle_ms = 50", "door.setle_ms in {}: found no such setting; want door.settle_ms? `doorunit config"),
        (
            "[door]\nsettle_ms = 2000",
            "door.settle_ms in {}: found 2000; want a whole number 5 to 1000, in ms. `doorunit",
        ),
        ("[door]\nchatter_ms = 500\nsettle_ms = 500", "door.chatter_ms in {}: found 500; want more than twice "),
    ],
)
def test_a_setting_that_is_wrong_is_named_with_the_file_it_stands_in(file: Path, written: str, says: str):
    file.write_text(written, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        config.load(file)
    assert str(caught.value).startswith(says.format(file))


@quick
@given(st.text(max_size=40) | st.text("[]=\"'.\n\t #{}1e_-+doors", max_size=60))
def test_no_text_whatsoever_breaks_the_reader(text: str):
    try:
        tables = tomllib.loads(text)
    except (ValueError, RecursionError):
        return
    try:
        config.parse(tables)
    except ConfigError as err:
        named = err.what
    else:
        return
    assert any(named == (section or '""') or named.startswith(f"{section}.") for section in tables)


def test_a_section_without_a_name_is_named_all_the_same():
    with pytest.raises(ConfigError) as caught:
        config.parse({"": {}})
    assert caught.value.what == '""'


def test_a_missing_file_and_a_folder_are_told_apart(tmp_path: Path):
    for path, found in ((tmp_path / "gone", "No such file or directory"), (tmp_path, "Is a directory")):
        with pytest.raises(ConfigError, match="want a readable TOML file") as caught:
            config.load(path)
        assert caught.value.found == found


# What is made from the declarations


def test_the_defaults_file_is_the_defaults(file: Path):
    file.write_text(config.defaults_toml(), encoding="utf-8")
    assert config.load(file) == Config()


def test_the_defaults_are_within_their_own_bounds():
    built = {section: {} for section in SECTIONS}
    for setting in SETTINGS.values():
        section, key = setting.name.split(".")
        built[section] |= {} if setting.default is None else {key: setting.default}
    assert config.parse(built) == Config()


def test_the_defaults_file_tells_every_setting_with_its_help():
    text = config.defaults_toml()
    for setting in SETTINGS.values():
        section, key = setting.name.split(".")
        part = text.split(f"[{section}]\n")[1].split("\n\n")[0]
        assert f"{key} = " in part
        assert f"# {setting.help} ({setting.wanted})\n" in part


# What stands alone in no file: a video platform is not one without the numbers that it gave.
NEEDED = {"host": ("host", "server_id", "device_id", "magnet_id")}
LEFT_OUT = [s for s in SETTINGS.values() if s.default is None]


@pytest.mark.parametrize("setting", LEFT_OUT, ids=lambda setting: setting.name)
def test_a_setting_that_is_left_out_by_default_stands_there_as_an_example_that_would_be_taken(setting: Setting):
    section, key = setting.name.split(".")
    part = config.defaults_toml().split(f"[{section}]\n")[1].split("\n\n")[0]
    wanted = tuple(f"# {name} = " for name in NEEDED.get(key, (key,)))
    lines = [line.removeprefix("# ") for line in part.splitlines() if line.startswith(wanted)]
    assert of(config.parse(tomllib.loads("\n".join([f"[{section}]", *lines]))), setting.name) is not None


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS)
def test_every_setting_has_help_that_is_a_sentence_and_says_what_it_wants(setting: Setting):
    assert setting.help[0].isupper()
    assert setting.help.endswith(".")
    assert setting.wanted


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("unit.state_dir", "text, not empty"),
        ("door.contact_pin", "a whole number 4 to 27, in BCM number"),
        ("door.closed_level", "one of low, high"),
        ("camera.enabled", "true or false"),
        ("camera.fps", "a number 0.2 to 10, in 1/s"),
        ("camera.max_frames", "a whole number 1 to 100"),
        ("camera.width", "a whole number 160 to 1920, a multiple of 16, in px"),
        ("camera.mask", "polygons of at least 3 corners, each 0 to 1"),
        ("camera.led_pin", "a GPIO 4-27, or left out, in BCM number"),
        ("uplink.frames_url", "text like https://..."),
        ("wecom.key", "a secret text of at most 2000 characters without spaces, or left out"),
        ("ntfy.ca_file", "text, not empty, or left out"),
    ],
)
def test_what_a_setting_wants_is_said_in_words_an_installer_reads(name: str, words: str):
    assert SETTINGS[name].wanted == words


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS)
def test_a_name_that_ends_in_a_unit_says_the_same_unit_in_its_help(setting: Setting):
    unit = {"ms": "ms", "s": "s", "mb": "MB"}.get(setting.name.rpartition("_")[2])
    assert unit is None or setting.wanted.endswith(f", in {unit}")


def test_a_secret_that_does_not_fit_is_not_repeated():
    secret = Setting("uplink.password", "text, not empty", "", "A password.", True, int)
    with pytest.raises(ConfigError) as caught:
        config._value(secret, "hunter2")
    assert "hunter2" not in str(caught.value)


def test_no_setting_can_be_changed_once_it_is_loaded():
    with pytest.raises(AttributeError):
        Config().door.settle_ms = 1


def test_a_hub_in_clear_is_only_accepted_on_this_machine():
    assert config.parse({"cloud": {"profile": "thingsboard", "host": "127.0.0.1", "tls": False}}).cloud.tls is False
    with pytest.raises(ConfigError, match=r"cloud\.tls: found false with host hub\.example"):
        config.parse({"cloud": {"profile": "thingsboard", "host": "hub.example", "tls": False}})

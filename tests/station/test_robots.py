"""The station's scheduled posts reach real channels, each text once."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from edge.clock import SystemClock
from edge.errors import ConfigError, LinkError, ServerError
from edge.sim.phones import Phones
from edge.sim.robots import KEY
from edge.station.robots import Robots


@pytest.fixture
def phones() -> Iterator[Phones]:
    clock = SystemClock()
    with closing(Phones(clock.now, lambda: clock.read().wall_ns)) as opened:
        yield opened


def robots(phones: Phones, folder: Path, *names: str) -> Robots:
    """From a file as its keeper writes it."""
    sections = phones.settings(*names)
    lines = []
    for name, keys in sections.items():
        lines += [f"[{name}]", *(f'{key} = "{value}"' for key, value in keys.items())]
    path = folder / "robots.toml"
    path.write_text("\n".join(lines), encoding="utf-8")
    return Robots.read(path, SystemClock())


def test_a_post_reaches_every_channel_of_the_file(phones: Phones, tmp_path: Path):
    robots(phones, tmp_path, "wecom", "dingtalk", "feishu").post("今日在期\ndoor-1")
    heard = phones.wait(3, 5)
    assert len(heard) == 3
    assert all("今日在期" in one.taken.text and "door-1" in one.taken.text for one in heard)


def test_what_some_channels_took_goes_again_to_the_others_alone(phones: Phones, tmp_path: Path):
    poster = robots(phones, tmp_path, "wecom", "dingtalk")
    right, phones.judges["dingtalk"] = phones.judges["dingtalk"], lambda _: (502, {}, None)
    with pytest.raises(ServerError):
        poster.post("the week")
    phones.judges["dingtalk"] = right
    poster.post("the week")
    assert len(phones.wait(2, 5)) == 2
    poster.post("the week")
    assert len(phones.wait(4, 5)) == 4


def test_a_refusal_is_raised_and_shows_no_key(phones: Phones, tmp_path: Path):
    path = tmp_path / "robots.toml"
    path.write_text(f'[wecom]\nurl = "{phones.url("wecom")}"\nkey = "wrong-key-1234"\n')
    with pytest.raises(LinkError) as caught:
        Robots.read(path, SystemClock()).post("the week")
    assert "wrong-key-1234" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "[wecom]\nkee = 1\n", "[door]\nsettle_ms = 50\n"])
def test_a_file_without_a_channel_or_with_an_unknown_key_is_refused(tmp_path: Path, text: str):
    path = tmp_path / "robots.toml"
    path.write_text(text)
    with pytest.raises(ConfigError):
        Robots.read(path, SystemClock())
    assert KEY not in text

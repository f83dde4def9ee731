"""Settings of the road to the platform: a proxy's address and login, and what they never show."""

import pytest

from edge import config
from edge.errors import ConfigError
from edge.road import proxy_of


def parsed(**uplink: object) -> config.Config:
    return config.parse({"uplink": uplink})


@pytest.mark.parametrize(
    "url",
    [
        "http://",
        "http://proxy",
        "http://:3128",
        "http://proxy:0",
        "http://proxy:65536",
        "http://proxy:port",
        "https://proxy:3128",
        "socks5://proxy:1080",
        "proxy:3128",
        "http://proxy:3128/path",
        "http://proxy:3128?x",
        "http://proxy:3128#x",
        "http://pro xy:3128",
        "http://proxy:3128\r\nX: y",
        "http://[::1:3128",
        "http://pröxy:3128",
        "http://user:hunter2@proxy:3128",
        "http://@proxy:3128",
    ],
)
def test_what_is_no_plain_proxy_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parsed(proxy=url)
    assert caught.value.what == "uplink.proxy"
    assert caught.value.found == "an address that is not of that form"
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [
        ("http://proxy.example:3128", "proxy.example", 3128),
        ("http://10.0.0.1:8080/", "10.0.0.1", 8080),
        ("http://[fd00::1]:3128", "fd00::1", 3128),
    ],
)
def test_a_proxy_is_a_host_and_a_port(url: str, host: str, port: int) -> None:
    assert proxy_of(parsed(proxy=url).uplink.proxy or "") == (host, port)


def test_a_login_never_shows() -> None:
    settings = parsed(proxy="http://proxy:3128", proxy_login="door:hunter2")
    assert "hunter2" not in f"{settings!r}{config.plain(settings)}"


def test_a_login_without_a_colon_is_refused_and_not_repeated() -> None:
    with pytest.raises(ConfigError) as caught:
        parsed(proxy="http://proxy:3128", proxy_login="hunter2")
    assert caught.value.what == "uplink.proxy_login"
    assert "hunter2" not in str(caught.value)


def test_the_other_way_is_there_unless_it_is_switched_off() -> None:
    assert config.Config().uplink.fallback == "https"
    assert parsed(fallback="none").uplink.fallback == "none"
    with pytest.raises(ConfigError):
        parsed(fallback="carrier pigeon")

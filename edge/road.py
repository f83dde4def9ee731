"""Settings of the road to the platform: its broker, where pictures go, and what to do where MQTT is blocked."""

from collections.abc import Iterator
from typing import Annotated, Literal
from urllib.parse import urlsplit

from edge.declare import Section, Text, is_loopback, setting
from edge.errors import ConfigError
from edge.secret import Secret

PORT_MAX = 65_535


class Uplink(Section, frozen=True):
    """The way to the platform."""

    host: Annotated[str, setting("Broker's host name or address.", min_length=1)] = "localhost"
    port: Annotated[int, setting("Broker's port.", ge=1, le=PORT_MAX)] = 8883
    tls: Annotated[bool, setting("TLS with this unit's certificate; false is only accepted for a loopback broker.")] = (
        True
    )
    frames_url: Annotated[
        str,
        setting(
            "Where sealed pictures go, as https://host:port; the same certificates as the broker's.",
            pattern="^https://.+",
        ),
    ] = "https://localhost:8443"
    fallback: Annotated[
        Literal["https", "none"],
        setting(
            "What is done where MQTT does not get through: records and commands go by HTTPS, to frames_url, until it "
            'does again; Home Assistant is told nothing meanwhile. Never used with receipt = "broker".'
        ),
    ] = "https"
    proxy: Annotated[
        Text | None,
        setting(
            "HTTP proxy for all that goes by HTTPS to the platform, as http://host:port; MQTT knows no proxy.",
            example='"http://proxy.example:3128"',
        ),
    ] = None
    proxy_login: Annotated[
        Secret | None,
        setting("What the proxy asks for, as user:password.", secret=True, example='"door:4c1f..."'),
    ] = None
    keepalive_s: Annotated[
        int, setting("MQTT keep-alive; a silent network is noticed within two of these.", unit="s", ge=5, le=300)
    ] = 20
    pulse_s: Annotated[
        int,
        setting("How often the unit sends its pulse; on a metered link 300, as keepalive_s.", unit="s", ge=1, le=3600),
    ] = 20
    whole_pulse_s: Annotated[
        int,
        setting(
            "How often a pulse has all its numbers, besides at each change of health; the others have the few that "
            "tell that all is well.",
            unit="s",
            ge=1,
            le=86_400,
        ),
    ] = 900
    window: Annotated[int, setting("Records in flight at most while a backlog is sent.", ge=1, le=1000)] = 64
    receipt: Annotated[
        Literal["platform", "broker"],
        setting(
            "Whose word lets the spool forget: the platform's receipt, or the PUBACK of a broker without a platform."
        ),
    ] = "platform"
    receipt_timeout_s: Annotated[
        int, setting("A record without a receipt after this long is sent again.", unit="s", ge=2, le=600)
    ] = 30
    offline_days: Annotated[
        int,
        setting(
            "Longest time this unit may be without a network; with less than three times this left of its certificate "
            "it asks for a new one.",
            unit="days",
            ge=1,
            le=110,
        ),
    ] = 30
    backoff_max_s: Annotated[int, setting("Longest pause between two attempts to connect.", unit="s", ge=1, le=900)] = (
        30
    )

    @property
    def detours(self) -> bool:
        """Whether all goes by HTTPS where MQTT is blocked; a broker's word is no platform's receipt."""
        return self.fallback == "https" and self.receipt != "broker"


def faults(uplink: Uplink) -> Iterator[ConfigError]:
    """What one setting must be because of another."""
    if not uplink.tls and not is_loopback(uplink.host):
        yield ConfigError(
            "uplink.tls",
            found=f"false with host {uplink.host}",
            wanted="true for every host but this machine",
            remedy="Records must not cross a network in clear.",
        )
    if uplink.proxy is not None and proxy_of(uplink.proxy) is None:
        yield ConfigError(
            "uplink.proxy",
            found="an address that is not of that form",  # not repeated: a password may have been written into it
            wanted="http://host:port and nothing else; user and password go into uplink.proxy_login",
            remedy="Ask the network's owner for the proxy's host and port.",
        )
    if uplink.proxy_login is not None and b":" not in uplink.proxy_login.reveal():
        yield ConfigError(
            "uplink.proxy_login",
            found="a text without a colon",
            wanted="user:password",
            remedy="Ask the network's owner whether the proxy wants a login at all.",
        )


def proxy_of(url: str) -> tuple[str, int] | None:
    """Host and port of a proxy's address; None where it is of another form."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or 0
    except ValueError:  # an address in brackets that is none, a port that is no number
        return None
    more = parts.path.strip("/") or parts.query or parts.fragment or "@" in parts.netloc
    plain = host.isascii() and url.isprintable() and not any(sign in url for sign in " \\")
    return (host, port) if parts.scheme == "http" and host and port and plain and not more else None

"""Settings of the second path: which phones are told, over which channel, in which language."""

import re
from collections.abc import Iterator
from typing import Annotated, Literal
from urllib.parse import urlsplit

from edge.declare import Section, Text, is_loopback, setting
from edge.errors import ConfigError
from edge.secret import Secret


class Alert(Section, frozen=True):
    """What is told to phones, whichever the channel. A channel is used once its key, token, topic or url is given."""

    language: Annotated[Literal["zh", "en", "both"], setting("Language of what is written to phones.")] = "zh"
    utc_offset_min: Annotated[
        int, setting("Local time in what is written to phones, from UTC.", unit="min", ge=-720, le=840)
    ] = 480
    shut: Annotated[bool, setting("Whether a door that shuts is told too.")] = True
    quiet_expected: Annotated[bool, setting("Whether an expected opening (a visit) is not told to phones.")] = False
    mention_all: Annotated[
        bool, setting("Whether everybody in a WeCom, DingTalk or Feishu group is called for what is not expected.")
    ] = False
    stale_s: Annotated[
        int,
        setting(
            "What could not be told for this long is only counted in the next message.", unit="s", ge=60, le=86_400
        ),
    ] = 600


class WeCom(Section, frozen=True):
    """A group robot of WeCom."""

    key: Annotated[
        Secret | None,
        setting("Key of the group robot: what follows key= in its webhook address.", secret=True, example='"633a..."'),
    ] = None
    url: Annotated[str, setting("The robot's address without its key.", min_length=1)] = (
        "https://qyapi.weixin.qq.com/cgi-bin/webhook/send"
    )
    picture: Annotated[
        bool, setting("Whether one masked picture of an opening leaves the unit in clear over this channel.")
    ] = False


class DingTalk(Section, frozen=True):
    """A group robot of DingTalk."""

    token: Annotated[
        Secret | None,
        setting("Token of the group robot: what follows access_token=.", secret=True, example='"5f6e..."'),
    ] = None
    secret: Annotated[
        Secret | None,
        setting(
            "What the robot's messages are signed with; without it the robot must allow this address.",
            secret=True,
            example='"SEC..."',
        ),
    ] = None
    url: Annotated[str, setting("The robot's address without its token.", min_length=1)] = (
        "https://oapi.dingtalk.com/robot/send"
    )


class Feishu(Section, frozen=True):
    """A group robot of Feishu."""

    token: Annotated[
        Secret | None, setting("Last part of the robot's webhook address.", secret=True, example='"fbc1..."')
    ] = None
    secret: Annotated[
        Secret | None,
        setting(
            "What the robot's messages are signed with, where signing is switched on.", secret=True, example='"x1yz..."'
        ),
    ] = None
    url: Annotated[str, setting("The robot's address without its last part.", min_length=1)] = (
        "https://open.feishu.cn/open-apis/bot/v2/hook"
    )


class Ntfy(Section, frozen=True):
    """A topic of ntfy, self-hosted or public."""

    topic: Annotated[
        Secret | None,
        setting("Topic; on a public server whoever knows it can read it.", secret=True, example='"door-9fk2..."'),
    ] = None
    token: Annotated[
        Secret | None, setting("Access token, where the topic is protected.", secret=True, example='"tk_..."')
    ] = None
    url: Annotated[str, setting("The server's address.", min_length=1)] = "https://ntfy.sh"
    ca_file: Annotated[
        Text | None,
        setting(
            "Who signs a self-hosted server, PEM; left out: the public authorities.",
            example='"/etc/doorunit/ntfy-ca.pem"',
        ),
    ] = None
    picture: Annotated[
        bool, setting("Whether one masked picture of an opening leaves the unit in clear over this channel.")
    ] = False


class Apprise(Section, frozen=True):
    """Any other service, through apprise (`pip install doorunit[apprise]`)."""

    url: Annotated[
        Secret | None,
        setting("One apprise address; it holds that service's keys.", secret=True, example='"bark://..."'),
    ] = None


class Viid(Section, frozen=True):
    """An image library of GA/T 1400 (VIID): masked pictures go there in clear. Used once device_id is given."""

    url: Annotated[str, setting("The library's address, as https://host:port.", min_length=1)] = (
        "https://localhost:8121"
    )
    own_line: Annotated[
        bool, setting("Whether the way there is a VPN or a network of its own, so that url may begin with http://.")
    ] = False
    device_id: Annotated[
        Text | None, setting("This unit's code at the library, 20 digits.", example='"31010100001190000001"')
    ] = None
    user: Annotated[Text | None, setting("Who logs in; left out: device_id.", example='"door-7"')] = None
    password: Annotated[
        Secret | None, setting("What it logs in with; left out: nothing.", secret=True, example='"9f2c..."')
    ] = None
    pictures: Annotated[int, setting("Pictures of one opening.", ge=1, le=8)] = 2
    event_sort: Annotated[
        int, setting("EventSort: under which kind of event the library files the pictures.", ge=0, le=9999)
    ] = 3


def faults(viid: Viid) -> Iterator[ConfigError]:
    """What one setting must be because of another."""
    plain = viid.own_line and viid.url.startswith("http://") and is_safe("https://" + viid.url.removeprefix("http://"))
    remedy = "`doorunit config explain {}` tells what it is for."
    if not (plain or is_safe(viid.url)):
        yield ConfigError(
            "viid.url",
            found="an address that is not of that form",  # not repeated: a password may have been pasted with it
            wanted="https://host:port without a key; http:// only with viid.own_line = true",
            remedy=remedy.format("viid.url"),
        )
    if viid.device_id is not None and not re.fullmatch(r"[0-9]{20}", viid.device_id):
        yield ConfigError(
            "viid.device_id", found=repr(viid.device_id), wanted="20 digits", remedy=remedy.format("viid.device_id")
        )


def urls(wecom: WeCom, dingtalk: DingTalk, feishu: Feishu, ntfy: Ntfy) -> Iterator[tuple[str, str]]:
    """Every address that a key or token is sent to, by its setting's name."""
    yield "wecom.url", wecom.url
    yield "dingtalk.url", dingtalk.url
    yield "feishu.url", feishu.url
    yield "ntfy.url", ntfy.url


def is_safe(url: str) -> bool:
    """Whether it is https, or this machine, and holds no key of its own."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:  # an address in brackets that is none, a port that is no number
        return False
    plain = bool(host) and port != 0 and url.isprintable() and " " not in url
    clean = not (parts.query or parts.fragment or parts.username or parts.password)
    return plain and clean and (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host)))

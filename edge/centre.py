"""Settings of the city centre's video platform, which knows this unit as a GB/T 28181 device. Off without a host.

SIP is not signed: whoever can write to that platform, or onto the way to it, can ask anything of a device. What such
a message may change is therefore named here, thing by thing, and nothing of it is allowed by itself. The signed term
stands above all of it: outside it there is no live view and no picture, whatever is set.
"""

import re
from collections.abc import Iterator
from typing import Annotated, Literal

from edge.declare import Section, Text, setting
from edge.errors import ConfigError
from edge.secret import Secret

ID = r"\d{20}"
PORTS = range(1024, 65_536)


class Gb28181(Section, frozen=True):
    """The city centre's video platform (GB/T 28181-2016 and -2022)."""

    host: Annotated[
        Text | None,
        setting(
            "The SIP server's name or address, by a leased line or a VPN, for SIP goes in clear; left out: none.",
            example='"10.1.2.3"',
        ),
    ] = None
    port: Annotated[int, setting("The SIP server's port.", ge=1, le=65_535)] = 5060
    transport: Annotated[
        Literal["tcp", "udp"], setting("TCP goes through a home router better, and takes long messages.")
    ] = "tcp"
    local_port: Annotated[int, setting("This unit's own port for UDP; 0: any.", ge=0, le=65_535)] = 0
    server_id: Annotated[Text | None, setting("The SIP server's 20 digits.", example='"31010600002000000001"')] = None
    domain: Annotated[
        Text | None, setting("The SIP domain; left out: the first ten of server_id.", example='"3101060000"')
    ] = None
    device_id: Annotated[
        Text | None, setting("This unit's 20 digits (type 132).", example='"31010600011327000001"')
    ] = None
    camera_id: Annotated[
        Text | None, setting("The camera channel's 20 digits; left out: device_id.", example='"31010600011327000002"')
    ] = None
    magnet_id: Annotated[
        Text | None, setting("The door magnet's 20 digits (type 134).", example='"31010600011347000001"')
    ] = None
    user: Annotated[Text | None, setting("Who registers; left out: device_id.", example='"31010600011327000001"')] = (
        None
    )
    password: Annotated[
        Secret | None, setting("What the platform asks this unit to prove.", secret=True, example='"s3cr3t..."')
    ] = None
    version: Annotated[Literal["2016", "2022"], setting("The edition of GB/T 28181 that the platform speaks.")] = "2016"
    encoding: Annotated[Literal["GB2312", "GB18030", "UTF-8"], setting("How this unit's text is written.")] = "GB2312"
    expires_s: Annotated[int, setting("How long a registration is asked for.", unit="s", ge=3600, le=604_800)] = 3600
    keepalive_s: Annotated[int, setting("How often the unit says that it is there.", unit="s", ge=5, le=3600)] = 60
    misses: Annotated[int, setting("Keepalives without an answer before it registers anew.", ge=1, le=20)] = 3
    alarm_id: Annotated[
        Literal["magnet", "camera"], setting("Whose 20 digits an alarm carries; some platforms play that channel.")
    ] = "magnet"
    alarm_by: Annotated[
        Literal["message", "subscription", "both"],
        setting("Alarms by MESSAGE; by NOTIFY while the platform subscribes and by MESSAGE else; or by both."),
    ] = "message"
    shut: Annotated[bool, setting("Whether a door that shuts is an alarm too, of the lowest priority.")] = True
    wait_for_reset: Annotated[
        bool, setting("Whether an alarm waits until the platform has reset the one before, as A.2.5.3 says.")
    ] = False
    wait_for_response: Annotated[
        bool, setting("Whether an alarm counts as told only once the platform's own response to it has come.")
    ] = False
    allow_live: Annotated[
        bool, setting("Whether the platform may watch live, within the term only; pictures then leave in clear.")
    ] = False
    listen_port: Annotated[
        int | None,
        setting(
            "This unit's TCP port for a platform that calls it to watch live (a=setup:active); left out: none may. The "
            "packaged service needs a drop-in to bind it: SocketBindAllow=ipv4:tcp:8441, with this port.",
            example="8441",
        ),
    ] = None
    allow_teleboot: Annotated[bool, setting("Whether the platform may have the unit's program start anew.")] = False
    allow_redirect: Annotated[bool, setting("Whether the platform may send this unit to another server (302).")] = False
    snapshot_url: Annotated[
        Text | None,
        setting(
            "Pictures asked for go in clear, within the term, to addresses that begin so; left out: none do.",
            example='"https://10.1.2.3:8443/snap/"',
        ),
    ] = None

    @property
    def realm(self) -> str:
        """The SIP domain."""
        return self.domain or (self.server_id or "")[:10]

    @property
    def camera(self) -> str:
        """The camera channel's ID."""
        return self.camera_id or self.device_id or ""


def faults(gb: Gb28181) -> Iterator[ConfigError]:
    """What could never work; what hangs on the IDs, once they are well."""
    if gb.listen_port is not None and gb.listen_port not in PORTS:
        yield _wrong("listen_port", str(gb.listen_port), f"a port {PORTS[0]} to {PORTS[-1]}, or left out")
    if gb.host is None:
        return
    ids = {"server_id": gb.server_id, "device_id": gb.device_id, "magnet_id": gb.magnet_id}
    ids |= {"camera_id": gb.camera_id} if gb.camera_id is not None else {}
    wrong = {key: value for key, value in ids.items() if not re.fullmatch(ID, value or "")}
    for key, value in wrong.items():
        yield _wrong(key, "nothing" if value is None else repr(value), "20 digits, as the platform's keeper gave")
    if wrong:
        return
    if gb.magnet_id in (gb.device_id, gb.camera):
        yield _wrong("magnet_id", repr(gb.magnet_id), "20 digits of its own")
    for key, name in (("domain", gb.realm), ("user", gb.user or "0"), ("host", gb.host)):
        if not re.fullmatch(r"[A-Za-z0-9._:-]{1,255}", name):
            yield _wrong(key, repr(name), "letters, digits, dots and dashes")
    if gb.snapshot_url is not None and not re.fullmatch(r"https?://[^/?#@\s]+/[^?#@\s]*", gb.snapshot_url):
        yield _wrong("snapshot_url", repr(gb.snapshot_url), "http(s)://host/ and what follows, without a query")


def _wrong(key: str, found: str, wanted: str) -> ConfigError:
    remedy = f"`doorunit config explain gb28181.{key}` tells what it is for."
    return ConfigError(f"gb28181.{key}", found=found, wanted=wanted, remedy=remedy)

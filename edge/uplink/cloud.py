"""The hub of [cloud]: its profile read, its login made, and a link of its own."""

from collections.abc import Callable

from edge import VERSION
from edge.clock import SECOND, Clock
from edge.cloud import Cloud
from edge.errors import ConfigError
from edge.uplink import profile
from edge.uplink.hub import Hub, wish
from edge.uplink.mqtt import Broker, MqttLink
from edge.uplink.other import Message, Other
from edge.uplink.profile import Upload

EXPIRES_NS = 86_400 * SECOND  # of a token that is made for one connection


def hub(cloud: Cloud, unit: str, clock: Clock, opened: Callable[[MqttLink], object]) -> Other:
    """What staff.py needs of it; `opened` is told of a link, to be closed. Raises ConfigError."""
    read = profile.load(cloud.profile or "")
    for need in ("host", *read.needs):
        if getattr(cloud, need) is None:
            raise ConfigError(
                f"cloud.{need}",
                found="nothing",
                wanted=f"the hub's address, and what {read.name} knows this unit by",
                remedy=f"`doorunit config explain cloud.{need}` tells what it is for.",
            )
    device = {
        "unit": unit,
        "version": VERSION,
        "device_id": cloud.device_id or "",
        "product_id": cloud.product_id or "",
    }
    secret = "" if cloud.secret is None else cloud.secret.reveal().decode()

    def login() -> tuple[str, str, str]:
        now_ns = clock.read().wall_ns
        return profile.logged_in(
            read.login, {**device, "secret": secret, "now": now_ns, "expires": now_ns + EXPIRES_NS}
        )

    try:
        login()
    except ValueError as err:
        raise ConfigError(
            "cloud.secret",
            found=f"one that {read.name} cannot be logged in with ({err})",
            wanted="the secret as the hub shows it",
            remedy="Copy it again from the hub's console.",
        ) from err
    speech = Hub(read, device, lambda: clock.read().wall_ns)
    will = speech.will
    broker = Broker(
        host=cloud.host or "",
        port=cloud.port,
        client_id="",
        keepalive_s=read.keepalive_s,
        tls=(cloud.ca_file or "", "", "") if cloud.tls else None,
        subscribe=speech.subscribe,
        will=None if will is None else (will.topic, will.payload),
        login=login,
        only_311=read.mqtt == "3.1.1",
        plain=True,
    )

    def open_(post: Callable[[object], None]) -> MqttLink:
        link = MqttLink(broker, post, clock)
        opened(link)
        return link

    wanted = wish(read, cloud.wants)
    takes = read.upload is not None and "frames" in wanted.rule.split(",")
    return Other(wanted, speech, open_, _Filing(speech, read.upload, cloud, clock) if takes and read.upload else None)


class _Filing:
    """other.Filing by a profile."""

    def __init__(self, speech: Hub, upload: Upload, cloud: Cloud, clock: Clock) -> None:
        self._speech = speech
        self._upload = upload
        self._ca_file = cloud.ca_file
        self._clock = clock

    def ask(self, name: str, size_bytes: int) -> Message:
        return self._speech.file(self._upload.ask, name, size_bytes=size_bytes)

    def tell(self, name: str, status: int) -> Message:
        return self._speech.file(self._upload.tell, name, status=status)

    def put(self, url: str, sealed: bytes) -> int:
        from edge.uplink.https import HttpsFile  # requests: 60 ms and 10 MB that a unit without pictures saves

        return HttpsFile(self._ca_file, self._clock).put(url, sealed)

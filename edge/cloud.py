"""Settings of a platform beside the main one: an IoT hub that is spoken to over MQTT as its profile says. Off."""

from collections.abc import Iterator
from typing import Annotated

from edge.declare import Section, Text, is_loopback, setting
from edge.errors import ConfigError
from edge.secret import Secret


class Cloud(Section, frozen=True):
    """An IoT hub that is told too. It has a backlog of its own, and what ails it delays nobody else."""

    profile: Annotated[
        Text | None,
        setting(
            "How it is spoken to: aliyun-iot, home-assistant, huawei-iotda, onenet, thingsboard, or the path of a "
            "profile of your own; those in edge/uplink/profiles show what one may hold.",
            example='"thingsboard"',
        ),
    ] = None
    host: Annotated[Text | None, setting("The hub's host name or address.", example='"iot.example.cn"')] = None
    port: Annotated[int, setting("The hub's MQTT port.", ge=1, le=65_535)] = 8883
    tls: Annotated[bool, setting("TLS; false is only accepted for a hub on this machine.")] = True
    ca_file: Annotated[
        Text | None,
        setting(
            "Certificates the hub is known by; left out: those that this machine trusts.", example='"/etc/hub.pem"'
        ),
    ] = None
    device_id: Annotated[
        Text | None, setting("The device's id or name at the hub, or the broker's user name.", example='"door-17"')
    ] = None
    product_id: Annotated[Text | None, setting("The product's id or key at the hub.", example='"a1B2c3D4e5F"')] = None
    secret: Annotated[
        Secret | None, setting("The device's secret, key or token at the hub.", secret=True, example='"5f6e..."')
    ] = None
    wants: Annotated[
        str,
        setting(
            "Kinds of records that the hub gets, with commas between: event, alarm, frames, gap, boot, audit.",
            min_length=1,
        ),
    ] = "event, alarm"


def faults(cloud: Cloud) -> Iterator[ConfigError]:
    """What could never work."""
    if not cloud.tls and cloud.host is not None and not is_loopback(cloud.host):
        yield ConfigError(
            "cloud.tls",
            found=f"false with host {cloud.host}",
            wanted="true for every host but this machine",
            remedy="Records must not cross a network in clear.",
        )

"""The way to the platform, layer by layer, each timed: the first that is wrong is the cause, the rest is skipped."""

import ipaddress
import queue
import socket
import threading
from collections.abc import Callable, Iterator
from typing import TypeVar

import msgspec

from edge.clock import MS, Quality, Stamp
from edge.config import is_loopback
from edge.errors import ConfigError, DistrustError, LinkError, RefusedError, ServerError, UnknownHostError, UntimedError
from edge.identity import Identity
from edge.onsite.check import Check, Found, Scene, skipped, well, wrong
from edge.parts import by_name
from edge.uplink.refusal import explain
from edge.wire import rfc3339

NAMES_S = 1.5
MQTT = ("names", "tcp", "tls")  # what the other way has of its own
LAYERS = ("interface", "address", "gateway", "names", "tcp", "tls", "broker")
_CODES = (
    (UntimedError, "link.untimed"),
    (UnknownHostError, "link.name"),
    (DistrustError, "link.distrust"),
    (ServerError, "link.server"),
    (RefusedError, "link.refused"),
)
_BLIND = Stamp("", 0, 0, Quality.SYNCED)
T = TypeVar("T")


def run(scene: Scene) -> Iterator[Found]:
    """Downwards until a layer is wrong. While the agent's link stands, that is no cause of anything yet.

    While it stands by HTTPS, MQTT's own layers are none at all: a note says that they are blocked.
    """
    if scene.config_error is not None:
        yield from (skipped(name, "without settings nobody knows the platform") for name in LAYERS)
        return
    stands = scene.agent is not None and scene.agent["link_up"]
    done: list[str] = []
    for step in (_local, _names, _tcp, _tls, _broker):
        for found in step(scene):
            done.append(found.name)
            if found.state != "wrong":
                yield found
                continue
            if scene.by_https and found.name in MQTT:
                yield msgspec.structs.replace(found, state="well", code="link.fallback")
                yield from _broker(scene)
                done.append("broker")
            else:
                yield msgspec.structs.replace(found, state="soon") if stands else found
            yield from (skipped(name, f"needs {found.name}") for name in LAYERS if name not in done)
            return


def _local(scene: Scene) -> Iterator[Found]:
    if is_loopback(scene.config.uplink.host):
        yield from (skipped(name, "the platform is on this machine") for name in LAYERS[:3])
        return
    interfaces, route = scene.probes.interfaces(), scene.probes.route()
    if interfaces is None or route is None:
        yield from (skipped(name, "not to be had here") for name in LAYERS[:3])
        return
    up = [one for one in interfaces if one.up]
    if not up:
        names = ", ".join(one.name for one in interfaces) or "none at all"
        yield wrong("net.interface", "interface", f"none is up ({names})", "a cable, or a Wi-Fi that is joined")
        return
    yield well("interface", ", ".join(one.name + _signal(one.signal_dbm) for one in up))
    if not route.gateway or not route.address:
        yield wrong("net.address", "address", "no address with a way out", "an address from the router")
        return
    yield well("address", f"{route.address} on {route.interface}")
    answers, ms = _timed(scene, lambda: scene.probes.answers(route.gateway))
    if answers is False:
        yield wrong("net.gateway", "gateway", f"{route.gateway} is silent", "a router that answers")
    else:
        yield well("gateway", route.gateway, ms=ms)


def _names(scene: Scene) -> Iterator[Found]:
    host, port = scene.config.uplink.host, scene.config.uplink.port
    if _is_address(host):
        yield skipped("names", "uplink.host is an address")
        return
    try:
        found, ms = _timed(scene, lambda: _within(NAMES_S, lambda: scene.probes.resolve(host, port)))
    except OSError as err:
        unknown = isinstance(explain(err, f"{host}:{port}", _BLIND), UnknownHostError)
        why = f"the name {host} is not known" if unknown else f"no answer for {host}"
        yield wrong("link.name" if unknown else "net.names", "names", why, "an address")
        return
    yield skipped("names", "not to be had here") if found is None else well("names", ", ".join(found[:2]), ms=ms)


def _tcp(scene: Scene) -> Iterator[Found]:
    host, port = scene.config.uplink.host, scene.config.uplink.port
    try:
        stood, ms = _timed(scene, lambda: scene.probes.dial(host, port))
    except OSError as err:
        told = explain(err, f"{host}:{port}", _BLIND)
        code = "link.server" if isinstance(told, ServerError) else "net.blocked"
        yield from _portal(scene) or (wrong(code, "tcp", f"{host}:{port}: {told.found}", told.wanted),)
        return
    yield skipped("tcp", "not to be had here") if stood is None else well("tcp", f"{host}:{port}", ms=ms)


def _tls(scene: Scene) -> Iterator[Found]:
    uplink = scene.config.uplink
    who = _who(scene)
    if not uplink.tls or who is None:
        yield skipped("tls", "without an identity" if uplink.tls else "uplink.tls is false")
        return
    where = f"{uplink.host}:{uplink.port}"
    try:
        peer, ms = _timed(scene, lambda: scene.probes.shake(uplink.host, uplink.port, who))
    except (OSError, ValueError) as err:
        told = explain(err, where, scene.probes.clock() or _BLIND)
        yield from _portal(scene) or (wrong(_code(told), "tls", f"{where}: {told.found}", told.wanted),)
        return
    if peer is None:
        yield skipped("tls", "not to be had here")
    else:
        yield well("tls", f"{peer.protocol}, their certificate ends {rfc3339(peer.ends_ns)[:10]}", ms=ms)


def _broker(scene: Scene) -> Iterator[Found]:
    """A living agent has the one connection that the broker allows this unit: it is asked, and not put off."""
    if scene.agent is not None:
        up = scene.agent["link_up"]
        told = f"{by_name(scene.pulse('link'))}, says the agent"
        yield well("broker", told) if up else skipped("broker", "the agent is trying; `link` tells how it fares")
        return
    who = _who(scene)
    if who is None:
        yield skipped("broker", "without an identity")
        return
    refusal, ms = _timed(scene, lambda: scene.probes.join(who))
    if refusal is None:
        yield well("broker", "it accepts this unit", ms=ms)
    else:
        yield wrong(_code(refusal), "broker", refusal.found, refusal.wanted)


def _portal(scene: Scene) -> tuple[Found, ...]:
    to = scene.probes.portal(scene.config.uplink.host)
    return (
        (wrong("net.portal", "portal", f"a page is sent to {to[:60]}", "a network without a log-in page"),)
        if to
        else ()
    )


def _who(scene: Scene) -> Identity | None:
    try:
        keys = scene.probes.keys()
    except ConfigError:
        return None
    return None if keys is None else keys.who


def _code(error: LinkError) -> str:
    return next((code for kind, code in _CODES if isinstance(error, kind)), "link.network")


def _timed(scene: Scene, look: Callable[[], T]) -> tuple[T, float]:
    began_ns = scene.probes.now()
    seen = look()
    return seen, (scene.probes.now() - began_ns) / MS


def _within(seconds: float, look: Callable[[], T]) -> T:
    """What `look` gives or raises; a resolver cannot be interrupted, only left behind. Raises socket.gaierror."""
    answer: queue.SimpleQueue[tuple[T | None, OSError | None]] = queue.SimpleQueue()

    def work() -> None:
        try:
            answer.put((look(), None))
        except OSError as err:
            answer.put((None, err))

    threading.Thread(target=work, name="resolver", daemon=True).start()
    try:
        seen, err = answer.get(timeout=seconds)
    except queue.Empty:
        raise socket.gaierror(socket.EAI_AGAIN, "no answer in time") from None
    if err is not None:
        raise err
    return seen  # type: ignore[return-value]  # T itself where there is no error


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _signal(dbm: float | None) -> str:
    return "" if dbm is None else f" ({dbm:.0f} dBm)"


CHECK = Check(
    "net",
    {
        "interface": ("Network interface", "网络接口"),
        "address": ("Own address", "本机地址"),
        "gateway": ("Router", "路由器"),
        "names": ("Name service (DNS)", "域名解析"),
        "tcp": ("Platform's port (TCP)", "平台端口"),
        "tls": ("Encryption (TLS)", "加密连接"),
        "broker": ("Broker (MQTT)", "消息代理"),
        "portal": ("Log-in page", "网页认证"),
        "link": ("Link, as the agent sees it", "上行连接"),
    },
    run,
    tells={"link": "link"},
    deadline_s=4.6,
)

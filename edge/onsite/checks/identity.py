"""Who the unit is: settings, keys, and how long its certificate lives."""

from collections.abc import Iterator
from pathlib import Path

from edge.clock import Quality
from edge.durable import trouble
from edge.errors import ConfigError
from edge.onsite.check import Check, Cure, Found, Scene, skipped, well, wrong
from edge.onsite.probes import Keys
from edge.wire import rfc3339

DAY_NS = 86_400 * 1_000_000_000


def run(scene: Scene) -> Iterator[Found]:
    """All of it from disk."""
    error = scene.config_error
    if error is None:
        yield well("settings", "as declared")
    else:
        yield wrong("config.wrong", "settings", f"{error.what}: {error.found}", error.wanted)
    try:
        keys = scene.probes.keys()
    except ConfigError as err:
        yield wrong("identity.missing", "identity", f"{err.what}: {err.found}", err.wanted)
        return
    if keys is None:
        yield skipped("identity", "not to be had here")
        return
    if keys.open_to_others:
        names = ", ".join(one.name for one in keys.open_to_others)
        cure = Cure("close the identity folder to others", "收紧身份目录权限", lambda: _close(keys.open_to_others))
        yield wrong("identity.open", "identity", f"others can read {names}", "a folder for this unit alone", cure)
    else:
        yield well("identity", keys.who.unit)
    try:
        yield _life(scene, keys)
    except ConfigError as err:
        yield wrong("identity.missing", "certificate", f"{err.what}: {err.found}", err.wanted)


def _life(scene: Scene, keys: Keys) -> Found:
    stamp, life_ns = scene.probes.clock(), scene.probes.life(keys.who)
    if life_ns is None:
        return skipped("certificate", "`doorunit doctor` looks at it")
    ends = rfc3339(life_ns[1])[:10]
    if stamp is None or stamp.clock is Quality.UNSYNCED:
        return skipped("certificate", f"ends {ends}; without a clock nobody knows how soon that is")
    days = (life_ns[1] - stamp.wall_ns) // DAY_NS
    wanted = f"{scene.config.uplink.offline_days} days or more, the longest time without a network"
    if days < 0:
        return wrong("certificate.ended", "certificate", f"it ended {ends}", "a certificate that is valid now")
    if days < scene.config.uplink.offline_days:
        return wrong("certificate.ending", "certificate", f"{days} days left", wanted)
    return well("certificate", f"{days} days left", wanted)


def _close(open_: tuple[Path, ...]) -> str:
    for one in open_:
        try:
            one.chmod(one.stat().st_mode & 0o700)
        except OSError as err:
            raise trouble(f"file {one}", err) from err
    return "closed to others: " + ", ".join(one.name for one in open_)


CHECK = Check(
    "identity",
    {
        "settings": ("Settings file", "配置文件"),
        "identity": ("Identity and keys", "身份与密钥"),
        "certificate": ("Certificate", "证书"),
    },
    run,
    tells={"identity": "certificate", "enrol": "identity"},
    deadline_s=4.0,  # the library that reads certificates takes seconds to load from a cold card
)

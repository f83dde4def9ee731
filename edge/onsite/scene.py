"""What status, doctor and net look at: settings, the running agent's answer, the machine; any may be gone."""

import importlib.util
import stat
from pathlib import Path

from edge import config
from edge.config import Config
from edge.errors import ConfigError, LinkError
from edge.onsite.ask import ask, socket_path
from edge.onsite.check import Check, Found, Scene, skipped
from edge.onsite.machine import Machine

PLUG_INS = Path("/etc/doorunit/checks.d")


def look(path: Path, *, quick: bool = False, deadline_s: float = 1.0) -> Scene:
    """Settings from `path` (or the defaults, and what is wrong with it), and the agent's word. Never raises."""
    settings, error = Config(), None
    try:
        settings = config.load(path)
    except ConfigError as err:
        error = err
    agent, silence = None, None
    try:
        agent = ask(socket_path(settings), "status", deadline_s=deadline_s)
    except LinkError as err:
        silence = err
    return Scene(settings, error, agent, silence, Machine(settings, quick=quick))


def unit_name(scene: Scene) -> str:
    """This unit's id: the agent's word, else the identity's; "" without one."""
    if scene.agent is not None:
        return str(scene.agent["unit"])
    try:
        keys = scene.probes.keys()
    except ConfigError:
        return ""
    return "" if keys is None else keys.who.unit


def plug_ins(folder: Path = PLUG_INS) -> tuple[Check, ...]:
    """CHECK of every .py file in `folder` that only its owner, who is root or runs this, may change."""
    return tuple(_load(path) for path in sorted(folder.glob("*.py")))


def _load(path: Path) -> Check:
    state = path.stat()
    if state.st_uid not in (0, path.parent.stat().st_uid) or state.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return _unread(path, "others may change it: chown root, chmod 0644")
    spec = importlib.util.spec_from_file_location(f"doorunit_check_{path.stem}", path)
    if spec is None or spec.loader is None:
        return _unread(path, "it is no Python file")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
        found = module.CHECK
    except Exception as err:  # noqa: BLE001 - somebody else's file must not keep doctor from its own
        return _unread(path, f"{type(err).__name__}: {err}")
    return found if isinstance(found, Check) else _unread(path, "its CHECK is no Check of edge.onsite.check")


def _unread(path: Path, why: str) -> Check:
    found: Found = skipped(path.stem, f"{path}: {why}")
    return Check(path.stem, {path.stem: (path.name, path.name)}, lambda _: iter((found,)))

"""What somebody elsewhere needs to help: one archive of at most 5 MB, readable as text, without a key or a picture."""

import importlib.metadata
import io
import json
import os
import platform
import shutil
import ssl
import subprocess
import tarfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from edge import VERSION
from edge.errors import DoorunitError
from edge.onsite import doctor, scrub
from edge.onsite.check import Scene
from edge.onsite.scene import unit_name
from edge.spool import blackbox
from edge.spool.peek import SQLITE, peek

MAX_BYTES = 5_000_000
LOG_MAX_BYTES = 2_000_000  # its end
LOG_LINES = 20_000
JOURNAL_S = 5.0
BOOTED = Path("/run/systemd/system")  # sd_booted(3)
PACKAGES = ("gpiozero", "lgpio", "msgspec", "paho-mqtt", "pillow", "pynacl", "requests", "cryptography", "smbus2")

Files = dict[str, bytes]


def gather(scene: Scene, config_file: Path, log_file: Path | None = None) -> Files:
    """Every file of the bundle by name, scrubbed. What cannot be had says why in its place."""
    config, folder = scene.config, Path(scene.config.unit.state_dir)
    report = doctor.examine(scene, doctor.built_in())
    parts: dict[str, Callable[[], object]] = {
        "status.json": lambda: scene.agent if scene.agent is not None else _said(scene.silence),
        "warnings.json": lambda: None if scene.agent is None else scene.agent["wrong"],
        "doctor.json": lambda: doctor.to_json(report),
        "config.json": lambda: _said(scene.config_error) if scene.config_error else scrub.redacted(config),
        "spool.json": lambda: None if scene.agent is not None else peek(folder),
        "blackbox.json": lambda: blackbox.read(folder),
        "host.json": lambda: _host(scene),
        "versions.json": _versions,
        "log.txt": lambda: _log(log_file),
    }
    cleaner = scrub.Scrub(scrub.known(config, config_file))
    made = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())  # clock: a label
    about = {"schema": 1, "unit": unit_name(scene), "made": made}
    files = {"about.json": _text({**about, "files": sorted(parts)})}
    for name, make in parts.items():
        try:
            files[name] = _text(make())
        except DoorunitError as err:
            files[name] = _text(_said(err))
    return {name: cleaner.clean(text.decode(errors="replace")).encode() for name, text in files.items()}


def pack(files: Files) -> bytes:
    """The archive; where it would be too large, the log begins later."""
    files = dict(files)
    while len(packed := _tar(files)) > MAX_BYTES:
        log = files["log.txt"]
        files["log.txt"] = log[len(log) // 2 :]
        if len(log) < 2:
            break
    return packed


def _tar(files: Files) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(f"doorunit-bundle/{name}")
            info.size, info.mode = len(data), 0o600
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


def _text(body: object) -> bytes:
    if isinstance(body, bytes):
        return body
    told = msgspec.to_builtins(body, enc_hook=repr)
    return json.dumps(told, ensure_ascii=False, indent=1).encode() + b"\n"


def _said(err: DoorunitError | None) -> dict[str, str]:
    names = ("what", "where", "found", "wanted", "remedy")
    return {} if err is None else {name: getattr(err, name) for name in names}


def _host(scene: Scene) -> dict[str, Any]:
    probes = scene.probes
    mounts = Path("/proc/mounts").read_text(encoding="utf-8").splitlines()
    told = {"reading": probes.host(), "throttled": probes.throttled(), "clock": probes.clock()}
    service, folder, interfaces = probes.service(), probes.folder(), probes.interfaces()
    disks = [line for line in mounts if line.startswith("/dev/")]
    return {
        **told,
        "service": service,
        "folder": folder,
        "interfaces": interfaces,
        "load": os.getloadavg(),
        "mounts": disks,
    }


def _versions() -> dict[str, Any]:
    return {
        "doorunit": VERSION,
        "python": platform.python_version(),
        "machine": platform.machine(),
        "kernel": platform.release(),
        "os": platform.freedesktop_os_release().get("PRETTY_NAME", ""),
        "sqlite": SQLITE,
        "openssl": ssl.OPENSSL_VERSION,
        "packages": {name: _version(name) for name in PACKAGES},
    }


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _log(path: Path | None) -> bytes:
    """The end of this file, or of the unit's journal; empty where there is neither."""
    if path is not None:
        try:
            with path.open("rb") as file:
                file.seek(max(0, path.stat().st_size - LOG_MAX_BYTES))
                return file.read(LOG_MAX_BYTES)
        except OSError as err:
            return f"{path}: {err.strerror}\n".encode()
    journalctl = shutil.which("journalctl")
    if journalctl is None or not BOOTED.exists():
        return b"no journal here: see `doorunit log`\n"
    words = [journalctl, "-u", "doorunit", "-n", str(LOG_LINES), "--no-pager", "-o", "short-iso-precise"]
    try:
        done = subprocess.run(words, check=False, capture_output=True, timeout=JOURNAL_S)  # noqa: S603 - our own words
    except (OSError, subprocess.TimeoutExpired) as err:
        return f"journalctl: {err}\n".encode()
    return done.stdout[-LOG_MAX_BYTES:]

"""Fetch the camera's last picture, sealed: only the platform can open it. Within the term alone, audited by name."""

import argparse
import base64
from pathlib import Path

from edge.cli import WELL
from edge.durable import trouble
from edge.onsite import reach

SAID = {
    "en": "{}: {} bytes, sealed to the platform; that it was taken is in the audit, with your name",
    "zh": "{}：{} 字节，已加密，只有平台能打开；此次抓拍已连同你的名字记入审计",
}


def declare(parser: argparse.ArgumentParser) -> None:
    """Say what `doorunit snap` takes."""
    reach.declare(parser)
    parser.add_argument("file", type=Path, nargs="?", help="where it goes (default: its name, here)")


def run(args: argparse.Namespace) -> int:
    """0: fetched."""
    unit = reach.Reach(args)
    told = unit.ask("snap")
    sealed = base64.b64decode(told.pop("sealed"), validate=True)
    path = args.file or Path(f"{told['name']}.sealed")
    try:
        path.write_bytes(sealed)
    except OSError as err:
        raise trouble(f"file {path}", err) from err
    body = {**told, "file": str(path), "size_bytes": len(sealed)}
    unit.tell(body, SAID[unit.lang].format(path, len(sealed)))
    return WELL

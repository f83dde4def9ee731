"""Put together what somebody elsewhere needs to help: no keys, no pictures. --preview shows it all before."""

import argparse
import json
import os
import sys
import time
from pathlib import Path

from edge.cli import WELL
from edge.cli.run import CONFIG
from edge.durable import trouble
from edge.errors import ConfigError
from edge.onsite import bundle
from edge.onsite.scene import look, unit_name
from edge.onsite.words import LANGS, language

WORDS = {
    "en": {
        "made": "{}: {:.0f} kB, {} files; no keys and no pictures. Look through it before you send it.",
        "would": "A bundle would hold this. `doorunit bundle --preview FILE` shows one of them, `--preview all` all.",
    },
    "zh": {
        "made": "{}：{:.0f} kB，{} 个文件；不含密钥和图片。发送前请先查看内容。",
        "would": "支持包将包含以下文件。`doorunit bundle --preview 文件名` 查看其中一个，`--preview all` 查看全部。",
    },
}


def declare(parser: argparse.ArgumentParser) -> None:
    """Say what `doorunit bundle` takes."""
    parser.add_argument("--config", type=Path, default=CONFIG, help=f"settings (default {CONFIG})")
    parser.add_argument("--lang", choices=LANGS, help="language (default: the terminal's)")
    parser.add_argument("--out", type=Path, help="the archive (default: doorunit-bundle-TIME.tar.gz, here)")
    parser.add_argument("--log", type=Path, help="a log file, where there is no journal")
    parser.add_argument(
        "--preview", nargs="?", const="", metavar="FILE", help="write nothing: list what it would hold, or show it"
    )


def run(args: argparse.Namespace) -> int:
    """0: made, or shown."""
    words, scene = WORDS[language(args.lang, os.environ)], look(args.config)
    files = bundle.gather(scene, args.config, args.log)
    if args.preview is not None:
        _tell(args, {"files": {name: len(data) for name, data in files.items()}}, _preview(files, args.preview, words))
        return WELL
    packed = bundle.pack(files)
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())  # clock: a file's name
    path = args.out or Path(f"doorunit-bundle-{unit_name(scene) or 'unit'}-{stamp}.tar.gz")
    try:
        path.touch(0o600, exist_ok=False)
        path.write_bytes(packed)
    except OSError as err:
        raise trouble(f"file {path}", err) from err
    body = {"file": str(path), "size_bytes": len(packed), "files": sorted(files)}
    _tell(args, body, words["made"].format(path, len(packed) / 1000, len(files)))
    return WELL


def _preview(files: bundle.Files, which: str, words: dict[str, str]) -> str:
    if not which:
        return "\n".join([words["would"], *(f"  {len(data):>9,} B  {name}" for name, data in files.items())])
    if which not in ("all", *files):
        raise ConfigError("--preview", found=which, wanted="all, or one of " + ", ".join(files), remedy="Choose one.")
    shown = files if which == "all" else {which: files[which]}
    return "\n".join(f"--- {name}\n{data.decode()}" for name, data in shown.items())


def _tell(args: argparse.Namespace, body: dict[str, object], text: str) -> None:
    told = json.dumps({"schema": 1, **body}, ensure_ascii=False) if args.json else text
    sys.stdout.write(told + "\n")

"""Check a settings file, explain a setting, print the defaults, or draw the state machine of door or term."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from edge import config
from edge.cli import MISUSED, WELL, told
from edge.cli.run import CONFIG
from edge.declare import toml
from edge.errors import ConfigError


def declare(parser: argparse.ArgumentParser) -> None:
    """Say what `doorunit config` takes."""
    parser.add_argument("what", choices=("check", "explain", "defaults", "machine"), help="what to do")
    parser.add_argument(
        "name",
        nargs="?",
        default="",
        help="check: a file; explain: section.key, a section, or nothing; machine: door or term (default door)",
    )


def run(args: argparse.Namespace) -> int:
    """0: as asked, and the file is well; 2: it is not, and all that is wrong is told."""
    if args.what == "check":
        wrong = config.check(Path(args.name or CONFIG))
        if wrong:
            return _tell_all(wrong, args.json)
    write = {"check": _check, "explain": _explain, "defaults": _defaults, "machine": _machine}[args.what]
    wanted = {"defaults": ("",), "machine": ("", "door", "term")}.get(args.what)
    if wanted is not None and args.name not in wanted:
        raise ConfigError(
            f"doorunit config {args.what}",
            found=args.name,
            wanted=" or ".join(wanted[1:]) or "nothing more",
            remedy="Try: doorunit config --help",
        )
    sys.stdout.write(write(args.name, args.json) + "\n")
    return WELL


def _tell_all(wrong: list[ConfigError], as_json: bool) -> int:
    """`error` is the first, as every verb tells one; `errors` are all."""
    if as_json:
        each = [told(err) for err in wrong]
        sys.stdout.write(json.dumps({"error": each[0], "errors": each}, ensure_ascii=False) + "\n")
    else:
        sys.stderr.write("".join(f"doorunit: {err}\n" for err in wrong))
    return MISUSED


def _check(name: str, as_json: bool) -> str:
    path = Path(name or CONFIG)
    settings = config.load(path)
    if settings.cloud.profile is not None:
        from edge.clock import SystemClock
        from edge.uplink.cloud import hub  # its profile is a file of its own, and may be wrong too

        hub(settings.cloud, "door-1", SystemClock(), lambda _: None)
    if as_json:
        return json.dumps({"file": str(path), "well": True, "settings": config.plain(settings)})
    return f"{path}: well, all settings are as declared"


def _explain(name: str, as_json: bool) -> str:
    chosen = [s for s in config.settings() if not name or s.name == name or s.name.split(".")[0] == name]
    if not chosen:
        raise config.unknown(name, [s.name for s in config.settings()], "settings")
    if as_json:
        return json.dumps(
            [
                {"name": s.name, "wanted": s.wanted, "default": s.default, "help": s.help, "secret": s.secret}
                for s in chosen
            ]
        )
    return "\n".join(f"{s.name} = {toml(s.default) or '(left out)'}\n    {s.help}\n    want {s.wanted}" for s in chosen)


def _defaults(_name: str, as_json: bool) -> str:
    return json.dumps(config.plain(config.Config())) if as_json else config.defaults_toml().rstrip()


def _machine(name: str, as_json: bool) -> str:
    from edge.door import machine, term

    drawn: Any = term if name == "term" else machine  # both are a TABLE, what is IGNORED, and a diagram
    if as_json:
        rows = [{"state": s, "signal": g, "to": m.to, "effects": list(m.effects)} for (s, g), m in drawn.TABLE.items()]
        return json.dumps({"rows": rows, "ignored": sorted([s, g] for s, g in drawn.IGNORED)})
    diagram: str = drawn.diagram()
    return diagram

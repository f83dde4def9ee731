"""What a warning means and what to do about it; without a code all of them, as a page in Markdown."""

import argparse
import json
import os
import sys

import msgspec

from edge.cli import WELL
from edge.errors import ConfigError
from edge.onsite.rows import ALL, parents
from edge.onsite.words import LANGS, language
from edge.warnings import Row

_HEAD = {
    "en": "| code | what is wrong | what to do | shown after | hushed by |",
    "zh": "| 代码 | 问题 | 处理办法 | 持续多久后显示 | 由此引起时不显示 |",
}


def declare(parser: argparse.ArgumentParser) -> None:
    """Say what `doorunit explain` takes."""
    parser.add_argument("code", nargs="?", default="", help="a warning's code, such as link.network")
    parser.add_argument("--lang", choices=LANGS, help="language (default: the terminal's)")


def run(args: argparse.Namespace) -> int:
    """0: explained."""
    lang = language(args.lang, os.environ)
    rows = [row for row in ALL.values() if args.code in ("", row.code)]
    if not rows:
        raise _unknown(args.code)
    if args.json:
        sys.stdout.write(json.dumps([msgspec.to_builtins(row) for row in rows], ensure_ascii=False) + "\n")
    elif args.code:
        sys.stdout.write(_one(rows[0], lang) + "\n")
    else:
        sys.stdout.write("\n".join([_HEAD[lang], "| --- | --- | --- | ---: | --- |", *_table(rows, lang)]) + "\n")
    return WELL


def _unknown(code: str) -> ConfigError:
    import difflib  # only a misspelt code needs it

    near = difflib.get_close_matches(code, list(ALL), n=1, cutoff=0.5)
    wanted = f"{near[0]}?" if near else "a warning's code, such as link.network"
    return ConfigError("warning", found=code, wanted=wanted, remedy="Try: doorunit explain")


def _one(row: Row, lang: str) -> str:
    return f"{row.code}: {row.zh}\n    {row.remedy_zh}" if lang == "zh" else f"{row.code}: {row.en}\n    {row.remedy}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")  # a pipe would end the cell, also within backquotes


def _table(rows: list[Row], lang: str) -> list[str]:
    made = []
    for row in sorted(rows, key=lambda row: row.code):
        what, do = (row.zh, row.remedy_zh) if lang == "zh" else (row.en, row.remedy)
        above = ", ".join(f"`{code}`" for code in sorted(parents(row.code)))
        made.append(f"| `{row.code}` | {what} | {_cell(do)} | {row.grace_s} s | {above} |")
    return made

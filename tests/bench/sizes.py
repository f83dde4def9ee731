"""How much a bench measures, from its command line: a flag for each size; the defaults made the published tables."""

import argparse
from collections.abc import Sequence


def sizes(about: str | None, words: Sequence[str] | None = None, **defaults: int) -> argparse.Namespace:
    """The sizes as asked for, each a whole number from 1; `--help` says what the bench is, `about`, and ends it.

    words: instead of the command line's.
    """
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in defaults.items():
        flag = f"--{name.replace('_', '-')}"
        parser.add_argument(flag, type=_count, default=default, metavar="N", help=f"{default} without")
    return parser.parse_args(words)


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"found {text!r}; want a whole number from 1")
    return int(text)

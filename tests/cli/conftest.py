"""The command line as a person uses it, and a flat whose unit it can reach."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edge.cli import main
from tests.whole.flat import Flat


class Answer:
    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def json(self) -> dict:
        return json.loads(self.out)


Doorunit = Callable[..., Answer]


@pytest.fixture
def doorunit(capsys, monkeypatch) -> Doorunit:
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    monkeypatch.setenv("LOGNAME", "wang")
    monkeypatch.delenv("SUDO_USER", raising=False)

    def run(*words: object) -> Answer:
        code = main([str(word) for word in words])
        return Answer(code, *capsys.readouterr())

    return run


@pytest.fixture
def flat(tmp_path: Path) -> Iterator[Flat]:
    flat = Flat(tmp_path)
    lines = []
    for section, values in flat.settings().items():
        lines += [f"[{section}]", *(f"{key} = {json.dumps(value)}" for key, value in values.items())]
    (tmp_path / "doorunit.toml").write_text("\n".join(lines), encoding="utf-8")
    yield flat
    flat.close()


@pytest.fixture
def settings(flat: Flat) -> Path:
    return flat.folder / "doorunit.toml"

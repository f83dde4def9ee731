"""Files are short, open by saying what they are for, and say nothing of where packages come from."""

import pytest

from tests.house import papers, plan
from tests.house.plan import Source

SKIPPED = (
    "@pytest.mark.skip\ndef test_a_b_c_d(): ...",
    "@pytest.mark.skipif(x, reason='y')\ndef test_a_b_c_d(): ...",
    "pytestmark = pytest.mark.xfail",
    "numpy = pytest.importorskip('numpy')",
    "def test_a_b_c_d():\n    pytest.skip('later')",
    "from pytest import skip",
    "x = pytest.param(1, marks=pytest.mark.skip)",
)
LOCKS = ("run", "station", "test")


def texts() -> list[tuple[str, str]]:
    """Every committed file that is text."""
    found = []
    for path in plan.committed():
        raw = (plan.ROOT / path).read_bytes()
        if b"\0" not in raw:
            found.append((path, raw.decode("utf-8", errors="replace")))
    return found


def lock(name: str) -> str:
    """One of deploy/lock's files."""
    return (plan.ROOT / f"deploy/lock/{name}.txt").read_text(encoding="utf-8")


def test_no_file_is_too_long_to_read():
    found = [line for path, text in texts() for line in papers.length(path, text)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "path", ["edge/a.py", "drivers/a.py", "tests/a/b.py", "edge/station/page/a.js", "deploy/a.css"]
)
def test_a_file_that_is_too_long_is_found(path: str):
    assert papers.length(path, "x\n" * 401)
    assert not papers.length(path, "x\n" * 400)


def test_every_module_opens_with_a_docstring():
    found = [line for source in plan.read("edge", "drivers") for line in papers.opening(source)]
    assert not found, "\n".join(found)


def test_a_module_without_a_docstring_is_found():
    assert papers.opening(Source("edge/a.py", "# a comment is not enough\nx = 1\n")) != []
    assert papers.opening(Source("edge/a.py", '"""What it is for."""\n')) == []


def test_every_test_is_named_with_a_sentence():
    found = [line for source in plan.read("tests") for line in papers.sentences(source)]
    assert not found, "\n".join(found)


def test_a_label_instead_of_a_sentence_is_found():
    planted = Source("tests/test_a.py", "class TestA:\n    async def test_door_opens_twice(self): ...\n")
    assert papers.sentences(planted) == [
        "tests/test_a.py:2: test_door_opens_twice is no sentence; want at least 4 words"
    ]
    assert papers.sentences(Source("tests/test_a.py", "def test_a_door_opens_twice(): ...\n")) == []


def test_no_committed_file_names_a_package_registry():
    found = [line for path, text in texts() for line in papers.hosts(path, text)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("host", papers.HOSTS)
def test_a_registry_that_is_named_is_found(host: str):
    assert papers.hosts("a.lock", f"\n--index-url https://{host}/simple\n") == [f"a.lock:2: names {host}"]


def test_the_first_look_at_the_folder_shows_the_plan():
    assert papers.top(plan.committed()) == []


def test_a_stray_file_beside_the_plan_is_found():
    assert papers.top(["notes.txt", "edge/a.py", ".gitignore", ".ci/run", "tools/x.py"]) == [
        "notes.txt:1: is not in TOP in tests/house/plan.py",
        "tools:1: is not in TOP in tests/house/plan.py",
    ]


def test_no_test_of_ours_is_skipped():
    found = [line for source in plan.read("tests") for line in papers.skips(source)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("text", SKIPPED)
def test_a_test_that_would_be_skipped_is_found(text: str):
    assert papers.skips(Source("tests/test_a.py", text))


def test_the_locks_agree_on_every_version():
    assert papers.disagreements(lock("run"), lock("station")) == []
    assert papers.disagreements(lock("station"), lock("test")) == []


def test_locks_that_disagree_are_found():
    smaller = "a==1 \\\n    --hash=sha256:00\nb==2 ; python_version < '3.12' \\\n"
    assert papers.disagreements(smaller, "a==1 \\\nb==3 \\\n") == ["b: 2"]


@pytest.mark.parametrize("name", [*LOCKS, "nodeps"])
def test_every_pin_of_a_lock_has_a_hash(name: str):
    pins = [block for block in lock(name).replace(" \\\n", " ").splitlines() if not block.startswith("#")]
    assert pins
    assert all("==" in pin and "--hash=sha256:" in pin for pin in pins)

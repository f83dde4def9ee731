"""Statements that no scene reaches, and why. Any other that none reaches fails the campaign; so does a stale row."""

import msgspec

from tests.power.points import Statement


class Excuse(msgspec.Struct, frozen=True):
    """Statements of one function that begin with this text."""

    file: str
    within: str
    text: str
    why: str


OURS = "a fault of our own: raised to the loop's edge, where tests/test_loop.py sees it counted"
HOLD = "one program at a time: before anything is recorded, tests/cli"
PAPER = "a card that does not even show its folders: tests/spool/test_erase.py"
ERASING = "a card that is damaged or cut off while it is erased: tests/spool/test_erase.py, tests/power/test_erasing.py"
STATION = "runs where the picture is opened, at the station, with a frame that somebody changed"
HUB = "asked by others than the records' way: tests/spool/test_shares.py, tests/unit/test_vigil.py"
PHOTO = "edge/unit/photographer.py"
CAMERA = "a camera that fails, is asked, or rests, before the card hears of it: tests/unit/test_photographer.py"
ENDED = "a term that ends, or an erasing, while pictures are taken: tests/unit/test_term.py, tests/unit/test_erase.py"
EXCUSES = (
    Excuse(PHOTO, "", "from PIL", "for the types alone"),
    Excuse(PHOTO, "Photographer.rest", "take.", ENDED),
    Excuse(PHOTO, "Photographer.rest", "self._close(", ENDED),
    Excuse(PHOTO, "Photographer.pending", "", ENDED),
    Excuse(PHOTO, "Photographer._develop.sealed", "return", ENDED),
    Excuse(PHOTO, "Photographer.resume", "self._note()", "a card that answers late: tests/unit/test_sets.py"),
    Excuse(PHOTO, "Photographer.can_snap", "", CAMERA),
    Excuse(PHOTO, "Photographer.last", "", CAMERA),
    Excuse(PHOTO, "Photographer.snap", "", CAMERA),
    Excuse(PHOTO, "Photographer.failed", "", CAMERA),
    Excuse(PHOTO, "Photographer._close", "missing = self._failure", CAMERA),
    Excuse(PHOTO, "Photographer._distrust_card", "", "a card that refuses again: tests/unit/test_photographer.py"),
    Excuse(PHOTO, "Photographer._spoiled", "raise err", OURS),
    Excuse("edge/unit/sets.py", "unpack", "log.warning(", "a state that somebody changed: tests/unit/test_sets.py"),
    Excuse("edge/unit/sets.py", "unpack", "return {}", "as above, and a spool of an older version"),
    Excuse("edge/spool/album.py", "Album._left", "raise err", OURS),
    Excuse("edge/spool/hold.py", "Hold.__init__", "", HOLD),
    Excuse("edge/spool/hold.py", "Hold.close", "", HOLD),
    Excuse("edge/spool/erase.py", "Eraser._finish", "(self._folder / name).unlink", "the technician's: tests/cli"),
    Excuse("edge/spool/erase.py", "Eraser._finish", "raise err if", ERASING),
    Excuse("edge/spool/erase.py", "Eraser._read", "raise trouble(", ERASING),
    Excuse("edge/spool/erase.py", "Eraser._read", 'log.warning("file', ERASING),
    Excuse("edge/spool/erase.py", "Eraser._read", "return Mark()", ERASING),
    Excuse("edge/spool/erase.py", "Eraser.erase", 'log.warning("what', ERASING),
    Excuse("edge/spool/erase.py", "Eraser.erase", "state = count(None)", ERASING),
    Excuse("edge/spool/paper.py", "Paper.read", "return b", "a unit that had no term yet: tests/unit/test_term.py"),
    Excuse("edge/spool/paper.py", "Paper.read", "raise trouble(", PAPER),
    Excuse("edge/spool/paper.py", "Paper.write", "raise trouble(", PAPER),
    Excuse("edge/spool/journal.py", "Journal._fail", "raise err", OURS),
    Excuse("edge/spool/journal.py", "Journal._fail_to_read", "self._loop.call(throw, err)", OURS),
    Excuse("edge/spool/batch.py", "throw", "raise err", OURS),
    Excuse("edge/uplink/carrier.py", "Carrier._failed", "raise err", OURS),
    Excuse("edge/uplink/carrier.py", "Carrier._unreadable", "self._failed(name, err)", OURS),
    Excuse("edge/uplink/carrier.py", "Carrier._unreadable", "return", OURS),
    Excuse("edge/spool/seal.py", "verify", "return", STATION),
    Excuse("edge/spool/seal.py", "open_sealed", "raise", STATION),
    Excuse("edge/spool/seal.py", "_verified", "raise", STATION),
    Excuse("edge/spool/seal.py", "_split", "raise _wrong(", STATION),
    Excuse("edge/spool/store.py", "_trial", "return err.errno", "a card that dies between a write and an unlink"),
    Excuse("edge/uplink/courier.py", "Courier.asked_ns", "return", "asked by the watchdog: tests/unit/test_vigil.py"),
    Excuse("edge/uplink/courier.py", "Courier.refused", "", "a hub that answers in its own words: tests/uplink"),
    Excuse("edge/spool/shares.py", "Shares.commits", "return", HUB),
    Excuse("edge/spool/shares.py", "lacks", "", HUB),
    Excuse("edge/spool/shares.py", "Shares._count", "return", HUB),
    Excuse("edge/spool/marks.py", "read_marks", "return Marks()", "damage within a text: tests/spool/test_marks.py"),
    Excuse("edge/uplink/courier.py", "Courier._send_late", "return", "a socket that dies between two words"),
    Excuse("edge/uplink/carrier.py", "Carrier.close", "", "nobody calls it: assemble.py closes the post it opened"),
)


def excuse(statement: Statement) -> str:
    """Why it may stay unreached; "" where it may not."""
    return next((e.why for e in EXCUSES if _covers(e, statement)), "")


def stale(unreached: list[Statement]) -> list[Excuse]:
    """Excuses of statements that are reached, or that are not there any more."""
    return [e for e in EXCUSES if not any(_covers(e, statement) for statement in unreached)]


def _covers(e: Excuse, statement: Statement) -> bool:
    return (e.file, e.within) == (statement.file, statement.within) and statement.text.startswith(e.text)

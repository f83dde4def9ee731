"""What comes with the program, made from the program: its man page, its completion, and the list of what is in it."""

import json
import re
import subprocess
import sys
import uuid
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from deploy.deb.wheels import Pin, sha256

ROOT = Path(__file__).resolve().parents[2]
_VERB = re.compile(r"^  ([a-z]+) +\S", re.MULTILINE)
_OPTION = re.compile(r"(?<![\w-])(--[a-z][a-z-]*)")


def helps() -> dict[str, str]:
    """Verb -> what its --help says; "" -> what the program's own says."""
    whole = _ask()
    return {"": whole} | {verb: _ask(verb) for verb in _VERB.findall(whole)}


def man(said: Mapping[str, str], version: str, epoch: int) -> str:
    """doorunit(1) in roff."""
    day = datetime.fromtimestamp(epoch, UTC).date().isoformat()
    lines = [f'.TH DOORUNIT 1 "{day}" "doorunit {version}"', ".SH NAME"]
    lines += ["doorunit \\- the firmware of a door unit, and the station that receives it", ".SH SYNOPSIS"]
    lines += [".B doorunit", ".I VERB", "[options]", ".SH DESCRIPTION", *_verbatim(said[""])]
    for verb, text in said.items():
        if verb:
            lines += [f".SH DOORUNIT {verb.upper()}", *_verbatim(text)]
    lines += [".SH EXIT STATUS", "0: well. 1: unwell. 2: misused."]
    lines += [".SH FILES"]
    for path, what in (
        ("/etc/doorunit/doorunit.toml", "settings; doorunit config explain tells what each is for"),
        (
            "/var/lib/doorunit",
            "identity, and what has no receipt yet; kept when the package is removed, not when purged",
        ),
        (
            "/boot/firmware/doorunit-enrol.toml",
            "the station's file: put there, it enrols the unit; its token is then erased",
        ),
        ("/var/lib/doorunit-recovery/reboots.json", "when and why the machine was restarted for the unit's sake"),
        ("/var/lib/doorunit-update", "other versions of the program; doorunit-update status tells which one runs"),
    ):
        lines += [".TP", f".I {path}", what]
    lines += [
        ".SH SEE ALSO",
        "doorunit-update(1), systemctl(1), journalctl(1); the journal is in RAM and ends with the power",
    ]
    return "\n".join(lines) + "\n"


def update_man(version: str, epoch: int) -> str:
    """doorunit-update(1) in roff, from its --help."""
    day = datetime.fromtimestamp(epoch, UTC).date().isoformat()
    lines = [f'.TH DOORUNIT\\-UPDATE 1 "{day}" "doorunit {version}"', ".SH NAME"]
    lines += ["doorunit-update \\- another version of the door unit's program, on trial, and back", ".SH SYNOPSIS"]
    lines += [".B doorunit-update", ".I VERB", "[options]", ".SH DESCRIPTION", *_verbatim(_say("deploy.ota"))]
    lines += [".SH EXIT STATUS", "0: well. 1: unwell, or refused. 2: misused.", ".SH FILES"]
    for path, what in (
        ("/var/lib/doorunit-update/state.json", "the trial, how the last ones ended, and below what nothing is taken"),
        ("/var/lib/doorunit-update/a, b", "the two slots; current is a link to the one that runs, if one does"),
        ("/usr/lib/doorunit/ota/keys", "the public keys of which one must have signed a release"),
    ):
        lines += [".TP", f".I {path}", what]
    return "\n".join([*lines, ".SH SEE ALSO", "doorunit(1), systemctl(1)"]) + "\n"


def completion(said: Mapping[str, str]) -> str:
    """For bash: verbs, then each verb's options, then files."""
    rows = [f"        {verb}) words='{' '.join(_options(text))}' ;;" for verb, text in said.items() if verb]
    verbs = " ".join(verb for verb in said if verb)
    return "\n".join(
        [
            "# Made from doorunit's own --help.",
            "_doorunit() {",
            '    local now="${COMP_WORDS[COMP_CWORD]}" words',
            '    case "${COMP_WORDS[1]}" in',
            *rows,
            f"        *) words='{verbs} --help --version' ;;",
            "    esac",
            f"    [ \"$COMP_CWORD\" -gt 1 ] || words='{verbs} --help --version'",
            '    COMPREPLY=($(compgen -W "$words" -- "$now"))',
            '    [ ${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- "$now"))',
            "}",
            "complete -F _doorunit doorunit",
            "",
        ]
    )


def bill(wheels: Mapping[Pin, Path], version: str, epoch: int) -> str:
    """Software bill of materials, CycloneDX 1.5 JSON: what the lock named, with the hash of what was put in."""
    parts = [_component(pin, path) for pin, path in sorted(wheels.items(), key=lambda item: item[0].name)]
    ours = f"pkg:generic/doorunit@{version}"
    told = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(parts))}",
        "version": 1,
        "metadata": {
            "timestamp": datetime.fromtimestamp(epoch, UTC).isoformat().replace("+00:00", "Z"),
            "component": {
                "type": "application",
                "bom-ref": ours,
                "name": "doorunit",
                "version": version,
                "licenses": [{"license": {"id": "Apache-2.0"}}],
            },
        },
        "components": parts,
        "dependencies": [{"ref": ours, "dependsOn": [part["bom-ref"] for part in parts]}],
    }
    return json.dumps(told, indent=1, ensure_ascii=False) + "\n"


def _component(pin: Pin, wheel: Path) -> dict[str, object]:
    purl = f"pkg:pypi/{pin.name}@{pin.version}"
    component: dict[str, object] = {
        "type": "library",
        "bom-ref": purl,
        "name": pin.name,
        "version": pin.version,
        "purl": purl,
        "hashes": [{"alg": "SHA-256", "content": sha256(wheel)}],
    }
    if said := _license(wheel):
        component["licenses"] = [{"license": {"name": said}}]
    return component


def _license(wheel: Path) -> str:
    with zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        header = archive.read(name).decode("utf-8").partition("\n\n")[0]
    for key in ("License-Expression", "License"):
        for line in header.splitlines():
            if line.startswith(f"{key}: ") and len(line) < 100:
                return line.partition(": ")[2].strip()
    classes = re.findall(r"^Classifier: License :: (?:.* :: )?(.+)$", header, re.MULTILINE)
    return " AND ".join(classes)


def _ask(*verb: str) -> str:
    return _say("edge.cli", *verb)


def _say(program: str, *verb: str) -> str:
    command = [sys.executable, "-m", program, *verb, "--help"]
    environment = {"PYTHONPATH": str(ROOT), "COLUMNS": "78", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)  # noqa: S603 - our own verbs
    return done.stdout


def _options(text: str) -> list[str]:
    return sorted(set(_OPTION.findall(text)))


def _verbatim(text: str) -> list[str]:
    escaped = text.rstrip().replace("\\", "\\e").replace("-", "\\-").splitlines()
    return [".nf", *(f"\\&{line}" if line.startswith((".", "'")) else line for line in escaped), ".fi"]

"""At the bench: make a release key, sign a package that `make deb` built. The key never goes to a unit or a station.

    python -m deploy.ota.sign key release-2026           -> release-2026.key (secret), release-2026.pem (public)
    make deb DEB="--release-key release-2026.pem"        the package trusts it; --release-key may be repeated
    python -m deploy.ota.sign release build/deb/doorunit_0.2.0+py3.11_arm64.deb --key release-2026.key
                                                         -> the same name with .json instead of .deb
    doorunit station release add build/deb/doorunit_0.2.0+py3.11_arm64.deb

A key is exchanged in one of two ways. A signed release with --trust NEW.pem (repeat it for each key that is to count)
sets the whole set of trusted keys once it has proved itself on a unit; it must itself be signed by a key that counts
there. Or a package installed by apt or dpkg brings its own. Of the two, the newer commit's word counts. A lost key is
thus replaced without a visit as long as one other trusted key is left: ship two, and keep the second in a safe.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from deploy.ota import deb, manifest
from deploy.ota.fetch import digest
from deploy.ota.manifest import Manifest, Refusal


def main(argv: list[str] | None = None) -> int:
    """0: done."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    key = verbs.add_parser("key", help="make a pair of keys")
    key.add_argument("name", type=Path, help="NAME.key and NAME.pem are written")
    release = verbs.add_parser("release", help="sign a package")
    release.add_argument("package", type=Path)
    release.add_argument("--key", type=Path, required=True)
    release.add_argument("--floor", type=int, help="counter below which nothing is taken afterwards (default: its own)")
    release.add_argument("--not-before", type=int, default=0, help="UTC, s since 1970; the channel waits till then")
    release.add_argument("--trust", type=Path, action="append", default=[], help="public key that counts afterwards")
    args = parser.parse_args(argv)
    try:
        if args.verb == "key":
            secret, public = make_key(args.name)
            sys.stdout.write(f"{secret}: keep it off every networked machine\n{public}: goes into packages\n")
        else:
            trust = tuple(path.read_text(encoding="ascii") for path in args.trust)
            made = release_of(args.package, floor=args.floor, not_before=args.not_before, keys=trust)
            out = args.package.with_suffix(".json")
            out.write_bytes(manifest.seal(made, sign(made.to_json().encode(), args.key)))
            sys.stdout.write(f"{out}\n")
    except (Refusal, OSError, subprocess.CalledProcessError) as err:
        sys.stderr.write(f"{err}\n")
        return 1
    return 0


def make_key(name: Path) -> tuple[Path, Path]:
    """A new Ed25519 pair: NAME.key, for its owner alone, and NAME.pem. Raises FileExistsError."""
    secret, public = name.with_name(name.name + ".key"), name.with_name(name.name + ".pem")
    secret.touch(mode=0o600, exist_ok=False)
    _openssl("genpkey", "-algorithm", "ed25519", "-out", str(secret))
    _openssl("pkey", "-in", str(secret), "-pubout", "-out", str(public))
    return secret, public


def release_of(package: Path, *, floor: int | None = None, not_before: int = 0, keys: tuple[str, ...] = ()) -> Manifest:
    """What a manifest says of this package. Raises Refusal, OSError."""
    with package.open("rb") as file:
        about, unpacked = deb.measure(file)
    told = Manifest(
        **about,
        file=package.name,
        size=package.stat().st_size,
        sha256=digest(package),
        unpacked=unpacked,
        floor=about["counter"] if floor is None else floor,
        not_before=not_before,
        keys=keys,
    )
    return manifest.parse(told.to_json())


def sign(message: bytes, key: Path) -> bytes:
    """Ed25519 over the whole message. Raises CalledProcessError."""
    with tempfile.NamedTemporaryFile() as file:  # openssl wants to know its length beforehand
        file.write(message)
        file.flush()
        return _openssl("pkeyutl", "-sign", "-rawin", "-inkey", str(key), "-in", file.name)


def _openssl(*words: str) -> bytes:
    return subprocess.run(["/usr/bin/openssl", *words], check=True, capture_output=True).stdout  # noqa: S603 - file names of whoever signs


if __name__ == "__main__":
    sys.exit(main())

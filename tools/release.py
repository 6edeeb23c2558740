"""Build and check a release without publishing it: `make release-check`."""

from __future__ import annotations

import email
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent.parent
DIST = ROOT / "dist"
PLACEHOLDER = ".invalid"
"""Top-level domain of placeholders for addresses."""


class ReleaseError(Exception):
    """A reason not to publish, with the next step."""


def build() -> Path:
    """Build the sdist and the wheel in dist/, check both like the package index, and return the wheel."""
    shutil.rmtree(DIST, ignore_errors=True)
    _run(sys.executable, "-m", "build", "--outdir", DIST)
    _run(sys.executable, "-m", "twine", "check", "--strict", *DIST.iterdir())
    (wheel,) = DIST.glob("*.whl")
    return wheel


def problems(wheel: Path) -> list[str]:
    """Return the reasons not to publish a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = email.message_from_bytes(archive.read(name))
    return [*_placeholders(metadata), *_changelog(str(metadata["Version"]))]


def _placeholders(metadata: email.message.Message) -> list[str]:
    urls = [entry.split(", ", 1) for entry in metadata.get_all("Project-URL", [])]
    links = re.findall(r"\]\((https?:[^)]+)", str(metadata.get_payload()))
    return [
        f"{name} is the placeholder {address}; set the repository's address in pyproject.toml"
        for name, address in [*urls, *(("link in the README", link) for link in links)]
        if (urlsplit(address).hostname or "").endswith(PLACEHOLDER)
    ]


def _changelog(version: str) -> list[str]:
    text = (ROOT / "CHANGELOG.md").read_text()
    released = re.search(r"^## \[(\d[^\]]*)\]", text, re.MULTILINE)
    if released and released[1] == version:
        return []
    found = released[1] if released else "no version"
    return [
        f"the newest release in CHANGELOG.md is {found}, but pyproject.toml has {version}; add a heading for this version"
    ]


def _run(*command: str | Path) -> None:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ReleaseError(f"{' '.join(map(str, command))} failed:\n{done.stdout}{done.stderr}")


def main() -> int:
    """Print the built files, or the reasons not to publish them, and return the exit code."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    try:
        found = problems(build())
    except ReleaseError as error:
        print(f"release: {error}", file=sys.stderr)
        return 1
    if found:
        print("\n  ".join([f"release: {version} cannot be published:", *found]), file=sys.stderr)
        return 1
    print(f"{version} is ready: {', '.join(str(file.relative_to(ROOT)) for file in sorted(DIST.iterdir()))}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

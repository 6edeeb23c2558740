"""`make release-check`: build a release and check it without publishing (docs/releasing.md)."""

from __future__ import annotations

import email
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
import venv
import zipfile
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent.parent
DIST = ROOT / "dist"
PLACEHOLDER = ".invalid"
"""Top-level domain of addresses that are not set yet."""


class ReleaseError(Exception):
    """A reason not to publish: what is wrong, and what to do."""


def build() -> Path:
    """Build sdist and wheel into dist/, check both as the package index would, and return the wheel."""
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
    version = str(metadata["Version"])
    return [*_placeholders(metadata), *_changelog(version), *_tag(version)]


def try_out(wheel: Path) -> None:
    """Install a wheel in a new virtual environment, import the package, and run its command."""
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        bin_folder = Path(folder) / "bin"
        _run(
            bin_folder / "python", "-m", "pip", "install", "--quiet", "--constraint", "constraints.txt", wheel
        )
        _run(bin_folder / "python", "-I", "-c", "from pulumi_openai_ft import *")
        _run(bin_folder / "openai-ft", "--help")


def _placeholders(metadata: email.message.Message) -> list[str]:
    urls = [entry.split(", ", 1) for entry in metadata.get_all("Project-URL", [])]
    links = set(re.findall(r"\]\((https?:[^)]+)", str(metadata.get_payload())))
    placeholders = [link for link in links if _is_placeholder(link)]
    reasons = [f"{name} is a placeholder, {address}" for name, address in urls if _is_placeholder(address)]
    if placeholders:
        reasons.append(
            f"{len(placeholders)} links in the README are placeholders, such as {min(placeholders)}"
        )
    return [f"{reason}: set the repository's address in pyproject.toml" for reason in reasons]


def _is_placeholder(address: str) -> bool:
    return (urlsplit(address).hostname or "").endswith(PLACEHOLDER)


def _changelog(version: str) -> list[str]:
    text = (ROOT / "CHANGELOG.md").read_text()
    released = re.search(r"^## \[(\d[^\]]*)\]", text, re.MULTILINE)
    if released and released[1] == version:
        return []
    found = released[1] if released else "no version"
    return [
        f"the newest release in CHANGELOG.md is {found}, but pyproject.toml has {version}: date its entries"
    ]


def _tag(version: str) -> list[str]:
    tag = f"v{version}"
    if not _run("git", "tag", "--list", tag).strip():
        return []
    return [f"the tag {tag} exists: choose a new version in pyproject.toml and CHANGELOG.md"]


def _run(*command: str | Path) -> str:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ReleaseError(f"{' '.join(map(str, command))} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def main() -> int:
    """Print what was built, or why it cannot be published, and return the exit code."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    try:
        wheel = build()
        try_out(wheel)
        found = problems(wheel)
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

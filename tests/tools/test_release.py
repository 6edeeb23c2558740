"""`make release-check` reports every reason not to publish."""

from __future__ import annotations

import importlib.util
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
ADDRESS = "https://example.com/pulumi-openai-ft"


@pytest.fixture(scope="module")
def release() -> Any:
    spec = importlib.util.spec_from_file_location("release", ROOT / "tools" / "release.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def wheel(folder: Path, *, address: str = ADDRESS, link: str = ADDRESS, version: str = "1.2.3") -> Path:
    metadata = f"Metadata-Version: 2.4\nName: x\nVersion: {version}\nProject-URL: Repository, {address}\n\n[docs]({link}/docs)\n"
    with zipfile.ZipFile(folder / "x.whl", "w") as archive:
        archive.writestr("x.dist-info/METADATA", metadata)
    return folder / "x.whl"


@pytest.fixture
def changelog(release: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write a changelog of release 1.2.3."""
    monkeypatch.setattr(release, "ROOT", tmp_path)
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    (tmp_path / "CHANGELOG.md").write_text("# Changelog\n\n## [Unreleased]\n\n## [1.2.3] - 2027-01-01\n")
    return tmp_path / "CHANGELOG.md"


def test_a_release_with_addresses_and_changelog_is_ready(release: Any, changelog: Path) -> None:
    assert release.problems(wheel(changelog.parent)) == []


@pytest.mark.parametrize("place", ["address", "link"])
def test_a_placeholder_is_refused(release: Any, changelog: Path, place: str) -> None:
    (reason,) = release.problems(wheel(changelog.parent, **{place: "https://repository.invalid/x"}))

    assert "https://repository.invalid/x" in reason
    assert reason.endswith(": set the repository's address in pyproject.toml")


@pytest.mark.parametrize("text", ["", "## [1.2.2] - 2026-12-01\n", "## [Unreleased]\n"])
def test_a_version_without_dated_entries_is_refused(release: Any, changelog: Path, text: str) -> None:
    changelog.write_text(text)
    (reason,) = release.problems(wheel(changelog.parent))

    assert reason.startswith("the newest release in CHANGELOG.md is ")
    assert reason.endswith("but pyproject.toml has 1.2.3; add a heading for this version")


def test_a_tag_that_exists_is_refused(release: Any, changelog: Path) -> None:
    git = ["git", "-C", str(changelog.parent), "-c", "user.name=a", "-c", "user.email=a@example.com"]
    subprocess.run([*git, "commit", "--quiet", "--allow-empty", "--message", "Release"], check=True)
    subprocess.run([*git, "tag", "v1.2.3"], check=True)

    (reason,) = release.problems(wheel(changelog.parent))

    assert reason == "the tag v1.2.3 exists: choose a new version in pyproject.toml and CHANGELOG.md"


@pytest.mark.long
def test_a_wheel_that_cannot_be_imported_is_refused(release: Any, changelog: Path) -> None:
    (changelog.parent / "constraints.txt").touch()
    with pytest.raises(release.ReleaseError, match=r"pip install .*x\.whl failed"):
        release.try_out(wheel(changelog.parent))

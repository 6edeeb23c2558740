"""The distributions of a release: wheel, sdist, and the editable install."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import sys
import tarfile
import zipfile
from email import message_from_bytes
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hatchling import build

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from email.message import Message

ROOT = Path(__file__).parent.parent
PLUGIN_JSON = "pulumi_openai_ft/pulumi-plugin.json"
REPOSITORY = "https://repository.invalid/pulumi-openai-ft"
NEEDED_BY_TESTS = [
    *("benchmarks", "docs", "examples", "policies", "src", "templates", "tests", "tools"),
    *(
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "LICENSE",
        "Makefile",
        "Pulumi.yaml",
        "README.md",
        "constraints.txt",
        "requirements-azure.txt",
        "requirements-train.txt",
        "pyproject.toml",
    ),
]


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[Callable[[str], str]], Path]:
    """Return a function that builds a distribution with hatchling, as pip and `make release-check` do."""
    monkeypatch.chdir(ROOT)
    return lambda builder: tmp_path / builder(str(tmp_path))


def contents(archive: Path) -> dict[str, bytes]:
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            return {name: wheel.read(name) for name in wheel.namelist()}
    with tarfile.open(archive) as sdist:
        return {member.name: read(sdist, member) for member in sdist if member.isfile()}


def read(sdist: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = sdist.extractfile(member)
    assert file
    return file.read()


def metadata(wheel: Path) -> Message:
    return message_from_bytes(
        next(content for name, content in contents(wheel).items() if name.endswith("/METADATA"))
    )


def links(markdown: str) -> Iterator[str]:
    yield from re.findall(r"\]\(([^)]+)\)", markdown)


@pytest.mark.parametrize("builder", [build.build_wheel, build.build_editable, build.build_sdist])
def test_the_package_declares_that_it_has_no_plugin(
    built: Callable[[Callable[[str], str]], Path], builder: Callable[[str], str]
) -> None:
    (found,) = (
        content
        for name, content in contents(built(builder)).items()
        if name == PLUGIN_JSON or name.endswith(f"/src/{PLUGIN_JSON}")
    )

    assert json.loads(found) == {"resource": False}


def test_the_wheel_contains_the_template(built: Callable[[Callable[[str], str]], Path]) -> None:
    wheel = built(build.build_wheel)
    prefix = "pulumi_openai_ft/cli/_project_template/"

    packed = {
        name.removeprefix(prefix): content
        for name, content in contents(wheel).items()
        if name.startswith(prefix)
    }

    template = ROOT / "templates" / "openai-ft-python"
    files = [path for path in template.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    assert packed == {str(path.relative_to(template)): path.read_bytes() for path in files}
    assert [
        name for name in packed if name.startswith("bin/") and not is_executable(wheel, prefix + name)
    ] == []


def is_executable(wheel: Path, name: str) -> bool:
    with zipfile.ZipFile(wheel) as archive:
        return bool(archive.getinfo(name).external_attr >> 16 & stat.S_IXUSR)


def test_links_of_the_readme_point_to_the_repository(
    built: Callable[[Callable[[str], str]], Path],
) -> None:
    described = metadata(built(build.build_wheel))
    files = f"{REPOSITORY}/blob/v{described['Version']}/"
    found = [link for link in links(str(described.get_payload())) if link.startswith(files)]

    assert len(found) == len([link for link in links((ROOT / "README.md").read_text()) if "://" not in link])
    assert [link for link in found if not (ROOT / link.removeprefix(files).split("#")[0]).exists()] == []
    assert all("://" in link for link in links(str(described.get_payload())))


def test_all_urls_name_the_same_repository(built: Callable[[Callable[[str], str]], Path]) -> None:
    described = metadata(built(build.build_wheel))

    addresses = [entry.split(", ")[1] for entry in described.get_all("Project-URL", [])]
    assert len(addresses) == 3
    assert all(address.startswith(REPOSITORY) for address in addresses)


def test_the_sdist_contains_the_files_that_tests_need(built: Callable[[Callable[[str], str]], Path]) -> None:
    names = {name.split("/")[1] for name in contents(built(build.build_sdist))}

    assert [name for name in NEEDED_BY_TESTS if name not in names] == []


def test_a_wheel_built_from_the_sdist_has_the_template(built: Callable[[Callable[[str], str]], Path]) -> None:
    names = {name.partition("/")[2] for name in contents(built(build.build_sdist))}
    template = ROOT / "src" / "pulumi_openai_ft" / "cli" / "_project_template"

    files = [path for path in template.rglob("*") if path.is_file() and path.suffix != ".pyc"]

    assert [str(path.relative_to(ROOT)) for path in files if str(path.relative_to(ROOT)) not in names] == []


@pytest.mark.long
@pytest.mark.timeout(400)
def test_tests_run_from_the_sdist(built: Callable[[Callable[[str], str]], Path], tmp_path: Path) -> None:
    with tarfile.open(built(build.build_sdist)) as sdist:
        sdist.extractall(tmp_path, filter="data")
    (unpacked,) = tmp_path.glob("pulumi_openai_ft-*/")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "not long and not e2e"]
    folders = ["tests/docs", "tests/client", "tests/provider/job", "tests/test_package.py"]

    done = subprocess.run(
        [*command, *folders],
        cwd=unpacked,
        env={**os.environ, "PYTHONPATH": str(unpacked / "src")},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )

    assert done.returncode == 0, done.stdout[-3000:]

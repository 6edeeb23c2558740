"""`openai-ft init`, `openai-ft doctor` and the wrapper, with the real engine."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.support import API_KEY, write_training_data

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.conftest import Stack

    from pulumi_openai_ft.emulator import Emulator

pytestmark = pytest.mark.e2e
EXAMPLES = Path(__file__).parents[2] / "examples"
WRAPPER = "bin/pulumi-resource-pulumi-python"
FILE = """
import pulumi_openai_ft as openai_ft

openai_ft.File("data", file="data.jsonl")
"""
THIRD_PARTY = """
import pulumi
from pulumi.dynamic import CreateResult, Resource, ResourceProvider

class Shelf(ResourceProvider):
    def create(self, props):
        return CreateResult("shelf", {"books": props["books"] + 1})

class Books(Resource):
    books: pulumi.Output[int]

    def __init__(self, name, books):
        super().__init__(Shelf(), name, {"books": books})

pulumi.export("books", Books("read", 6).books)
"""


@pytest.fixture
def host() -> str:
    """Return the stock host: a new project does not use this package's host."""
    return "stock"


def openai_ft(stack: Stack, *arguments: str, code: int = 0) -> str:
    command = [str(Path(sys.executable).with_name("openai-ft")), *arguments]
    done = subprocess.run(
        command, cwd=stack.folder, env=stack.environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def is_served_by_our_host(stack: Stack) -> bool:
    """Return whether a preview shakes hands with the wrapper, which the engine does only for our host."""
    output = stack.preview("--logtostderr", "-v=7").text
    return f"Handshake: success [{stack.folder}/{WRAPPER}]" in output


@pytest.mark.core
def test_a_copied_example_runs_after_init(make_stack: Callable[..., Stack], tmp_path: Path) -> None:
    shutil.copytree(EXAMPLES / "data", tmp_path / "data")
    stack = make_stack("")
    shutil.rmtree(stack.folder / "bin", ignore_errors=True)
    shutil.copytree(EXAMPLES / "complete_workflow", stack.folder, dirs_exist_ok=True)

    assert openai_ft(stack, "init").startswith(
        f"wrote {WRAPPER}\nchanged the path of pulumi-python to bin in Pulumi.yaml\n"
    )
    stack.init("copied")

    assert is_served_by_our_host(stack)


@pytest.mark.parametrize(
    "text",
    [
        "name: shop\nruntime: python\n",
        "name: shop\nruntime: {name: python}\nplugins: {providers: []}\n",
        '{"name": "shop", "runtime": "python"}',
    ],
    ids=["block", "flow", "json"],
)
def test_init_makes_a_project_use_the_host(make_stack: Callable[..., Stack], text: str) -> None:
    stack = make_stack(FILE)
    write_training_data(stack.folder / "data.jsonl")
    (stack.folder / "Pulumi.yaml").write_text(text)
    assert not is_served_by_our_host(stack)

    openai_ft(stack, "init")

    assert is_served_by_our_host(stack)


def test_a_file_is_uploaded_through_the_host(make_stack: Callable[..., Stack], service: Emulator) -> None:
    stack = make_stack(FILE)
    write_training_data(stack.folder / "data.jsonl")
    openai_ft(stack, "init")

    stack.up()

    assert stack.ids("File") == {file["id"] for file in service.files()}
    stack.preview("--expect-no-changes")
    stack.destroy()
    assert service.files() == []


def test_the_program_may_be_in_a_subfolder_with_environment(
    make_stack: Callable[..., Stack],
) -> None:
    """The stock host would search the environment below `main`."""
    stack = make_stack("")
    (stack.folder / "program").mkdir()
    (stack.folder / "program" / "__main__.py").write_text(FILE)
    write_training_data(stack.folder / "program" / "data.jsonl")
    (stack.folder / "env").symlink_to(sys.prefix)
    (stack.folder / "Pulumi.yaml").write_text(
        "name: shop\nmain: program\nruntime: {name: python, options: {virtualenv: env}}\n"
    )
    openai_ft(stack, "init", "program")
    stack.environment["PATH"] = f"{stack.environment['PATH'].split(os.pathsep)[0]}:/usr/bin:/bin"

    assert is_served_by_our_host(stack)


def test_the_stock_host_serves_environments_without_the_package(
    make_stack: Callable[..., Stack],
) -> None:
    stack = make_stack(THIRD_PARTY)
    python = without_package(stack.folder / "env")
    openai_ft(stack, "init")
    name_environment(stack)

    output = stack.up().text

    assert stack.outputs() == {"books": 7}
    assert (
        f"{python} lacks pulumi-openai-ft, so the host of Pulumi itself serves dynamic resources: install it there "
        f"(docs/install.md)\n"
    ) in output
    stack.destroy()


def name_environment(stack: Stack) -> None:
    """Make `env` the virtual environment of the project."""
    file = stack.folder / "Pulumi.yaml"
    named = "runtime: {name: python, options: {virtualenv: env}}"
    file.write_text(file.read_text().replace("runtime: python", named))


def without_package(folder: Path) -> Path:
    """Create a virtual environment with the installed packages, except for the editable install of this package."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(folder)}))
    (packages / "ours.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    return folder / "bin" / "python"


def test_a_created_environment_without_the_packages_is_reported(make_stack: Callable[..., Stack]) -> None:
    """Pulumi creates it while it searches for plugins, and then fails, because pip has no index here."""
    stack = make_stack(FILE, PIP_NO_INDEX="1")
    write_training_data(stack.folder / "data.jsonl")
    openai_ft(stack, "init")
    stack.up()
    name_environment(stack)

    assert "Creating virtual environment..." in stack.destroy(code=1).text
    output = stack.destroy(code=1).text

    assert f"{stack.folder}/env/bin/python lacks pulumi-openai-ft and pulumi: install " in output
    assert stack.ids("File") != set()


def test_doctor_examines_the_environment_of_a_uv_project(make_stack: Callable[..., Stack]) -> None:
    """The package is installed in the environment of `doctor`, but not in the environment of the program."""
    stack = make_stack(FILE)
    write_training_data(stack.folder / "data.jsonl")
    (stack.folder / "pyproject.toml").write_text(
        '[project]\nname = "shop"\nversion = "1.0"\nrequires-python = ">=3.11"\n'
    )
    for command in (["uv", "lock", "--offline"], ["uv", "sync", "--offline", "--python", sys.executable]):
        subprocess.run(command, cwd=stack.folder, env=stack.environment, check=True, capture_output=True)

    findings = doctor(stack, code=1)

    assert findings["Python"]["message"].endswith(f"{stack.folder}/.venv/bin/python (from uv)")
    assert findings["package"]["status"] == findings["SDK"]["status"] == "problem"
    assert "ModuleNotFoundError: No module named 'pulumi'" in stack.preview(code=1).text


def test_doctor_reads_the_configuration_of_the_stack(
    make_stack: Callable[..., Stack], service: Emulator
) -> None:
    service.add_key(API_KEY)
    stack = make_stack(FILE, OPENAI_API_KEY=None, OPENAI_ADMIN_KEY=None, OPENAI_BASE_URL=None)
    stack.pulumi("config", "set", "--secret", "openai-ft:apiKey", API_KEY)
    stack.pulumi("config", "set", "openai-ft:adminKey", "sk-admin-in-plain-0123456789")
    stack.pulumi("config", "set", "openai-ft:baseUrl", service.url)

    findings = doctor(stack)
    assert findings["stack"]["message"].endswith(
        "sets openai-ft:adminKey, openai-ft:apiKey, openai-ft:baseUrl; "
        "not decrypted without --with-secrets: openai-ft:apiKey"
    )
    assert findings["project key"]["message"] == "from the stack's configuration (openai-ft:apiKey)"
    assert findings["admin key"]["status"] == "warning"
    assert findings["service"]["message"] == f"{service.url} responds; no project key was tested"
    assert findings["Pulumi"]["status"] == "ok"

    assert doctor(stack, "--with-secrets")["service"]["message"] == f"{service.url} responds"

    del stack.environment["PULUMI_STACK"]
    findings = doctor(stack, code=1)
    assert findings["stack"]["message"].startswith(
        "the configuration cannot be read: no stack selected; please use"
    )
    assert findings["project key"]["status"] == "problem"
    assert doctor(stack, "--stack", "dev")["project key"]["status"] == "ok"


def doctor(stack: Stack, *options: str, code: int = 0) -> dict[str, dict[str, Any]]:
    output = openai_ft(stack, "doctor", "--json", *options, code=code)
    assert API_KEY not in output
    assert "in-plain" not in output
    return {found["check"]: found for found in json.loads(output)}

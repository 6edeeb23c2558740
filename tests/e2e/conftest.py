from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from tests.support import ADMIN_KEY, API_KEY, TODAY

from pulumi_openai_ft.emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.e2e.kill.processes import Service

ROOT = Path(__file__).parents[2]
TEMPLATE = ROOT / "templates" / "openai-ft-python"
WRAPPER = TEMPLATE / "bin" / "pulumi-resource-pulumi-python"
STACK = "dev"
SECRET = "4dabf18193072939515e22adb298388d"
"""Key that marks a secret in a state."""
PROJECT_NAME = "shop"
PROJECT = f"name: {PROJECT_NAME}\nruntime: python\n"
OUR_HOST = "plugins:\n  providers:\n    - name: pulumi-python\n      path: bin\n"
HOSTS = ("stock", "ours")
ON_BOTH_HOSTS = pytest.mark.parametrize("host", [pytest.param("stock", marks=pytest.mark.long), "ours"])
COMMAND_TIMEOUT, TEST_TIMEOUT = 120, 400
FAILED = {1, 255}
"""Exit codes of a command that failed: 255 before Pulumi 3.227."""
LANGUAGE_HOST = {"LANGUAGE_HOST_RELEASE": "", "LANGUAGE_HOST_PATIENCE": "1s"}
"""Settings of the replacement for Pulumi's language host (tools/pulumi): the release whose behavior it has, and the
time for which an interrupted program may keep running."""

CLOCK = ("CLOCK_OFFSET", "PYTHONPATH")
"""Variables by which `tools/on_date` moves the clocks of Python processes."""


@dataclass
class CommandResult:
    """The exit code and the output of an engine command."""

    code: int
    text: str


@dataclass
class Stack:
    """A stack on its own file backend, run by the real engine."""

    folder: Path
    environment: dict[str, str]

    def pulumi(self, *arguments: str, code: int | None = 0) -> CommandResult:
        """Run a command and assert its exit code; None accepts any."""
        done = subprocess.run(
            ["pulumi", *arguments, "--non-interactive", "--color=never"],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=COMMAND_TIMEOUT,
            check=False,
        )
        expected = FAILED if code == 1 else {code}
        assert code is None or done.returncode in expected, done.stdout
        return CommandResult(done.returncode, done.stdout)

    def up(self, *arguments: str, code: int | None = 0) -> CommandResult:
        return self.pulumi("up", "--yes", "--skip-preview", *arguments, code=code)

    def preview(self, *arguments: str, code: int | None = 0) -> CommandResult:
        return self.pulumi("preview", *arguments, code=code)

    def refresh(self, *arguments: str, code: int | None = 0) -> CommandResult:
        return self.pulumi("refresh", "--yes", "--skip-preview", *arguments, code=code)

    def destroy(self, *arguments: str, code: int | None = 0) -> CommandResult:
        return self.pulumi("destroy", "--yes", "--skip-preview", *arguments, code=code)

    def configure(self, **values: Any) -> None:
        """Add plaintext values to the configuration. This takes less time than `pulumi config set`."""
        file = self.folder / f"Pulumi.{STACK}.yaml"
        settings = yaml.safe_load(file.read_text())
        named = {name if ":" in name else f"{PROJECT_NAME}:{name}": value for name, value in values.items()}
        settings["config"] = {**settings.get("config", {}), **named}
        file.write_text(yaml.safe_dump(settings))

    def init(self, name: str) -> None:
        """Create and select a further stack."""
        self.pulumi("stack", "init", name)
        self.environment["PULUMI_STACK"] = name

    def deployment(self) -> dict[str, Any]:
        """Return the state as stored by the file backend. Reading it takes less time than an engine command."""
        name = self.environment.get("PULUMI_STACK", STACK)
        (file,) = (self._backend() / ".pulumi" / "stacks").glob(f"*/{name}.json")
        found: dict[str, Any] = json.loads(file.read_text())["checkpoint"]["latest"] or {}
        return found

    def _backend(self) -> Path:
        return Path(self.environment["PULUMI_BACKEND_URL"].removeprefix("file://"))

    def unlock(self) -> None:
        """Unlock the stack, as a user must after the engine was killed.

        The file backend does not write a file's attributes atomically (gocloud.dev/blob/fileblob, `setAttrs`). If
        they are empty, each command fails with `failed to load checkpoint: EOF` until they are deleted.
        """
        for attributes in self._backend().rglob("*.attrs"):
            if not attributes.stat().st_size:
                attributes.unlink()
        self.pulumi("cancel", "--yes")

    def outputs(self) -> dict[str, Any]:
        """Return the outputs of the program, like `pulumi stack output --json`."""
        for found in self.deployment().get("resources", []):
            if found["type"] == "pulumi:pulumi:Stack":
                return {name: _masked(value) for name, value in found.get("outputs", {}).items()}
        return {}

    def export(self) -> str:
        """Return the state in the form of `pulumi stack export`."""
        return json.dumps({"version": 3, "deployment": self.deployment()}, indent=4)

    def ids(self, kind: str) -> set[str]:
        """Return the ids of the stack's resources of a type of this package."""
        type_ = f"pulumi-python:dynamic/openai_ft:{kind}"
        return {found["id"] for found in self.deployment().get("resources", []) if found["type"] == type_}

    def planned(self) -> dict[str, list[str]]:
        """Return the operations that a preview shows, by resource name."""
        steps = json.loads(self.pulumi("preview", "--json", code=None).text)["steps"]
        found: dict[str, list[str]] = {}
        for step in steps:
            if step["op"] != "same" and "dynamic/openai_ft" in step["urn"]:
                found.setdefault(step["urn"].rsplit("::", 1)[1], []).append(step["op"])
        return found


def _masked(value: Any) -> Any:
    """Replace secrets as the engine does when it shows a value."""
    if isinstance(value, dict):
        return "[secret]" if SECRET in value else {name: _masked(inner) for name, inner in value.items()}
    return [_masked(inner) for inner in value] if isinstance(value, list) else value


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Set a longer timeout: each engine command takes seconds, and more on a busy machine."""
    for item in items:
        if item.get_closest_marker("e2e") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(TEST_TIMEOUT))


@pytest.fixture(scope="session")
def engine() -> str:
    """Return the folder of the engine: on PATH, as `make test` sets it, or as built by `make setup`."""
    if on_path := shutil.which("pulumi"):
        return str(Path(on_path).parent)
    script = ROOT / "tools" / "pulumi" / "engine.py"
    found = subprocess.run([sys.executable, script, "where"], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
    return found.stdout.strip()


@pytest.fixture(scope="session")
def interrupts_programs(engine: str) -> bool:
    """Return whether the language host interrupts the program of a cancelled command. Before 3.229 it kills it."""
    version = subprocess.run(
        [f"{engine}/pulumi", "version"], capture_output=True, text=True, check=True
    ).stdout
    major, minor = map(int, version.lstrip("v").split(".")[:2])
    return (major, minor) >= (3, 229) and os.environ.get("LANGUAGE_HOST_RELEASE") != "3.216"


@pytest.fixture
def service() -> Iterator[Emulator]:
    """An emulator whose jobs finish at the first request for them."""
    with Emulator(today=TODAY) as emulator:
        yield emulator


@pytest.fixture
def host() -> str:
    """Return the host that serves dynamic resources, `stock` or `ours`; see `ON_BOTH_HOSTS`."""
    return "ours"


@pytest.fixture(scope="session")
def new_stack(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a project with a new stack. Tests copy it, which takes less time than `pulumi stack init`."""
    folder = tmp_path_factory.mktemp("new-stack")
    (folder / "Pulumi.yaml").write_text(PROJECT)
    (folder / "state").mkdir()
    Stack(folder, engine_environment(engine, folder)).pulumi("stack", "init", STACK)
    return folder


@pytest.fixture
def make_stack(
    engine: str, host: str, service: Emulator, new_stack: Path, tmp_path: Path
) -> Callable[..., Stack]:
    """Return a function that makes a stack of a program, with the settings of an emulator user."""

    def make(program: str, *, folder: Path | None = None, **changes: str | None) -> Stack:
        folder = folder or tmp_path / "program"
        folder.mkdir(exist_ok=True)
        use_host(host, folder)
        (folder / "__main__.py").write_text(program)
        copy_stack(new_stack, tmp_path, folder)
        return Stack(folder, environment(engine, service, tmp_path, {"PULUMI_STACK": STACK, **changes}))

    return make


def copy_stack(new_stack: Path, backend: Path, folder: Path) -> None:
    """Make a copy of a new stack the stack of the project in a folder."""
    shutil.copytree(new_stack / "state", backend / "state")
    shutil.copy(new_stack / f"Pulumi.{STACK}.yaml", folder)


def use_host(host: str, folder: Path) -> None:
    """Make the project in a folder use a host."""
    (folder / "Pulumi.yaml").write_text(PROJECT + (OUR_HOST if host == "ours" else ""))
    if host == "ours":
        (folder / "bin").mkdir(exist_ok=True)
        shutil.copy(WRAPPER, folder / "bin")


def engine_environment(engine: str, tmp_path: Path) -> dict[str, str]:
    """Return the variables for the engine, with a backend in a folder."""
    return {
        **{name: os.environ.get(name, default) for name, default in LANGUAGE_HOST.items()},
        **{name: os.environ[name] for name in CLOCK if name in os.environ},
        "HOME": str(tmp_path),
        "PATH": os.pathsep.join([engine, str(Path(sys.executable).parent), os.environ["PATH"]]),
        "PULUMI_BACKEND_URL": (tmp_path / "state").as_uri(),
        "PULUMI_CONFIG_PASSPHRASE": "tests",
        "PULUMI_HOME": str(tmp_path / "home"),
        "PULUMI_IGNORE_AMBIENT_PLUGINS": "true",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }


def environment(
    engine: str, service: Emulator | Service, tmp_path: Path, changes: dict[str, str | None]
) -> dict[str, str]:
    """Return the variables for the engine and an emulator, with changes; None removes a variable."""
    settings = {
        **engine_environment(engine, tmp_path),
        "OPENAI_API_KEY": API_KEY,
        "OPENAI_ADMIN_KEY": ADMIN_KEY,
        "OPENAI_BASE_URL": service.url,
        "OPENAI_FT_TODAY": str(service.settings.today if isinstance(service, Emulator) else TODAY),
        **changes,
    }
    return {name: value for name, value in settings.items() if value is not None}

"""`openai-ft doctor` and the wrapper select the same Python, in every case of a table and in variations of
it.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import textwrap
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from tests.program_python.layout import CASES, Case, Layout, lay_out

from pulumi_openai_ft.cli.project import Project
from pulumi_openai_ft.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pulumi_openai_ft.cli.program_python import Python

ADDRESS = "127.0.0.1:40000"
HOST = "import json, sys\nprint(json.dumps(sys.prefix))\n"
NAMES = st.text(
    st.characters(exclude_categories=["C", "Z"], exclude_characters="/\ufeff"), min_size=1, max_size=8
) | st.sampled_from(
    ["my venv", "venv # 2", "'venv'", '"venv"', "a: b", "{venv}", "~venv", "-venv", "$HOME", "*", "ve\\nv"]
)
STYLES = st.sampled_from(
    [
        {"default_flow_style": False},
        {"default_flow_style": True},
        {"default_flow_style": False, "default_style": "'"},
        {"default_flow_style": True, "default_style": '"'},
        {"default_flow_style": False, "allow_unicode": True, "width": 10},
        {"default_flow_style": True, "width": 10},
    ]
)
VARIABLES = ("UV_PROJECT_ENVIRONMENT", "PULUMI_PYTHON_CMD")


def install(packages: Path, has_package: bool) -> None:  # noqa: FBT001 - the parameter is defined by the layout
    """Add packages with the names of this package and Pulumi; their hosts print their environment and exit."""
    for host in ("pulumi/dynamic", "pulumi_openai_ft/host")[: 1 + has_package]:
        (packages / host).mkdir(parents=True)
        (packages / host / "__main__.py").write_text(HOST)
    if not has_package:
        (packages / "pulumi_openai_ft").mkdir()  # a leftover of an uninstalled package
        return
    (packages / "pulumi_openai_ft-0.1.0.dist-info").mkdir()
    (packages / "pulumi_openai_ft-0.1.0.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: pulumi-openai-ft\nVersion: 0.1.0\n"
    )


@contextmanager
def environment_of(layout: Layout) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in VARIABLES:
            patch.delenv(name, raising=False)
        for name, value in layout.variables.items():
            patch.setenv(name, value)
        yield


def found_by_doctor(layout: Layout) -> tuple[str, str]:
    """Return the environments of program and host, or errors."""
    with environment_of(layout):
        runtime = Project.find(layout.root).runtime
        return _environment_or_error(runtime.python), _environment_or_error(runtime.host_python)


def _environment_or_error(find: Callable[[], Python]) -> str:
    try:
        return os.path.normpath(find().executable.parents[1])
    except InputError as error:
        return str(error)


def found_by_wrapper(layout: Layout) -> str:
    """Start the wrapper as the engine does, and return the environment of its host, or an error."""
    options = {f"PULUMI_RUNTIME_{name.upper()}": str(value) for name, value in layout.options.items()}
    done = subprocess.run(
        [layout.wrapper, ADDRESS],
        cwd=layout.program,
        env={**layout.variables, **options},
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
    )
    return done.stderr if done.returncode else os.path.normpath(json.loads(done.stdout))


def assert_found(found: str, expected: Path | None, layout: Layout) -> None:
    """Assert that the expected environment is found, or that the error of the case occurs."""
    if expected:
        assert found == str(expected)
    else:
        assert layout.error
        assert layout.error in found


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.case)
def test_doctor_and_wrapper_find_the_same_python(case: Case, tmp_path: Path) -> None:
    layout = lay_out(case, tmp_path, install)

    program, host = found_by_doctor(layout)
    assert_found(program, layout.program_environment, layout)
    assert_found(host, layout.host_environment, layout)
    assert_found(found_by_wrapper(layout), layout.host_environment, layout)


@st.composite
def variations(draw: st.DrawFn) -> Case:
    """Draw a project that selects an environment, with another of the same name in a place where it could be
    mistaken.
    """
    environment = "/".join(
        draw(st.lists(NAMES.filter(lambda name: name not in {".", ".."}), min_size=1, max_size=2))
    )
    main = draw(st.sampled_from(["", "program", "deep/er/program"]))
    toolchain = draw(st.sampled_from([{}, {"toolchain": "pip"}, {"toolchain": "uv"}]))
    runtime = {"name": "python", "options": {**toolchain, "virtualenv": environment}}
    style: Any = draw(STYLES)
    written = textwrap.indent(str(yaml.safe_dump(runtime, **style)), "  ")
    return Case(
        case="variation",
        project=f"runtime:\n{written}" + (f"main: {main}\n" if main else ""),
        environments=[environment, *([f"{main}/{environment}"] if main else [])],
        files=draw(st.lists(st.sampled_from(["uv.lock", "poetry.lock", "pyproject.toml"]), unique=True))
        if toolchain
        else [],
        uses=environment,
    )


@given(case=variations())
def test_they_agree_on_variations_of_the_option(case: Case) -> None:
    with tempfile.TemporaryDirectory() as folder:
        layout = lay_out(case, Path(folder), install)
        expected = str(layout.program_environment)

        assert found_by_doctor(layout) == (expected, expected)
        assert found_by_wrapper(layout) == expected

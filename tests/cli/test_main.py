from __future__ import annotations

import json
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from pulumi_openai_ft.cli.main import main

if TYPE_CHECKING:
    from pathlib import Path

WITHOUT_PACKAGE = (
    "import sys; sys.modules['{}'] = None; from pulumi_openai_ft.cli.main import main; sys.exit(main({}))"
)


def test_help_lists_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])

    output = capsys.readouterr().out
    assert [
        command
        for command in ("new", "init", "doctor", "emulator", "serve")
        if f"\n    {command} " not in output
    ] == []


def test_without_a_command_it_prints_the_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main([])

    assert "usage: openai-ft" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["validatee"], "Did you mean 'validate'?"),
        (["policy", "chick"], "Did you mean 'check'?"),
        (["doctor", "--jsn"], "unrecognized arguments: --jsn. Did you mean '--json'?"),
        (["doctor", "--with-secret=x", "--stak", "dev"], "--with-secret"),
        (["validate", "a.jsonl", "--method", "supervise"], "Did you mean 'supervised'?"),
        (["serve", "--portt"], "Did you mean '--port'?"),
    ],
)
def test_a_misspelled_argument_is_corrected(
    capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(arguments)

    assert message in capsys.readouterr().err


def test_an_unknown_argument_has_no_suggestion(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["doctor", "--zzz"])

    assert capsys.readouterr().err.endswith("error: unrecognized arguments: --zzz\n")


def test_the_installed_command_knows_its_version() -> None:
    output = subprocess.run(
        [f"{sys.prefix}/bin/openai-ft", "--version"], capture_output=True, text=True, check=True
    )

    assert output.stdout.startswith("openai-ft 0.")


@pytest.mark.parametrize(
    ("command", "stream"), [("validate Pulumi.yaml", 1), ("validate Pulumi.yaml", 2), ("new program", 1)]
)
def test_a_closed_stream_changes_no_result(project: Path, command: str, stream: int) -> None:
    """A job scheduler may start a command without streams. Files that it opens must not get their numbers."""

    def run(redirection: str) -> tuple[int, dict[str, str], str]:
        shell = ["sh", "-c", f"{sys.prefix}/bin/openai-ft {command} {redirection}"]
        ended = subprocess.run(shell, cwd=project, capture_output=True, text=True, check=False)
        files = {path.name: path.read_text() for path in project.glob("program/**/*") if path.is_file()}
        shutil.rmtree(project / "program", ignore_errors=True)
        return ended.returncode, files, ended.stderr if stream == 1 else ended.stdout

    closed, discarded = run(f"{stream}>&-"), run(f"{stream}>/dev/null")

    assert closed == discarded


@pytest.mark.parametrize("arguments", [["doctor"], ["new"], ["jobs"]])
def test_a_deleted_working_folder_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()

    assert main(arguments) == 2
    assert capsys.readouterr().err == (
        "openai-ft: the current folder no longer exists: change to another folder\n"
    )


@pytest.mark.parametrize(("package", "extra"), [("starlette", "emulator"), ("tomlkit", "serve")])
def test_a_missing_extra_is_named(package: str, extra: str) -> None:
    command = [sys.executable, "-c", WITHOUT_PACKAGE.format(package, [extra])]
    output = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (output.returncode, output.stdout) == (1, "")
    assert output.stderr.strip().endswith(
        f"requires the package '{package}'; install the extra `{extra}` (docs/install.md)"
    )


def test_other_commands_do_not_load_the_service() -> None:
    code = (
        "import sys\nfrom pulumi_openai_ft.cli.main import main\ntry: main(['--help'])\n"
        "finally: sys.exit('pulumi_openai_ft.serve' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")
    return tmp_path


def test_init_reports_changes_and_then_that_nothing_is_missing(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["init", str(project)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "wrote bin/pulumi-resource-pulumi-python",
        "added plugins.providers to Pulumi.yaml",
        "Commit the changes, then run `openai-ft doctor`.",
    ]

    assert main(["init", str(project)]) == 0
    assert capsys.readouterr().out == "Already up to date.\n"


def test_init_works_on_the_current_folder(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)

    assert main(["init"]) == 0

    assert (project / "bin" / "pulumi-resource-pulumi-python").exists()


def test_errors_are_reported_in_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", str(tmp_path)]) == 1

    output = capsys.readouterr()
    assert output.err.startswith(f"openai-ft: no Pulumi.yaml in {tmp_path} or its parents; ")
    assert output.out == ""


def test_init_overwrites_with_force(project: Path) -> None:
    (project / "bin").mkdir()
    (project / "bin" / "pulumi-resource-pulumi-python").touch()

    assert [main(["init", str(project), *force]) for force in ([], ["--force"])] == [1, 0]


def test_doctor_exits_with_1_on_a_problem(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")

    assert main(["doctor", str(project)]) == 1
    assert "problem  Pulumi       `pulumi` is not on PATH" in capsys.readouterr().out

    assert main(["doctor", str(project), "--json"]) == 1
    assert {"check": "project", "status": "ok"}.items() <= json.loads(capsys.readouterr().out)[0].items()

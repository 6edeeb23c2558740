from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.training_data.rows import ASSISTANT, CHAT, TASK, USER, chat, numbered, user, write

from pulumi_openai_ft.cli import validate

ROWS = [numbered(number) for number in range(12)]
BAD = chat(USER, ASSISTANT | {"weight": 2})


@pytest.fixture(autouse=True)
def _no_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def run(*arguments: str | Path) -> int:
    parser = argparse.ArgumentParser(prog="openai-ft")
    validate.add_to(parser.add_subparsers(required=True))
    given = parser.parse_args(["validate", *map(str, arguments)])
    code: int = given.run(given)
    return code


def test_a_valid_file_is_reported_on_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = write(tmp_path / "good.jsonl", *ROWS)

    assert run(file) == 0
    assert (
        capsys.readouterr().out == f"{file}: 12 examples for supervised, 348 tokens, 0 errors, 0 warnings\n"
    )


def test_problems_are_a_table_followed_by_the_fixes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = [numbered(number, BAD) for number in range(22)]
    file = write(tmp_path / "bad.jsonl", *ROWS, *bad, ROWS[0])

    assert run(file) == 1
    head, *table = capsys.readouterr().out.splitlines()
    assert head.endswith("35 examples for supervised, 377 tokens, 22 errors, 1 warning")
    assert table[:2] == [
        "  error    line 13, messages[1].weight  is 2, not 0 or 1",
        "  error    line 14, messages[1].weight  is 2, not 0 or 1",
    ]
    assert table[20:] == [
        "  error    and 2 more: 2 weight",
        "  warning  line 35                      is identical to line 1",
        "  weight: set weight to 0 or 1 on an assistant message, or omit it",
        "  duplicate: remove the duplicate, unless it is intentional",
    ]


def test_an_unreadable_file_does_not_hide_the_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = write(tmp_path / "good.jsonl", *ROWS)

    assert run(tmp_path / "missing.jsonl", good) == 2
    first, second = capsys.readouterr().out.splitlines()
    assert first == f"'{tmp_path}/missing.jsonl' cannot be read: no such file or directory"
    assert second.startswith(f"{good}: 12 examples")


def test_a_short_validation_file_passes_unless_rows_repeat(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    training = write(tmp_path / "training.jsonl", *ROWS)
    validation = write(tmp_path / "validation.jsonl", numbered(99), ROWS[2])

    assert run(training, "--validation", validation) == 0
    assert (
        "  warning  line 2  is identical to line 3 of the training file"
        in capsys.readouterr().out.splitlines()
    )


def test_the_model_determines_the_maximum_row_length(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    long = chat(USER, ASSISTANT | {"content": "parcel " * 70_000})
    file = write(tmp_path / "long.jsonl", *ROWS, long)

    assert run(file, "--model", "gpt-4.1-mini") == 0
    assert "has 70,014 tokens, more than the model's 65,536" in capsys.readouterr().out


def test_the_method_may_be_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(write(tmp_path / "chat.jsonl", *ROWS), "--method", "dpo") == 1
    assert "has messages, not the format of dpo" in capsys.readouterr().out


def test_json_contains_everything(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = write(tmp_path / "bad.jsonl", *ROWS, BAD)

    assert run(file, tmp_path, "--json") == 2
    bad, folder = json.loads(capsys.readouterr().out)
    assert folder == {
        "file": str(tmp_path),
        "error": f"'{tmp_path}' is a folder; pass the path of a regular file",
    }
    assert (bad["file"], bad["examples"], bad["errors"], bad["warnings"]) == (str(file), 13, 1, 0)
    assert bad["problems"] == [
        {
            "severity": "error",
            "kind": "weight",
            "line": 13,
            "path": "messages[1].weight",
            "reason": "is 2, not 0 or 1",
            "hint": "set weight to 0 or 1 on an assistant message, or omit it",
        }
    ]


@pytest.mark.parametrize("arguments", [[], ["x", "--method", "magic"]])
def test_wrong_arguments_end_with_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        run(*arguments)


CASES = Path(__file__).parents[1] / "training_data" / "cases"
UNREADABLE_INPUT = [
    ["missing.jsonl"],
    ["missing.jsonl", "--json"],
    ["."],
    ["good.jsonl", "--validation", "missing"],
]


@pytest.mark.parametrize("arguments", UNREADABLE_INPUT, ids=["missing", "as JSON", "folder", "validation"])
def test_an_unreadable_file_ends_with_2(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "good.jsonl", *ROWS)
    monkeypatch.chdir(tmp_path)

    assert run(*arguments) == 2


def test_a_validation_file_of_another_method_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    training, validation = CASES / "valid-chat-crlf.jsonl", CASES / "valid-preference.jsonl"

    assert run(training, "--validation", validation) == 1
    [error] = [line for line in capsys.readouterr().out.splitlines() if line.startswith("  error")]
    assert "has the format of dpo, not the format of supervised" in error


def test_a_validation_file_of_the_same_method_is_accepted() -> None:
    file = CASES / "valid-preference.jsonl"
    assert run(file, "--validation", CASES / "identical-preference-outputs.jsonl") == 0


IMAGES = chat(user({"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}), ASSISTANT)
MODELS = {
    "gpt-4.1-mini": (
        CHAT,
        "supervised",
        "2027-01-06",
        "has accepted no new fine-tuning jobs since 2027-01-06",
    ),
    "gpt-4.1-2025-04-14": (CHAT, "supervised", "2027-01-14", "shut down gpt-4.1-2025-04-14 on 2027-01-14"),
    "gpt-4.1": (TASK, "reinforcement", "2026-06-01", "does not support the method reinforcement for gpt-4.1"),
    "gpt-4o-mini": (
        IMAGES,
        "supervised",
        "2026-06-01",
        "does not support images in training data for gpt-4o-mini",
    ),
    "gtp-4.1-mini": (CHAT, "supervised", "2026-06-01", "openai-ft:catalog. Did you mean 'gpt-4.1-mini'?"),
}


@pytest.mark.parametrize("model", MODELS)
def test_reasons_against_the_model_are_warnings(
    model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    row, method, day, reason = MODELS[model]
    monkeypatch.setenv("OPENAI_FT_TODAY", day)
    file = write(tmp_path / "rows.jsonl", *[numbered(number, row) for number in range(12)])

    assert run(file, "--model", model, "--method", method) == 0
    warnings = [
        line for line in capsys.readouterr().out.splitlines() if line.startswith("  warning  the model")
    ]
    assert [line for line in warnings if reason in line] != []


def test_a_suitable_model_has_no_warnings(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_FT_TODAY", "2026-06-01")
    file = write(tmp_path / "rows.jsonl", *[numbered(number, IMAGES) for number in range(12)])

    assert run(file, "--model", "gpt-4o-2024-08-06", "--json") == 0
    assert json.loads(capsys.readouterr().out)[0]["model_warnings"] == []


def test_the_service_determines_the_limits(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(CASES / "call-without-tool-reply.jsonl", "--service", "azure") == 1
    assert "refused call" in capsys.readouterr().out


def installed(*arguments: str, given: bytes = b"", **settings: Any) -> subprocess.CompletedProcess[bytes]:
    command = [f"{sys.prefix}/bin/openai-ft", *arguments]
    return subprocess.run(command, input=given, capture_output=True, check=False, **settings)


@pytest.mark.parametrize("command", [["validate"], ["estimate", "--model", "gpt-4o-2024-08-06"]])
def test_a_dash_is_standard_input(command: list[str], tmp_path: Path) -> None:
    content = write(tmp_path / "rows.jsonl", *ROWS).read_bytes()

    ran = installed(*command, "-", given=content)

    assert (ran.returncode, ran.stderr) == (0, b"")
    assert b"-: 12 examples for supervised" in ran.stdout


def test_standard_input_is_read_once() -> None:
    ran = installed("validate", "-", "--validation", "-")

    assert (ran.returncode, ran.stdout) == (1, b"")
    assert ran.stderr.startswith(b"openai-ft: `-` (standard input) is listed several times")


def test_a_terminal_without_the_characters_gets_escapes(tmp_path: Path) -> None:
    file = write(tmp_path / "rows.jsonl", *ROWS, chat(USER | {"role": "Käufer"}, ASSISTANT))
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}

    ran = installed("validate", str(file), env=environment)

    assert (ran.returncode, ran.stderr) == (1, b"")
    assert b'is "K\\xe4ufer", not one of' in ran.stdout


def test_values_are_printed_as_written(tmp_path: Path) -> None:
    file = write(tmp_path / "rows.jsonl", *ROWS, chat(USER | {"role": "Käufer"}, ASSISTANT))

    assert 'is "Käufer"'.encode() in installed("validate", str(file)).stdout


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("number", [1, 3000], ids=["short", "long"])
def test_a_full_disk_is_one_sentence(number: int, tmp_path: Path) -> None:
    files = [str(write(tmp_path / "rows.jsonl", *ROWS))] * number
    command = [f"{sys.prefix}/bin/openai-ft", "validate", *files]
    with Path("/dev/full").open("wb") as full:
        ran = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, check=False)

    assert ran.returncode == 2
    assert ran.stderr == b"openai-ft: the output cannot be written: no space left on device\n"

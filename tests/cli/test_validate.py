from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

import pytest
from tests.training_data.rows import ASSISTANT, USER, chat, numbered, write

from pulumi_openai_ft.cli import validate

if TYPE_CHECKING:
    from pathlib import Path

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
        capsys.readouterr().out == f"{file}: 12 examples for supervised, 324 tokens, 0 errors, 0 warnings\n"
    )


def test_problems_are_a_table_followed_by_the_fixes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = [BAD | {"number": number} for number in range(22)]
    file = write(tmp_path / "bad.jsonl", *ROWS, *bad, ROWS[0])

    assert run(file) == 1
    head, *table = capsys.readouterr().out.splitlines()
    assert head.endswith("35 examples for supervised, 351 tokens, 22 errors, 1 warning")
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

    assert run(tmp_path / "missing.jsonl", good) == 1
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
    assert "has messages, but dpo requires input" in capsys.readouterr().out


def test_json_contains_everything(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = write(tmp_path / "bad.jsonl", *ROWS, BAD)

    assert run(file, tmp_path, "--json") == 1
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

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

import pytest
from tests.training_data.rows import numbered, write

from pulumi_openai_ft.cli import estimate

if TYPE_CHECKING:
    from pathlib import Path

MODEL = "gpt-4.1-mini"


@pytest.fixture(autouse=True)
def _no_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write(tmp_path / "training.jsonl", *[numbered(number) for number in range(100)])


def run(*arguments: str | Path) -> int:
    parser = argparse.ArgumentParser(prog="openai-ft")
    estimate.add_to(parser.add_subparsers(required=True))
    given = parser.parse_args(["estimate", *map(str, arguments)])
    code: int = given.run(given)
    return code


def rows(output: str) -> dict[str, str]:
    return dict(line.split(maxsplit=1) for line in output.splitlines())


def test_tokens_and_price_are_printed_with_the_price_source(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(file, "--model", MODEL, "--epochs", "4") == 0

    output = rows(capsys.readouterr().out)
    assert output["file"] == f"{file}: 100 examples for supervised, 2,900 tokens, 0 errors, 0 warnings"
    assert output["model"] == "gpt-4.1-mini-2025-04-14"
    assert output["epochs"] == "4"
    assert output["tokens"] == "about 11,600: 2,900 per epoch, counted with o200k_base"
    assert output["price"].startswith("5.00 USD per million tokens (OpenAI's price page, ")
    assert output["price"].endswith(", 2025-04-16, not confirmed)")
    assert output["cost"] == "about 0.06 USD"


def test_epochs_default_to_the_likely_choice_of_the_service(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(file, "--model", MODEL)

    assert rows(capsys.readouterr().out)["epochs"] == "3 (the probable choice of the service)"


def test_a_price_may_be_given(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(file, "--model", "mistral-7b", "--epochs", "1", "--price", "1000") == 0

    output = rows(capsys.readouterr().out)
    assert output["model"] == "mistral-7b, which is not in the catalog"
    assert (output["price"], output["cost"]) == (
        "1,000.00 USD per million tokens (--price)",
        "about 2.90 USD",
    )


def test_a_self_hosted_service_has_no_price(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(file, "--model", "small", "--service", "self-hosted") == 0

    output = rows(capsys.readouterr().out)
    assert (output["model"], output["price"]) == ("small", "no price: self-hosted")
    assert output["epochs"] == "3 (the probable choice of the service)"
    assert output["tokens"].startswith("about 8,700: 2,900 per epoch")
    assert "cost" not in output


def test_a_price_may_be_given_when_self_hosted(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(file, "--model", "small", "--service", "self-hosted", "--epochs", "1", "--price", "1000") == 0

    assert rows(capsys.readouterr().out)["cost"] == "about 2.90 USD"


def test_without_a_price_the_cost_is_not_known(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(file, "--model", "mistral-7b") == 0

    output = rows(capsys.readouterr().out)
    assert (output["price"], output["cost"]) == ("unknown: set --price", "unknown")


def test_training_billed_by_the_hour_has_no_token_price(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(file, "--model", "o4-mini") == 0

    output = rows(capsys.readouterr().out)
    assert output["price"].startswith("100.00 USD per hour of training (")
    assert output["cost"] == "unknown"


def test_json_contains_the_figures(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(file, "--model", MODEL, "--epochs", "4", "--json") == 0

    output = json.loads(capsys.readouterr().out)
    assert output["price_source"].startswith("OpenAI's price page, ")
    del output["price_source"]
    assert output == {
        "file": str(file),
        "model": "gpt-4.1-mini-2025-04-14",
        "method": "supervised",
        "examples": 100,
        "errors": 0,
        "tokens_per_epoch": 2900,
        "token_count_exact": True,
        "epochs": 4,
        "estimated_tokens": 11600,
        "usd_per_million_tokens": 5.0,
        "estimated_cost_usd": 0.058,
    }


def test_a_file_that_would_be_refused_is_reported(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_bytes(file.read_bytes() + b"{\n")

    assert run(file, "--model", MODEL) == 1
    assert rows(capsys.readouterr().out)["problem"] == (
        f"the service would reject the file: run `openai-ft validate {file}`"
    )


def test_a_missing_file_is_reported_in_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path / "missing", "--model", MODEL) == 2
    assert capsys.readouterr().err == (
        f"openai-ft: '{tmp_path}/missing' cannot be read: no such file or directory\n"
    )


@pytest.mark.parametrize(
    "arguments", [["x"], ["x", "--model", MODEL, "--epochs", "51"], ["x", "--model", MODEL, "--price", "nan"]]
)
def test_wrong_arguments_end_with_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        run(*arguments)

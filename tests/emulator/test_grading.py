"""The routes that validate and run graders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.emulator.support import error

from pulumi_openai_ft.emulator.grading import evaluate

if TYPE_CHECKING:
    from tests.emulator.support import Api

GRADERS = "/fine_tuning/alpha/graders"
OUTPUT, EXPECTED = "{{ sample.output_text }}", "{{item.answer}}"
CHECK = {"type": "string_check", "name": "same", "input": OUTPUT, "reference": EXPECTED, "operation": "eq"}
SIMILAR = {
    "type": "text_similarity",
    "name": "alike",
    "input": OUTPUT,
    "reference": EXPECTED,
    "evaluation_metric": "fuzzy_match",
}
PYTHON = {"type": "python", "name": "code", "source": "raise SystemExit"}
MODEL = {
    "type": "score_model",
    "name": "judge",
    "model": "gpt-4.1",
    "input": [{"role": "user", "content": OUTPUT}],
    "range": [2, 5],
}
METRICS = ["cosine", "fuzzy_match", "bleu", "gleu", "meteor", "rouge_1", "rouge_2", "rouge_5", "rouge_l"]
TEXT = "the quick brown fox jumps over the lazy dog"


def run(api: Api, grader: dict[str, Any], sample: str = "Yes", **item: Any) -> dict[str, Any]:
    reply = api.post(f"{GRADERS}/run", json={"grader": grader, "model_sample": sample, "item": item})
    assert reply.status_code == 200, reply.text
    found: dict[str, Any] = reply.json()
    return found


def errors(found: dict[str, Any]) -> list[str]:
    return [name for name, value in found["metadata"]["errors"].items() if value]


@pytest.mark.parametrize(
    ("operation", "sample", "answer", "reward"),
    [
        ("eq", "Yes", "Yes", 1),
        ("eq", "Yes", "yes", 0),
        ("ne", "Yes", "No", 1),
        ("ne", "Yes", "Yes", 0),
        ("like", "Oh Yes!", "Yes", 1),
        ("like", "Oh yes!", "Yes", 0),
        ("ilike", "Oh yes!", "Yes", 1),
        ("ilike", "No", "Yes", 0),
    ],
)
def test_a_string_check_compares(api: Api, operation: str, sample: str, answer: str, reward: float) -> None:
    found = run(api, {**CHECK, "operation": operation}, sample, answer=answer)

    assert (found["reward"], errors(found)) == (reward, [])
    assert "emulated" not in found["metadata"]


@pytest.mark.parametrize("metric", METRICS)
def test_similarity_is_greatest_for_equal_texts(api: Api, metric: str) -> None:
    grader = {**SIMILAR, "evaluation_metric": metric}
    equal, close, different = (
        run(api, grader, sample, answer=TEXT)["reward"]
        for sample in (TEXT, TEXT.replace("lazy dog", "old cat"), "0 1 2 3 4 5 6 7 8")
    )

    assert equal == pytest.approx(1)
    assert different < close < 1
    assert 0 <= different < 0.3


def test_multi_calculates_with_the_rewards_of_its_graders(api: Api) -> None:
    multi = {
        "type": "multi",
        "name": "both",
        "graders": {"same": CHECK, "alike": SIMILAR},
        "calculate_output": "0.25 * same + 0.75 * max(alike, 0)",
    }

    found = run(api, multi, "Yes", answer="Yes")

    assert (found["reward"], found["sub_rewards"]) == (1, {"same": 1, "alike": 1})


@pytest.mark.parametrize(
    "formula",
    ["same +", "unknown", "__import__('os')", "same.real", "'a'", "1 / 0", "9 ** 9 ** 9", "[same]", "True"],
)
def test_a_wrong_formula_is_a_parse_error(api: Api, formula: str) -> None:
    multi = {"type": "multi", "name": "m", "graders": {"same": CHECK}, "calculate_output": formula}

    found = run(api, multi, answer="Yes")

    assert (found["reward"], errors(found)) == (0, ["formula_parse_error"])


@pytest.mark.parametrize(
    ("formula", "value"), [("1 + 2 * a", 7), ("-(a - 1) / 2", -1), ("a ** 2", 9), ("min(a, 2) + sqrt(4)", 4)]
)
def test_a_formula_has_its_arithmetic_value(formula: str, value: float) -> None:
    assert evaluate(formula, {"a": 3}) == value


@pytest.mark.parametrize(("grader", "least", "most"), [(PYTHON, 0, 1), (MODEL, 2, 5)])
def test_rewards_that_are_made_up_state_it(api: Api, grader: dict[str, Any], least: int, most: int) -> None:
    found = run(api, grader)

    assert least <= found["reward"] <= most
    assert grader["type"] in found["metadata"]["emulated"]
    assert run(api, grader)["reward"] == found["reward"]


def test_an_unknown_variable_is_an_error(api: Api) -> None:
    assert errors(run(api, CHECK, other="x")) == ["invalid_variable_error"]


def test_a_valid_grader_is_returned(api: Api) -> None:
    assert api.post(f"{GRADERS}/validate", json={"grader": CHECK}).json() == {"grader": CHECK}


@pytest.mark.parametrize("route", ["validate", "run"])
@pytest.mark.parametrize("grader", [None, {}, {"type": "sum"}, {**CHECK, "operation": "is"}])
def test_a_wrong_grader_is_refused(api: Api, route: str, grader: Any) -> None:
    reply = api.post(f"{GRADERS}/{route}", json={"grader": grader, "model_sample": "x"})

    assert reply.status_code == 400
    assert error(reply)["param"].startswith(("grader", "model_sample"))

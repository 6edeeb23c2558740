"""Tool calls of a real model: recognition of the template's form, and answers through the service."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.serve.services import wait_for
from tests.train.services import OVERFIT, SECONDS, real_service, train_rows
from tests.train.support import CAPITALS, MARKS
from tools.base_models import CHAT_TEMPLATE, END, SMOLLM2_CHAT_TEMPLATE, START, tiny

from pulumi_openai_ft.trainer.answers.held_models import Held
from pulumi_openai_ft.trainer.answers.tool_calls import CLOSE, OPEN
from pulumi_openai_ft.trainer.chat_template import ChatTemplate
from pulumi_openai_ft.trainer.models import load_tokenizer

if TYPE_CHECKING:
    from pathlib import Path

    import openai

pytestmark = MARKS

CALL = "{{ '<tool_call>' }}{{ call.function | tojson }}{{ '</tool_call>' }}"
HERMES = (
    '{{ \'<tool_call>\\n{"name": "\' + call.function.name + \'", "arguments": \' }}'
    "{{ call.function.arguments | tojson }}{{ '}\\n</tool_call>' }}"
)
TOOLS: Any = [
    {
        "type": "function",
        "function": {
            "name": "find_capital",
            "parameters": {"type": "object", "properties": {"country": {"type": "string"}}},
        },
    }
]


@pytest.mark.parametrize(
    ("template", "is_recognized"),
    [
        (CHAT_TEMPLATE, True),
        (SMOLLM2_CHAT_TEMPLATE, True),
        (CHAT_TEMPLATE.replace(CALL, HERMES), True),
        (CHAT_TEMPLATE.replace(CALL, ""), False),
        (CHAT_TEMPLATE.replace(CALL, "{{ call.function | tojson }}"), False),
        (CHAT_TEMPLATE.replace(CALL, "<tool_call><function={{ call.function.name }}></tool_call>"), False),
        ("{{ raise_exception('No tools.') }}", False),
    ],
    ids=["tiny", "SmolLM2", "Hermes and Qwen", "dropped", "bare JSON", "XML", "refusing"],
)
def test_form_of_tool_calls_is_recognized(base: Path, template: str, *, is_recognized: bool) -> None:
    tokenizer = load_tokenizer(str(base))
    tokenizer.chat_template = template

    assert ChatTemplate(tokenizer).writes_tool_calls() is is_recognized


def test_marks_that_are_special_tokens_stay_text(tmp_path: Path) -> None:
    folder = tiny(tmp_path / "special")
    tokenizer = load_tokenizer(str(folder))
    tokenizer.add_special_tokens({"additional_special_tokens": [START, OPEN, CLOSE]})
    tokenizer.save_pretrained(folder)
    text = f"{START}é {OPEN}{{}}{CLOSE}{END} end"

    with Held(1, "cpu").model(str(folder), lambda: False) as model:
        assert model.decode(tokenizer(text)["input_ids"]) == f"é {OPEN}{{}}{CLOSE} end"


def test_tuned_model_calls_the_function_of_its_rows(tmp_path: Path, base: Path) -> None:
    rows = [{"messages": [question(country), call_for(country)], "tools": TOOLS} for country in CAPITALS]
    with real_service(tmp_path, base) as service, service.client() as quick:
        client = quick.with_options(timeout=SECONDS)
        job = train_rows(client, OVERFIT, rows)
        model = wait_for(client, job.id, "succeeded", seconds=SECONDS).fine_tuned_model

        found = [call_in(client, model, country) for country in CAPITALS]

    assert found == [("find_capital", {"country": country}) for country in CAPITALS]


def question(country: str) -> dict[str, Any]:
    return {"role": "user", "content": f"What is the capital of {country}?"}


def call_for(country: str) -> dict[str, Any]:
    function = {"name": "find_capital", "arguments": json.dumps({"country": country})}
    call = {"id": "call_1", "type": "function", "function": function}
    return {"role": "assistant", "content": "", "tool_calls": [call]}


def call_in(client: openai.OpenAI, model: str, country: str) -> tuple[str, Any]:
    """Return the only tool call of an answer, which has no text."""
    messages: Any = [question(country)]
    answer: Any = client.chat.completions.create(
        model=model, messages=messages, tools=TOOLS, temperature=0, max_tokens=100
    )
    (choice,) = answer.choices
    assert (choice.finish_reason, choice.message.content) == ("tool_calls", None)
    (call,) = choice.message.tool_calls
    return call.function.name, json.loads(call.function.arguments)

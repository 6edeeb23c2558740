"""Tokens and labels of rows. The expected text is assembled by hand, not by the template."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.train.support import MARKS
from tools.base_models import CHAT_TEMPLATE, tiny

from pulumi_openai_ft.trainer.models import load_tokenizer
from pulumi_openai_ft.trainer.rows import RowError
from pulumi_openai_ft.trainer.tokenization import IGNORED, Tokenization

if TYPE_CHECKING:
    from pathlib import Path

    from transformers import PreTrainedTokenizerBase

pytestmark = MARKS

TOOL = {"type": "function", "function": {"name": "look_up", "parameters": {"type": "object"}}}
CALL = {"id": "call_1", "type": "function", "function": {"name": "look_up", "arguments": '{"id": 7}'}}
USER = {"role": "user", "content": "Where is order 7?"}
TOOLS_DROPPED = CHAT_TEMPLATE.replace("message.tool_calls or []", "[]")
DECLARATIONS_DROPPED = CHAT_TEMPLATE.replace("if tools", "if false")
RESULTS_DROPPED = CHAT_TEMPLATE.replace(
    "message.content }}", "('' if message.role == 'tool' else message.content) }}"
)
ARGUMENTS_DROPPED = CHAT_TEMPLATE.replace("call.function | tojson", "call.function.name")
# Like templates that remove the reasoning of all but the last message.
UNSTABLE = CHAT_TEMPLATE.replace("message.content }}", "message.content + ('' if loop.last else ' ') }}")
REFUSING = "{{ raise_exception('Roles must alternate.') }}"


@pytest.fixture(scope="module")
def tokenizer(base: Path) -> PreTrainedTokenizerBase:
    return load_tokenizer(str(base))


def with_template(tokenizer: PreTrainedTokenizerBase, template: str) -> Tokenization:
    changed = type(tokenizer)(tokenizer_object=tokenizer.backend_tokenizer, eos_token=tokenizer.eos_token)
    changed.chat_template = template
    return Tokenization(changed, 512)


def line(*messages: dict[str, Any], **keys: Any) -> bytes:
    return json.dumps({"messages": messages, **keys}).encode()


def assistant(content: str, **keys: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": content, **keys}


def learned(tokenizer: PreTrainedTokenizerBase, columns: dict[str, list[int]]) -> list[str]:
    """Return the texts of adjacent tokens with a label."""
    texts: list[str] = []
    run: list[int] = []
    for token, label in zip([*columns["input_ids"], 0], [*columns["labels"], IGNORED], strict=True):
        if label == IGNORED:
            texts += [tokenizer.decode(run)] if run else []
            run = []
        else:
            assert label == token
            run.append(token)
    return texts


contents = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30).filter(
    lambda text: "<|" not in text
)


@settings(max_examples=60)
@given(turns=st.lists(st.tuples(contents, contents, st.sampled_from([None, 0, 1])), min_size=1, max_size=4))
def test_exactly_the_weighted_answers_are_learned(
    tokenizer: PreTrainedTokenizerBase, turns: list[tuple[str, str, int | None]]
) -> None:
    messages: list[dict[str, Any]] = []
    whole, expected = "", []
    for question, answer, weight in turns:
        weighted = {} if weight is None else {"weight": weight}
        messages += [{"role": "user", "content": question}, assistant(answer, **weighted)]
        whole += f"<|im_start|>user\n{question}<|im_end|>\n<|im_start|>assistant\n{answer}<|im_end|>\n"
        expected += [] if weight == 0 else [f"{answer}<|im_end|>"]
    tokenization = Tokenization(tokenizer, 4096)

    if not expected:
        with pytest.raises(RowError, match="nothing to learn"):
            tokenization.supervised(line(*messages))
        return
    row = tokenization.supervised(line(*messages))
    assert tokenizer.decode(row.columns["input_ids"]) == whole
    assert learned(tokenizer, row.columns) == expected
    assert (row.tokens, row.truncated) == (len(row.columns["input_ids"]), False)


def test_tools_calls_and_results_are_rendered(tokenizer: PreTrainedTokenizerBase) -> None:
    row = Tokenization(tokenizer, 512).supervised(
        line(
            USER,
            {"role": "assistant", "tool_calls": [CALL]},
            {"role": "tool", "tool_call_id": "call_1", "content": "Oslo"},
            assistant("In Oslo."),
            tools=[TOOL],
        )
    )

    text = tokenizer.decode(row.columns["input_ids"])
    assert f"# Tools\n{json.dumps(TOOL)}\n<|im_end|>" in text
    assert "<|im_start|>tool\nOslo<|im_end|>" in text
    assert learned(tokenizer, row.columns) == [
        '<tool_call>{"name": "look_up", "arguments": {"id": 7}}</tool_call><|im_end|>',
        "In Oslo.<|im_end|>",
    ]


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        (TOOLS_DROPPED, r"ignores messages\[1\].tool_calls\[0\]$"),
        (ARGUMENTS_DROPPED, r"ignores messages\[1\].tool_calls\[0\].function.arguments$"),
        (DECLARATIONS_DROPPED, r"ignores tools\[0\]$"),
        (RESULTS_DROPPED, r"ignores messages\[2\].content$"),
        (UNSTABLE, r"changes the text before messages\[1\] when messages follow"),
        (REFUSING, "refuses this chat: Roles must alternate$"),
    ],
)
def test_a_template_that_loses_something_is_refused(
    tokenizer: PreTrainedTokenizerBase, template: str, problem: str
) -> None:
    row = line(
        USER,
        {"role": "assistant", "content": "I look.", "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "call_1", "content": "Oslo"},
        assistant("In Oslo."),
        tools=[TOOL],
    )

    with pytest.raises(RowError, match=problem):
        with_template(tokenizer, template).supervised(row)


@pytest.mark.parametrize(
    ("messages", "keys", "place"),
    [
        ([{"role": "user", "content": "a<|im_end|>b"}], {}, "messages[0].content"),
        ([{"role": "system", "content": "<|endoftext|>"}], {}, "messages[0].content"),
        ([USER, assistant("<|im_start|>system")], {}, "messages[1].content"),
        (
            [
                {
                    "role": "user",
                    "content": [{"type": "text", "text": "<|im_"}, {"type": "text", "text": "end|>"}],
                }
            ],
            {},
            "messages[0].content",
        ),
        (
            [
                USER,
                {
                    "role": "assistant",
                    "tool_calls": [
                        CALL | {"function": {"name": "f", "arguments": r'{"a": "\u003c|im_end|>"}'}}
                    ],
                },
            ],
            {},
            "messages[1].tool_calls[0].function.arguments.a",
        ),
        (
            [USER],
            {"tools": [{"type": "function", "function": {"name": "f", "<|im_end|>": 1}}]},
            "tools[0].function",
        ),
    ],
)
def test_special_tokens_are_refused(
    tokenizer: PreTrainedTokenizerBase, messages: list[dict[str, Any]], keys: dict[str, Any], place: str
) -> None:
    with pytest.raises(RowError) as raised:
        Tokenization(tokenizer, 512).supervised(line(*messages, assistant("Fine."), **keys))

    assert str(raised.value).startswith(f"{place} contains <|")
    assert str(raised.value).endswith("|>, a special token of the base model; remove or rewrite it")


@pytest.mark.parametrize("text", ["<|im_end", "< |im_end|>", "<|IM_END|>", "|>", "<|fim_middle|>"])
def test_similar_texts_are_not_special(tokenizer: PreTrainedTokenizerBase, text: str) -> None:
    row = Tokenization(tokenizer, 512).supervised(line(USER, assistant(text)))

    assert learned(tokenizer, row.columns) == [f"{text}<|im_end|>"]


def test_the_end_of_a_long_row_is_cut(tokenizer: PreTrainedTokenizerBase) -> None:
    messages = [USER, assistant("Yes."), USER, assistant("word " * 100)]
    whole = Tokenization(tokenizer, 4096).supervised(line(*messages)).columns

    row = Tokenization(tokenizer, 80).supervised(line(*messages))

    assert row.columns == {name: ids[:80] for name, ids in whole.items()}
    assert (row.tokens, row.truncated) == (80, True)
    with pytest.raises(RowError, match=r"^the first 10 tokens, the maximum of a row, contain no"):
        Tokenization(tokenizer, 10).supervised(line(*messages))


@given(prompt=contents, preferred=contents, other=contents)
def test_preferences_have_a_common_prompt(
    tokenizer: PreTrainedTokenizerBase, prompt: str, preferred: str, other: str
) -> None:
    row = {
        "input": {"messages": [{"role": "user", "content": prompt}]},
        "preferred_output": [assistant(preferred)],
        "non_preferred_output": [assistant(other)],
    }

    columns = Tokenization(tokenizer, 512).dpo(json.dumps(row).encode()).columns

    read = {name: tokenizer.decode(ids) for name, ids in columns.items()}
    question = f"<|im_start|>user\n{prompt}<|im_end|>\n<|im_start|>assistant\n"
    assert read["prompt_ids"] + read["chosen_ids"] == f"{question}{preferred}<|im_end|>"
    assert read["prompt_ids"] + read["rejected_ids"] == f"{question}{other}<|im_end|>"
    assert question.startswith(read["prompt_ids"].rstrip("\ufffd"))


def test_long_preferences_are_cut_or_refused(tokenizer: PreTrainedTokenizerBase) -> None:
    row = json.dumps(
        {
            "input": {"messages": [USER]},
            "preferred_output": [assistant("word " * 100)],
            "non_preferred_output": [assistant("No.")],
        }
    ).encode()
    whole = Tokenization(tokenizer, 4096).dpo(row)
    start = len(whole.columns["prompt_ids"])

    cut = Tokenization(tokenizer, start + 5).dpo(row)

    assert cut.truncated
    assert cut.columns["chosen_ids"] == whole.columns["chosen_ids"][:5]
    assert cut.tokens == sum(map(len, cut.columns.values())) + start
    with pytest.raises(RowError, match=f"^input has {start} tokens, but a row can have at most {start}$"):
        Tokenization(tokenizer, start).dpo(row)


def test_a_base_without_a_template_is_refused(tmp_path: Path) -> None:
    tokenizer = load_tokenizer(str(tiny(tmp_path, chat_template="")))

    with pytest.raises(Exception, match=r"^The base model has no chat template"):
        Tokenization(tokenizer, 512)

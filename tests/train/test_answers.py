from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path
from queue import Queue
from random import Random
from shutil import copytree, rmtree
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest
import torch
from peft import LoraConfig, get_peft_model
from tests.train.support import MARKS, SRC
from tools.base_models import CHAT_TEMPLATE, END, START, tiny

from pulumi_openai_ft.serve.answers.special_tokens import special_tokens
from pulumi_openai_ft.trainer.answers.held_models import Held
from pulumi_openai_ft.trainer.answers.operations import Generate
from pulumi_openai_ft.trainer.answers.sampling import processors
from pulumi_openai_ft.trainer.models import load_adapter, load_base, load_tokenizer

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [
    *MARKS,
    pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning"),
]  # peft asks for it

PATIENCE = 90.0
HELLO = [{"role": "user", "content": "What is the capital of France?"}]
TOOLS = [{"type": "function", "function": {"name": "track", "parameters": {"type": "object"}}}]


class AnswerProcess:
    """A process that answers."""

    def __init__(self, *arguments: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "pulumi_openai_ft.trainer.answers", *arguments],
            env={**os.environ, "PYTHONPATH": str(SRC), "OMP_NUM_THREADS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._number = 0
        self._events: dict[int, Queue[dict[str, Any]]] = defaultdict(Queue)
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()

    def send(self, operation: str, **fields: Any) -> int:
        """Send an operation and return its number."""
        self._number += 1
        assert self._process.stdin
        line = json.dumps({"id": self._number, "op": operation, **fields})
        self._process.stdin.write(line.encode() + b"\n")
        self._process.stdin.flush()
        return self._number

    def request(self, base: Path, adapter: Path | None = None, **changes: Any) -> int:
        """Send a request for an answer and return its number."""
        defaults = {
            "context": None,
            "messages": HELLO,
            "tools": None,
            "max_tokens": 12,
            "temperature": 0,
            "top_p": 1,
            "seed": None,
            "stop": [],
        }
        folder = None if adapter is None else str(adapter)
        return self.send("generate", base=str(base), adapter=folder, **(defaults | changes))

    def next_event(self, number: int) -> dict[str, Any]:
        """Return the next event of an operation."""
        return self._events[number].get(timeout=PATIENCE)

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            event = json.loads(line)
            self._events[event["id"]].put(event)

    def result(self, number: int) -> tuple[str, dict[str, Any]]:
        """Return the text and the last event of an operation."""
        text = ""
        while (event := self.next_event(number))["event"] == "text":
            text += event["text"]
        return text, event

    def answer(self, base: Path, adapter: Path | None = None, **changes: Any) -> str:
        """Return the text of an answer."""
        text, event = self.result(self.request(base, adapter, **changes))
        assert event["event"] == "done", event
        return text

    def refusal(self, base: Path, adapter: Path | None = None, **changes: Any) -> dict[str, Any]:
        """Return the error of an answer."""
        text, event = self.result(self.request(base, adapter, **changes))
        assert (text, event["event"]) == ("", "error"), (text, event)
        return event

    def end_input(self) -> int:
        """Close the input and return the exit code."""
        assert self._process.stdin
        self._process.stdin.close()
        return self._process.wait(PATIENCE)

    def close(self) -> None:
        """Kill the process."""
        self._process.kill()
        self._process.wait()
        self._reader.join()
        for file in (self._process.stdin, self._process.stdout):
            assert file
            file.close()


@pytest.fixture(scope="module")
def process() -> Iterator[AnswerProcess]:
    running = AnswerProcess("--adapters", "2")
    yield running
    running.close()


@pytest.fixture(scope="module")
def adapters(base: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three adapters with random weights."""
    folders = []
    for seed in range(3):
        torch.manual_seed(seed)
        config = LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM", init_lora_weights=False)
        folder = tmp_path_factory.mktemp("adapter") / f"{seed}"
        get_peft_model(load_base(str(base)), config).save_pretrained(folder)
        folders.append(folder)
    return folders


def expected_answer(base: Path, adapter: Path | None = None, tokens: int = 12) -> str:
    """Return the most likely answer, one token after the other, without transformers' generation."""
    tokenizer = load_tokenizer(str(base))
    model: Any = load_base(str(base))
    if adapter:
        model = load_adapter(model, str(adapter))
    model.eval()
    text = tokenizer.apply_chat_template(HELLO, tokenize=False, add_generation_prompt=True)
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    start = len(ids)
    with torch.no_grad():
        while (len(ids) < start + tokens and ids[-1] != tokenizer.eos_token_id) or len(ids) == start:
            ids.append(int(model(torch.tensor([ids])).logits[0, -1].argmax()))
    return str(tokenizer.decode(ids[start:], skip_special_tokens=True))


def test_base_and_adapters_answer_in_any_order(
    process: AnswerProcess, base: Path, adapters: list[Path]
) -> None:
    order = [None, *adapters, None, *reversed(adapters), None]

    answers = [process.answer(base, adapter) for adapter in order]

    assert answers == [expected_answer(base, adapter) for adapter in order]
    assert len(set(answers)) == 4


def test_answer_reports_its_tokens_and_end(process: AnswerProcess, base: Path) -> None:
    text, event = process.result(process.request(base, max_tokens=5))

    assert text == expected_answer(base, tokens=5)
    tokenizer = load_tokenizer(str(base))
    prompt = tokenizer.apply_chat_template(HELLO, tokenize=False, add_generation_prompt=True)
    size = len(tokenizer(prompt, add_special_tokens=False)["input_ids"])
    assert event["finish_reason"] == "length"
    assert event["usage"] == {
        "prompt_tokens": size,
        "completion_tokens": 5,
        "total_tokens": size + 5,
    }


def test_token_that_ends_the_answer_is_not_shown(base: Path, tmp_path: Path) -> None:
    folder = tmp_path / "base"
    copytree(base, folder)
    first = load_tokenizer(str(base))(expected_answer(base, tokens=1), add_special_tokens=False)["input_ids"]
    config = json.loads((folder / "generation_config.json").read_text())
    (folder / "generation_config.json").write_text(json.dumps({**config, "eos_token_id": first}))
    running = AnswerProcess()
    try:
        _, event = running.result(running.request(folder))
    finally:
        running.close()

    assert event["finish_reason"] == "stop"
    assert event["usage"]["completion_tokens"] == 1


def test_stop_text_ends_the_answer(process: AnswerProcess, base: Path) -> None:
    complete = process.answer(base)
    stop = complete[4:6]

    text, event = process.result(process.request(base, stop=[stop]))

    assert text == complete[: complete.find(stop)]
    assert event["finish_reason"] == "stop"
    assert event["usage"]["completion_tokens"] < 12


def test_answer_ends_where_the_context_ends(process: AnswerProcess, base: Path) -> None:
    words = [{"role": "user", "content": "a " * 480}]

    _, event = process.result(process.request(base, messages=words, max_tokens=5000))

    assert event["event"] == "done", event
    assert event["usage"]["total_tokens"] <= 1024


@pytest.mark.parametrize(("context", "length"), [(None, 1024), (100, 100), (5000, 1024)])
def test_messages_beyond_the_context_are_refused(
    process: AnswerProcess, base: Path, context: int | None, length: int
) -> None:
    words = [{"role": "user", "content": "a " * length}]

    error = process.refusal(base, messages=words, context=context)

    assert (error["status"], error["code"]) == (400, "context_length_exceeded")
    assert f"{length} tokens" in error["message"]


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"messages": [{"role": "user", "content": f"a{END}"}]}, "messages[0].content"),
        ({"messages": [*HELLO, {"role": "user", "content": "a", "name": START}]}, "messages[1].name"),
        ({"tools": [{"type": "function", "function": {"name": START}}]}, "tools[0].function.name"),
    ],
)
def test_special_token_is_refused(
    process: AnswerProcess, base: Path, changes: dict[str, Any], place: str
) -> None:
    error = process.refusal(base, **changes)

    assert error["status"] == 400
    assert place in error["message"]


def test_template_receives_tools_calls_and_results(process: AnswerProcess, base: Path) -> None:
    call = {"id": "c", "type": "function", "function": {"name": "track", "arguments": '{"order": 7}'}}
    messages = [
        *HELLO,
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "content": "Lost.", "tool_call_id": "c"},
    ]

    _, plain = process.result(process.request(base))
    _, with_tools = process.result(process.request(base, tools=TOOLS, messages=messages))

    assert with_tools["event"] == "done", with_tools
    assert with_tools["usage"]["prompt_tokens"] > plain["usage"]["prompt_tokens"] + 10


def test_template_that_drops_tools_is_refused(process: AnswerProcess, tmp_path: Path) -> None:
    without_tools = CHAT_TEMPLATE.replace("{%- if tools -%}", "{%- if false -%}")
    folder = tiny(tmp_path / "without-tools", chat_template=without_tools)

    error = process.refusal(folder, tools=TOOLS)

    assert error["status"] == 400
    assert "tools[0]" in error["message"]
    assert process.answer(folder)


def test_seed_repeats_a_random_answer(process: AnswerProcess, base: Path, adapters: list[Path]) -> None:
    def sample(seed: int | None) -> str:
        return process.answer(base, adapters[0], temperature=1.5, seed=seed)

    first = [sample(seed) for seed in (1, 2, -3)]

    assert [sample(seed) for seed in (1, 2, -3)] == first
    assert len({*first, sample(None), sample(None)}) == 5


def test_seed_holds_while_another_base_answers(process: AnswerProcess, base: Path, tmp_path: Path) -> None:
    other = tiny(tmp_path / "other", seed=1)
    alone = process.answer(base, temperature=1.5, seed=1, max_tokens=60)

    requests = [
        process.request(folder, temperature=1.5, seed=1, max_tokens=60)
        for folder in (base, other, base, other)
    ]
    texts = [process.result(number)[0] for number in requests]

    assert texts[0] == texts[2] == alone
    assert texts[1] == texts[3] != alone


@pytest.mark.parametrize("top_p", [1.0, 0.7])
def test_samples_have_the_probabilities_of_the_scores(top_p: float) -> None:
    scores = torch.log(torch.tensor([[0.5, 0.3, 0.15, 0.05]]))
    request = Generate(1, "", None, None, [], None, 1, 1.0, top_p, 1, [])
    sampling = processors(request)
    ids = torch.zeros((1, 1), dtype=torch.long)

    counts = torch.bincount(
        torch.tensor([int(sampling(ids, scores).argmax()) for _ in range(4000)]), minlength=4
    )

    kept = torch.tensor([0.5, 0.3, 0.15, 0.05]) if top_p == 1 else torch.tensor([0.625, 0.375, 0, 0])
    assert torch.allclose(counts / 4000, kept, atol=0.03)
    assert ((counts == 0) == (kept == 0)).all()


def test_only_the_last_used_adapters_are_held(base: Path, adapters: list[Path]) -> None:
    held = Held(2)
    with held.model(str(base), lambda: False) as model:
        for adapter in (*adapters, adapters[1]):
            with model.selected(str(adapter)) as selected:
                assert len(selected.peft_config) <= 2

        assert list(model._adapters) == [str(adapters[2]), str(adapters[1])]
        assert len(selected.peft_config) == 2


def test_random_uses_and_deletes_keep_each_model_exact(base: Path, adapters: list[Path]) -> None:
    ids = torch.tensor([[5, 6, 7, 8]])

    def scores(held: Held, adapter: Path | None) -> torch.Tensor:
        name = None if adapter is None else str(adapter)
        with (
            held.model(str(base), lambda: False) as model,
            model.selected(name) as selected,
            torch.inference_mode(),
        ):
            return selected(ids).logits

    expected = {adapter: scores(Held(9), adapter) for adapter in (None, *adapters)}
    choices, held = Random(1), Held(2)  # noqa: S311
    for _ in range(200):
        adapter = choices.choice([None, *adapters])
        if adapter and choices.random() < 0.4:
            held.unload(str(adapter))
        else:
            assert torch.equal(scores(held, adapter), expected[adapter])


def test_deleted_adapter_is_forgotten(
    process: AnswerProcess, base: Path, adapters: list[Path], tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    copytree(adapters[0], copy)
    before = process.answer(base, copy)
    for folder in (copy, *adapters):
        assert process.result(process.send("unload", adapter=str(folder)))[1]["event"] == "done"
    rmtree(copy)

    error = process.refusal(base, copy)
    assert error["status"] == 500
    assert process.answer(base) == expected_answer(base)
    assert process.answer(base, adapters[0]) == before == expected_answer(base, adapters[0])


def test_damaged_adapter_does_not_change_other_answers(
    process: AnswerProcess, base: Path, adapters: list[Path], tmp_path: Path
) -> None:
    damaged = tmp_path / "damaged"
    copytree(adapters[0], damaged)
    weights = damaged / "adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])

    for _ in range(2):
        assert process.refusal(base, damaged)["status"] == 500
        assert process.answer(base) == expected_answer(base)
        assert process.answer(base, adapters[1]) == expected_answer(base, adapters[1])


def test_cancelled_answer_ends_early(process: AnswerProcess, base: Path) -> None:
    running = process.request(base, max_tokens=900, temperature=1.5)
    process.next_event(running)
    waiting = process.request(base)

    for number in (waiting, running):
        process.send("cancel", request=number)

    assert process.result(running)[1]["event"] == "cancelled"
    assert process.result(waiting) == ("", {"id": waiting, "event": "cancelled"})
    assert process.answer(base) == expected_answer(base)


def test_cancel_of_an_unknown_request_is_done(process: AnswerProcess) -> None:
    assert process.result(process.send("cancel", request=12345))[1]["event"] == "done"


def test_pickled_weights_are_never_loaded(
    process: AnswerProcess, base: Path, adapters: list[Path], tmp_path: Path
) -> None:
    class Evil:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (tmp_path / "executed",)

    evil_base, evil_adapter = tmp_path / "base", tmp_path / "adapter"
    copytree(base, evil_base)
    copytree(adapters[0], evil_adapter)
    (evil_base / "model.safetensors").unlink()
    (evil_adapter / "adapter_model.safetensors").unlink()
    torch.save(Evil(), evil_base / "pytorch_model.bin")
    torch.save(Evil(), evil_adapter / "adapter_model.bin")

    assert process.refusal(evil_base)["status"] == 500
    assert process.refusal(base, evil_adapter)["status"] == 500
    assert not (tmp_path / "executed").exists()


def test_code_of_a_model_is_never_executed(process: AnswerProcess, base: Path, tmp_path: Path) -> None:
    folder = tmp_path / "base"
    copytree(base, folder)
    config = json.loads((folder / "config.json").read_text())
    names = {"AutoConfig": "evil.Config", "AutoModelForCausalLM": "evil.Model"}
    (folder / "config.json").write_text(json.dumps({**config, "model_type": "evil", "auto_map": names}))
    (folder / "evil.py").write_text(f"open({str(tmp_path / 'executed')!r}, 'w')\nclass Config: pass\n")

    assert process.refusal(folder)["status"] == 500
    assert not (tmp_path / "executed").exists()


def test_name_of_a_hub_model_is_not_downloaded(process: AnswerProcess) -> None:
    assert process.refusal(Path("gpt2"))["status"] == 500


def test_end_of_input_ends_the_process_while_it_answers(base: Path) -> None:
    running = AnswerProcess()
    try:
        running.next_event(running.request(base, max_tokens=1000, temperature=1.5))
        started = time.monotonic()

        assert running.end_input() == 0
        assert time.monotonic() - started < 10
    finally:
        running.close()


def test_special_tokens_are_found_without_the_model(base: Path) -> None:
    tokenizer = load_tokenizer(str(base))

    assert special_tokens(base) == set(tokenizer.all_special_tokens) == {START, END, "<|endoftext|>"}

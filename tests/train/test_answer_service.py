"""Answers of a real model through the service, for the official client."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import openai
import pytest
import torch
from peft import LoraConfig, get_peft_model
from tests.serve.support import BASE, TUNED, Models, Service, ask, problem, serving, streamed, text_of
from tests.train.support import MARKS, SRC
from tools.base_models import END

from pulumi_openai_ft.serve.answers.embedded import EmbeddedAnswerer, EmbeddedSettings
from pulumi_openai_ft.serve.answers.interface import ServedModel
from pulumi_openai_ft.trainer.models import load_base

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [
    *MARKS,
    pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning"),
]  # peft asks for it

GREEDY: dict[str, Any] = {"temperature": 0, "max_tokens": 12}


@pytest.fixture(scope="module")
def models(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Models:
    """A base model and an adapter with random weights."""
    torch.manual_seed(0)
    config = LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM", init_lora_weights=False)
    adapter = tmp_path_factory.mktemp("models") / "adapter"
    get_peft_model(load_base(str(base)), config).save_pretrained(adapter)
    tuned = ServedModel(TUNED, base, adapter)
    return Models(ServedModel(BASE, base), tuned, tuned)


@pytest.fixture(scope="module")
def answerer() -> EmbeddedAnswerer:
    environment = {"PYTHONPATH": str(SRC), "OMP_NUM_THREADS": "1"}
    return EmbeddedAnswerer(EmbeddedSettings(Path(sys.executable), environment=environment))


@pytest.fixture(scope="module")
def service(models: Models, answerer: EmbeddedAnswerer) -> Iterator[Service]:
    with serving(lambda: answerer, models.resolve) as running:
        yield running


@pytest.fixture(scope="module")
def client(service: Service) -> openai.OpenAI:
    return service.client(timeout=120)


def test_official_client_receives_answers_of_both_models(client: openai.OpenAI) -> None:
    base, tuned = (ask(client, "hello", model, **GREEDY) for model in (BASE, TUNED))
    chunks = streamed(client, "hello", TUNED, stream_options={"include_usage": True}, **GREEDY)

    assert base.choices[0].message.content != tuned.choices[0].message.content
    assert text_of(chunks) == tuned.choices[0].message.content
    assert chunks[-1].usage == tuned.usage
    assert (base.model, tuned.model) == (BASE, TUNED)
    assert tuned.choices[0].finish_reason in ("length", "stop")


def test_refusals_of_the_model_reach_the_client(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as special:
        ask(client, f"hello{END}", **GREEDY)
    with pytest.raises(openai.BadRequestError) as long:
        streamed(client, "a " * 2000, **GREEDY)

    assert END in problem(special.value)["message"]
    assert problem(long.value)["code"] == "context_length_exceeded"


def test_killed_process_is_replaced(client: openai.OpenAI, answerer: EmbeddedAnswerer) -> None:
    before = ask(client, "hello", **GREEDY).choices[0].message.content
    stream = iter(ask(client, "hello", stream=True, max_tokens=50))
    next(stream)
    killed = answerer.pid
    assert killed is not None
    os.kill(killed, signal.SIGKILL)

    with pytest.raises(openai.APIError):
        list(stream)
    assert ask(client, "hello", **GREEDY).choices[0].message.content == before
    assert answerer.pid not in (None, killed)

from __future__ import annotations

import math
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch
from tests.train.support import CAPITALS, MARKS, PREFERENCES, ROWS, TrainingJob, differences

from pulumi_openai_ft.trainer.models import load_adapter, load_base, load_tokenizer

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [
    *MARKS,
    pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning"),
]  # peft asks for it

TRAIN = {"step", "total_steps", "at", "train_loss", "train_mean_token_accuracy"}
VALID = {"valid_loss", "valid_mean_token_accuracy"}
FULL_VALID = {"full_valid_loss", "full_valid_mean_token_accuracy"}


def answer(base: Path, adapter: Path | None, question: str) -> str:
    """Return the greedy reply of a model."""
    tokenizer = load_tokenizer(str(base))
    model: Any = load_base(str(base))
    if adapter:
        model = load_adapter(model, str(adapter))
    text = tokenizer.apply_chat_template(
        [{"role": "user", "content": question}], tokenize=False, add_generation_prompt=True
    )
    inputs = tokenizer(text, return_tensors="pt", add_special_tokens=False)
    with torch.no_grad():
        output = model.generate(**inputs, max_new_tokens=40, do_sample=False)
    return str(tokenizer.decode(output[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True))


def test_a_run_writes_metrics_models_and_result(new_job: Callable[..., TrainingJob], base: Path) -> None:
    job = new_job(validation=ROWS[:4], hyperparameters={"n_epochs": 4})

    assert job.run("supervised, 12 steps") == 0, job.log.read_text()

    tokenizer = load_tokenizer(str(base))
    texts = [tokenizer.apply_chat_template(row["messages"], tokenize=False) for row in ROWS]
    tokens = 4 * sum(len(tokenizer(text, add_special_tokens=False)["input_ids"]) for text in texts)
    assert job.result == {"status": "succeeded", "trained_tokens": tokens, "steps": [6, 9, 12], "final": 12}
    lines = job.lines()
    assert [line["step"] for line in lines] == list(range(1, 13))
    assert {line["total_steps"] for line in lines} == {12}
    assert [set(line) for line in lines] == 4 * [TRAIN | VALID, TRAIN | VALID, TRAIN | VALID | FULL_VALID]
    assert lines[-1]["train_loss"] < lines[0]["train_loss"]
    assert lines[-1]["full_valid_loss"] < lines[2]["full_valid_loss"]
    assert job.checkpoints() == [6, 9, 12]
    progress = job.read("progress.json")
    assert progress.pop("seconds_per_step") > 0
    assert progress == {
        "state": "training",
        "total_steps": 12,
        "trained_tokens": tokens,
        "train_rows": 10,
        "warnings": [],
    }


def test_models_contain_only_an_adapter(new_job: Callable[..., TrainingJob]) -> None:
    job = new_job(hyperparameters={"n_epochs": 1})

    assert job.run() == 0, job.log.read_text()

    files = sorted(job.model(3).iterdir())
    assert [file.name for file in files] == ["adapter_config.json", "adapter_model.safetensors"]
    private = {
        stat.S_IMODE(path.stat().st_mode) for path in [*files, job.model(3), job.folder / "result.json"]
    }
    assert private == {0o600, 0o700}


def test_equal_seeds_give_equal_losses(new_job: Callable[..., TrainingJob]) -> None:
    one, same, other = new_job("one"), new_job("same"), new_job("other", seed=8)

    assert [job.run() for job in (one, same, other)] == [0, 0, 0]

    assert one.metrics() == same.metrics()
    assert differences(one.metrics(), other.metrics()) > 0.01


def test_ten_rows_are_learned(new_job: Callable[..., TrainingJob], base: Path) -> None:
    job = new_job(hyperparameters={"n_epochs": 40, "batch_size": 2}, learning_rate=1e-2)

    assert job.run("overfit, 200 steps") == 0, job.log.read_text()

    for country, capital in CAPITALS.items():
        question, expected = f"What is the capital of {country}?", f"The capital is {capital}."
        assert answer(base, None, question) != expected
        assert answer(base, job.model(200), question) == expected


def test_a_continued_adapter_starts_where_it_ended(new_job: Callable[..., TrainingJob]) -> None:
    first = new_job("first", validation=ROWS)
    assert first.run() == 0, first.log.read_text()

    second = new_job("second", validation=ROWS, adapter=str(first.model(9)), learning_rate=1e-12, seed=99)
    assert second.run("continued") == 0, second.log.read_text()

    ended = first.metrics()[-1]["full_valid_loss"]
    assert [line["full_valid_loss"] for line in second.metrics()[2::3]] == pytest.approx(
        [ended] * 3, abs=1e-5
    )


def test_dpo_prefers_the_preferred_output(new_job: Callable[..., TrainingJob]) -> None:
    job = new_job(
        rows=PREFERENCES,
        validation=PREFERENCES[:3],
        method="dpo",
        hyperparameters={"beta": 0.1, "batch_size": 5},
    )

    assert job.run("DPO, 6 steps") == 0, job.log.read_text()

    metrics = job.metrics()
    assert metrics[0]["train_loss"] == pytest.approx(math.log(2), abs=1e-4)
    assert metrics[-1]["train_loss"] < 0.6
    assert metrics[-1]["full_valid_loss"] < 0.6
    assert job.result["steps"] == [2, 4, 6]


def test_dpo_continues_an_adapter_and_resumes(new_job: Callable[..., TrainingJob]) -> None:
    """The frozen copy of the adapter, which DPO compares with, must survive a stop."""
    supervised = new_job("supervised", hyperparameters={"n_epochs": 1})
    assert supervised.run() == 0, supervised.log.read_text()
    settings: dict[str, Any] = {
        "rows": PREFERENCES,
        "method": "dpo",
        "adapter": str(supervised.model(3)),
        "hyperparameters": {"n_epochs": 6, "batch_size": 5},
    }
    whole, stopped = new_job("whole", **settings), new_job("stopped", **settings)
    assert whole.run() == 0, whole.log.read_text()

    stopped.start()
    stopped.wait_for(lambda: len(stopped.lines()) >= 3)
    assert stopped.stop() == 75, stopped.log.read_text()
    assert stopped.run() == 0, stopped.log.read_text()

    assert whole.metrics()[0]["train_loss"] == pytest.approx(math.log(2), abs=1e-4)
    assert differences(whole.metrics(), stopped.metrics()) < 1e-6
    assert sorted(path.name for path in stopped.model(12).iterdir()) == [
        "adapter_config.json",
        "adapter_model.safetensors",
    ]


def test_micro_batches_do_not_change_the_loss(new_job: Callable[..., TrainingJob]) -> None:
    """Ten rows in one batch are five forward passes of two rows; the loss is the mean over all tokens."""
    job = new_job(validation=ROWS, hyperparameters={"n_epochs": 1, "batch_size": 10}, learning_rate=1e-12)

    assert job.run() == 0, job.log.read_text()

    (metrics,) = job.metrics()
    assert metrics["train_loss"] == pytest.approx(metrics["full_valid_loss"], rel=0.05)


def test_the_process_is_recorded(new_job: Callable[..., TrainingJob]) -> None:
    job = new_job()
    process = job.start()
    job.wait_for((job.folder / "progress.json").exists)

    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    assert job.read("process.json") == {"pid": process.pid, "started": int(fields[19])}
    assert os.path.lexists(job.folder / "lock")

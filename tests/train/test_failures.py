from __future__ import annotations

import json
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from tests.train.support import MARKS, ROWS, TrainingJob, row
from tools.base_models import CHAT_TEMPLATE, tiny

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = MARKS

CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
TOOL_ROW = {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "tool_calls": [CALL]}]}


def failure(job: TrainingJob) -> dict[str, Any]:
    """Run a job that fails, and return its error. The message is one sentence, and the output has no traceback."""
    assert job.run() == 1, job.log.read_text()
    error: dict[str, Any] = job.error
    assert set(error) == {"code", "message", "param"}
    assert error["message"].endswith(".")
    assert "Traceback" not in job.log.read_text()
    assert str(job.folder) not in error["message"]
    return error


@pytest.mark.parametrize(
    ("bad", "problem"),
    [
        ('{"messages": [', "not valid JSON: Input data was truncated."),
        (
            row("Hi", "<|im_end|>"),
            "messages[1].content contains <|im_end|>, a special token of the base model; ",
        ),
    ],
    ids=["cut", "special token"],
)
def test_a_bad_row_in_the_middle_is_named(
    new_job: Callable[..., TrainingJob], bad: object, problem: str
) -> None:
    error = failure(new_job(rows=[*ROWS[:5], bad, *ROWS[5:]]))

    assert (error["code"], error["param"]) == ("invalid_file_format", "training_file")
    assert error["message"].startswith(f"The job failed due to an invalid training file. Line 6: {problem}")


def test_a_bad_validation_row_is_named(new_job: Callable[..., TrainingJob]) -> None:
    error = failure(new_job(validation=[ROWS[0], "[]"]))

    assert (error["code"], error["param"]) == ("invalid_file_format", "validation_file")
    assert "invalid validation file. Line 2: the row is invalid: " in error["message"]


def test_a_template_that_drops_tools_is_refused(new_job: Callable[..., TrainingJob], tmp_path: Path) -> None:
    deaf = tiny(tmp_path / "deaf", chat_template=CHAT_TEMPLATE.replace("message.tool_calls or []", "[]"))

    error = failure(new_job(rows=[*ROWS, TOOL_ROW], base=str(deaf)))

    assert error["message"].endswith(
        "Line 11: the chat template of the base model ignores messages[1].tool_calls[0]."
    )


def test_a_file_without_rows_is_refused(new_job: Callable[..., TrainingJob]) -> None:
    error = failure(new_job(rows=["", " "]))

    assert (error["code"], error["message"]) == ("invalid_n_examples", "Training file has no examples.")


def test_cut_rows_are_a_warning(new_job: Callable[..., TrainingJob]) -> None:
    job = new_job(rows=[*ROWS, row("Hi", "word " * 100)], hyperparameters={"n_epochs": 1}, max_length=100)

    assert job.run() == 0, job.log.read_text()

    (warning,) = job.read("progress.json")["warnings"]
    assert warning == "Rows longer than 100 tokens were cut at the end: 1 in the training file."


def test_damaged_weights_are_refused(new_job: Callable[..., TrainingJob], base: Path, tmp_path: Path) -> None:
    damaged = shutil.copytree(base, tmp_path / "damaged")
    content = (damaged / "model.safetensors").read_bytes()
    (damaged / "model.safetensors").write_bytes(content[: len(content) // 2])

    error = failure(new_job(base=str(damaged)))

    assert (error["code"], error["param"]) == ("invalid_base_model", "model")
    assert error["message"].startswith("The base model cannot be loaded: ")


@pytest.mark.parametrize("weights", ["none", "pickled"])
def test_weights_must_be_safetensors(
    new_job: Callable[..., TrainingJob], base: Path, tmp_path: Path, weights: str
) -> None:
    other = tmp_path / "other"
    shutil.copytree(base, other)
    (other / "model.safetensors").unlink()
    if weights == "pickled":
        (other / "pytorch_model.bin").write_bytes(b"\x80\x04.")

    error = failure(new_job(base=str(other)))

    assert (error["code"], error["param"]) == ("invalid_base_model", "model")
    assert "contains no safetensors files" in error["message"]


def test_code_of_a_model_does_not_run(
    new_job: Callable[..., TrainingJob], base: Path, tmp_path: Path
) -> None:
    other, ran = tmp_path / "other", tmp_path / "ran"
    shutil.copytree(base, other)
    config = json.loads((other / "config.json").read_text())
    config |= {
        "model_type": "own",
        "auto_map": {"AutoModelForCausalLM": "own.Model", "AutoConfig": "own.Config"},
    }
    (other / "config.json").write_text(json.dumps(config))
    (other / "own.py").write_text(f"open({str(ran)!r}, 'w')")

    error = failure(new_job(base=str(other)))

    assert error["code"] == "invalid_base_model"
    assert not ran.exists()


def test_a_missing_adapter_is_refused(new_job: Callable[..., TrainingJob], tmp_path: Path) -> None:
    error = failure(new_job(adapter=str(tmp_path / "gone")))

    assert error["message"] == "The weights of the fine-tuned model no longer exist."


def test_a_diverged_run_fails(new_job: Callable[..., TrainingJob]) -> None:
    error = failure(new_job(learning_rate=1e38))

    assert (error["code"], error["param"]) == ("training_diverged", "learning_rate_multiplier")


def test_too_little_memory_fails_the_job(new_job: Callable[..., TrainingJob]) -> None:
    """The adapter needs more than the address space of a process, so PyTorch's allocator fails on any machine."""
    job = new_job(lora={"r": 10**13, "alpha": 1})

    assert job.run() == 1, job.log.read_text()

    assert job.error["code"] == "out_of_memory"
    assert job.error["message"].startswith("The model and a batch do not fit into the memory")


def test_an_unexpected_fault_is_a_crash(new_job: Callable[..., TrainingJob]) -> None:
    job = new_job()
    (job.folder / "checkpoints").write_text("not a folder")

    assert job.run() == 70

    assert not (job.folder / "result.json").exists()
    assert "Traceback" in job.log.read_text()


class TestFullDisk:
    """Trainers whose job folder is on a small disk, which only they see."""

    @pytest.fixture(autouse=True)
    def _require_mounts(self) -> None:
        if subprocess.run(["unshare", "--map-root-user", "--mount", "true"], check=False).returncode:
            pytest.skip("this machine does not allow mounts in a namespace")

    def run(self, job: TrainingJob, megabytes: float, during: str = "") -> tuple[int, dict[str, Any]]:
        """Train in a copy of the job folder on a small disk, and return the exit code and the result.

        `during` is a shell command that runs once metrics exist.
        """
        trainer = f"{sys.executable} -m pulumi_openai_ft.trainer disk"
        script = f"""
            mkdir disk && mount -t tmpfs -o size={int(megabytes * 1024)}k tmpfs disk && cp {job.folder}/* disk
            {trainer} & trainer=$!
            {f"until [ -s disk/metrics.jsonl ] || ! kill -0 $trainer; do sleep 0.01; done; {during}" if during else ""}
            wait $trainer; code=$?
            cp disk/result.json . && exit $code
        """
        folder = job.folder.parent
        command = ["unshare", "--map-root-user", "--mount", "sh", "-c", script]
        code = subprocess.run(command, cwd=folder, check=False, env=job.environment).returncode
        return code, json.loads((folder / "result.json").read_text())

    def test_room_is_required_before_the_start(self, new_job: Callable[..., TrainingJob]) -> None:
        code, result = self.run(new_job(), megabytes=2)

        assert code == 1
        assert result["error"]["code"] == "insufficient_storage"
        assert "MB free, but the checkpoints of this job need" in result["error"]["message"]

    def test_a_disk_that_fills_up_fails_the_job(self, new_job: Callable[..., TrainingJob]) -> None:
        job = new_job(hyperparameters={"n_epochs": 50})

        code, result = self.run(job, megabytes=16, during="head -c 16M /dev/zero > disk/other")

        assert code == 1
        assert result["error"]["code"] == "insufficient_storage"
        assert result["error"]["message"].startswith("The service's disk is full")

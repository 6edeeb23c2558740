"""Files that disappear from the data folder while jobs use them, and trainers that are stopped while they start."""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.serve.services import BASE, RunningService, messages, rows, train, wait_for

from pulumi_openai_ft.serve.config import load_config
from pulumi_openai_ft.serve.engines.local import LocalEngine
from pulumi_openai_ft.serve.training_loop import TrainingLoop
from pulumi_openai_ft.serve.training_runner import TrainingRunner, jobs_folder
from pulumi_openai_ft.serve.training_runs import Run, Spec, TrainingRuns
from pulumi_openai_ft.server.clock import SystemClock
from pulumi_openai_ft.server.records import Checkpoint
from pulumi_openai_ft.server.runner import Dataset, TrainingRequest
from pulumi_openai_ft.server.storage import opened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pulumi_openai_ft.server.store import Store

JOB, TUNED = "ftjob-1", f"ft:{BASE}:team::abc"
DELETED = {
    "code": "server_error",
    "message": "The job's folder was deleted from the service's data folder: create the job again.",
    "param": None,
}


class Bench:
    """The parts of a service that train, without a listener. Each call of `advance` is a round of the loop."""

    def __init__(self, folder: Path, store: Store, blobs: Any) -> None:
        RunningService.create(folder)
        self.config = load_config(folder / "serve.toml")
        self.store = store
        self.runs = TrainingRuns(store)
        self.runner = TrainingRunner(self.config, store, blobs, SystemClock(), self.runs)
        self.loop = TrainingLoop(
            config=self.config,
            runs=self.runs,
            runner=self.runner,
            engine=LocalEngine(self.config.training.python, ()),
            clock=SystemClock(),
            settle=lambda _: None,
            unload=lambda *_: None,
        )
        draft = blobs.draft()
        draft.write(rows())
        draft.store("file-1")

    @property
    def folder(self) -> Path:
        return jobs_folder(self.config) / JOB

    def submit(self, model: str = BASE) -> None:
        method = {"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 3, "batch_size": 4}}}
        data = Dataset("file-1", partial(io.BytesIO, rows()))
        self.runner.submit(TrainingRequest(JOB, "proj_a", model, BASE, method, 7, data, None))

    def publish(self) -> Path:
        """Add a fine-tuned model, and return the folder of its adapter."""
        self.store.checkpoints.add(
            Checkpoint(
                id="c",
                created_at=1,
                job="ftjob-0",
                project="proj_a",
                base=BASE,
                name=TUNED,
                step=9,
                metrics={},
            )
        )
        adapter = self.runner.folder("ftjob-0").model(9)
        adapter.mkdir(parents=True)
        (adapter / "adapter_model.safetensors").write_bytes(b"weights")
        return adapter

    def run_until(self, condition: Callable[[Run], bool]) -> Run:
        """Perform rounds until a condition is true for the run."""
        deadline = time.monotonic() + 30
        while not condition(self.runs.get(JOB)):
            assert time.monotonic() < deadline, self.runs.get(JOB)
            self.loop.advance()
            time.sleep(0.01)
        return self.runs.get(JOB)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with opened(tmp_path / "data", "data") as storage:
        yield Bench(tmp_path, *storage)


def log_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.message for record in caplog.records if record.exc_info]


def test_unexpected_validation_error_fails_once(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    bench.submit()
    (bench.folder / "training.jsonl").unlink()
    (bench.folder / "training.jsonl").mkdir()

    run = bench.run_until(lambda run: run.stage == "failed")
    for _ in range(3):
        bench.loop.advance()

    assert run.problem == {
        "code": "server_error",
        "message": "The service could not check the job's files. Its operator finds the reason in the log.",
        "param": None,
    }
    assert log_of(caplog) == [f"The files of {JOB} could not be checked."]


@pytest.mark.parametrize("stage", ["validating_files", "queued", "running"])
def test_deleted_folder_fails_the_job_once(
    bench: Bench, caplog: pytest.LogCaptureFixture, stage: str
) -> None:
    if stage == "queued":
        occupy_slot(bench)
    (bench.config.data.parent / "plan.json").write_text('{"seconds": 0.2}')
    bench.submit()
    bench.run_until(lambda run: run.stage == stage and (stage != "running" or run.step > 0))

    bench.folder.rename(bench.folder.with_name("deleted"))

    run = bench.run_until(lambda run: run.stage == "failed")
    for _ in range(3):
        bench.loop.advance()
    assert (run.problem, run.slot, run.stage) == (DELETED, None, "failed")
    assert JOB not in bench.runs.open()
    assert [text for text in log_of(caplog) if JOB in text] == []


def occupy_slot(bench: Bench) -> None:
    """Add a run whose trainer, of an earlier process of the service, is this process."""
    folder = jobs_folder(bench.config) / "ftjob-0"
    folder.mkdir(parents=True)
    started = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
    (folder / "process.json").write_text(json.dumps({"pid": os.getpid(), "started": started}))
    spec = Spec("proj_a", BASE, "supervised", {}, 7, validation=False, adapter=False, wandb=None)
    bench.runs.add("ftjob-0", Run(spec, queued_at=0, stage="running", slot=0))


def test_cancelled_job_without_folder_frees_slot(bench: Bench) -> None:
    bench.submit()
    bench.run_until(lambda run: run.stage == "running")
    with bench.runs.change(JOB) as run:
        run.wanted, run.stage = "cancel", "cancelled"

    bench.folder.rename(bench.folder.with_name("deleted"))

    run = bench.run_until(lambda run: run.slot is None)
    assert (run.stage, run.problem) == ("cancelled", None)


@pytest.mark.parametrize("remove", ["folder", "weights while linking"])
def test_adapter_deleted_before_submit_fails_job(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, remove: str
) -> None:
    adapter = bench.publish()
    if remove == "folder":
        shutil.rmtree(adapter)
    else:
        monkeypatch.setattr(os, "link", deleting(adapter, os.link))

    bench.submit(TUNED)

    run = bench.runs.get(JOB)
    assert (run.stage, run.problem) == (
        "failed",
        {
            "code": "model_not_available",
            "message": f"The weights of {TUNED} no longer exist.",
            "param": "model",
        },
    )


def deleting(adapter: Path, link: Callable[..., None]) -> Callable[..., None]:
    """Return `os.link`, before which another process deletes the adapter."""

    def link_after_deletion(source: Any, target: Any, **options: Any) -> None:
        if os.fspath(source).startswith(str(adapter)):
            shutil.rmtree(adapter)
        link(source, target, **options)

    return link_after_deletion


def test_sigterm_of_a_starting_trainer_is_no_crash(tmp_path: Path) -> None:
    with RunningService.create(tmp_path) as service, service.client() as client:
        service.plan(loads=60)
        job = wait_for(client, train(client).id, "running").id
        for _ in range(4):  # a job fails after three crashes
            stop_trainer(service)
        service.plan()
        stop_trainer(service)

        wait_for(client, job, "succeeded")

        texts = messages(client, job)
        assert "Training was stopped from outside; it continues" in texts
        assert not [text for text in texts if "unexpectedly" in text]


def stop_trainer(service: RunningService) -> None:
    """Send SIGTERM to the trainer, and wait until it is replaced."""
    deadline = time.monotonic() + 30
    while not (trainers := service.trainers()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.kill(trainers[0], signal.SIGTERM)
    while trainers[0] in service.trainers():
        assert time.monotonic() < deadline
        time.sleep(0.02)

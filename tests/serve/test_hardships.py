"""The service on a bad day: a full disk, a second server, an engine that does not answer, a trainer that does not stop."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from threading import Event, Thread
from typing import TYPE_CHECKING, Any, Self

import openai
import pytest
from tests.serve.counted_service import bench_of
from tests.serve.servers import running
from tests.serve.services import ALIAS, BASE, ENDED, RunningService, rows, train, wait_for
from tests.serve.vllm_stand_in import KEY, VllmStandIn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SERVE = "import sys; from pulumi_openai_ft.cli.main import main; sys.exit(main(sys.argv[1:]))"
QUESTION: Any = [{"role": "user", "content": "hello"}]
LONGEST_WAIT = 1.0
"""Seconds that 95 of 100 requests may take on a busy machine while the service reads a large file."""


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_second_server_on_the_same_data_is_refused(tmp_path: Path) -> None:
    with RunningService.create(tmp_path) as service, service.client() as client:
        command = [sys.executable, "-c", SERVE, "serve", "--port", "0", "--config"]
        second = subprocess.run(
            [*command, tmp_path / "serve.toml"], capture_output=True, text=True, timeout=60, check=False
        )

        assert (second.returncode, second.stdout) == (1, "")
        (line,) = second.stderr.splitlines()
        assert "is in use by another server. Stop that server, or choose another directory" in line
        wait_for(client, train(client).id, "succeeded")


def test_a_trainer_that_ignores_stops_is_killed(tmp_path: Path) -> None:
    service = RunningService.create(tmp_path)
    service.seconds_to_stop = 1
    with service, service.client() as client:
        service.plan(seconds=60, ignores_stop=True)
        job = wait_for(client, train(client).id, "running").id
        wait_until((service.job_folder(job) / "process.json").exists)

        assert client.fine_tuning.jobs.cancel(job).status == "cancelled"

        wait_until(lambda: service.trainers() == [])
        service.plan()
        wait_for(client, train(client).id, "succeeded")


@pytest.mark.parametrize(
    "row", [b'{"messages": [', b"[]", b'{"messages": "\xff"}'], ids=["cut", "list", "not UTF-8"]
)
def test_a_bad_row_in_the_middle_is_named(tmp_path: Path, row: bytes) -> None:
    lines = rows(10).splitlines()
    content = b"\n".join([*lines[:5], row, *lines[5:]])
    with RunningService.create(tmp_path) as service, service.client() as client:
        file = client.files.create(file=("rows.jsonl", content), purpose="fine-tune")

        job = client.fine_tuning.jobs.create(model=ALIAS, training_file=file.id)

        error = wait_for(client, job.id, "failed").error
        assert error.param == "training_file"
        assert "Line 6" in error.message
        wait_for(client, train(client).id, "succeeded")


@contextmanager
def served_by_vllm(folder: Path) -> Iterator[tuple[RunningService, VllmStandIn]]:
    vllm = VllmStandIn(folder / "model", BASE)
    with running(vllm.app()) as url:
        serving = f'\n[serving]\nvllm = "{url}/v1"\nvllm_key_env = "VLLM_TEST_KEY"\n'
        service = RunningService.create(folder, more=serving)
        service.environment = {"VLLM_TEST_KEY": KEY}
        with service:
            yield service, vllm


def test_a_request_cannot_write_lines_of_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "pulumi_openai_ft.serve.request_log")
    with bench_of(tmp_path / "service") as bench:
        bench.client.get(
            "/v1/models/ft:a%0AGET /v1/files 200 proj_b 1 ms%1B[2J", headers={"authorization": ""}
        )

    (line,) = [record.getMessage() for record in caplog.records if "/models/" in record.getMessage()]
    assert line.startswith("GET /v1/models/ft:a%0AGET%20/v1/files%20200%20proj_b%201%20ms%1B%5B2J 401 - ")


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_a_loss_that_is_no_number_is_left_out(tmp_path: Path, number: str) -> None:
    """The loss of validation rows without trained tokens, for example. JSON cannot express it."""
    with bench_of(tmp_path / "service") as bench:
        (job,) = bench.run(1)
        row = f'{{"step": 1, "total_steps": 5, "at": 5.0, "train_loss": 1.5, "valid_loss": {number}}}\n'
        bench.folder(job)._metrics.path.write_text(row)
        bench.folder(job)._progress.write_text(f'{{"total_steps": 5, "seconds_per_step": {number}}}')
        bench.round()

        events = bench.client.get(f"/v1/fine_tuning/jobs/{job}/events").json()["data"]
        assert events[0]["data"] == {"step": 1, "total_steps": 5, "train_loss": 1.5}
        assert bench.client.get(f"/v1/fine_tuning/jobs/{job}").json()["estimated_finish"] is None


def test_deleting_a_model_unloads_it_from_vllm(tmp_path: Path) -> None:
    with served_by_vllm(tmp_path) as (service, vllm), service.client() as client:
        job = wait_for(client, train(client).id, "succeeded")
        client.chat.completions.create(model=job.fine_tuned_model, messages=QUESTION)
        assert list(vllm.adapters) == [job.fine_tuned_model]

        client.models.delete(job.fine_tuned_model)

        wait_until(lambda: vllm.adapters == {})
        wait_until(lambda: not (service.job_folder(job.id) / "models" / "step-9").exists())


def test_vllm_that_does_not_answer_holds_up_no_training(tmp_path: Path) -> None:
    with served_by_vllm(tmp_path) as (service, vllm), service.client() as client:
        first = wait_for(client, train(client).id, "succeeded")
        client.chat.completions.create(model=first.fine_tuned_model, messages=QUESTION)
        vllm.silent = True
        client.models.delete(first.fine_tuned_model)
        wait_until(lambda: "/v1/unload_lora_adapter" in vllm.paths())

        wait_for(client, train(client).id, "succeeded", seconds=20)

        assert (service.job_folder(first.id) / "models" / "step-9").exists()
        vllm.silent = False
        wait_until(lambda: vllm.adapters == {})
        wait_until(lambda: not (service.job_folder(first.id) / "models" / "step-9").exists())


@pytest.fixture
def _mounts() -> None:
    if subprocess.run(["unshare", "--map-root-user", "--mount", "true"], check=False).returncode:
        pytest.skip("this machine does not allow mounts in a namespace")


@pytest.mark.usefixtures("_mounts")
def test_the_service_survives_a_full_disk(tmp_path: Path) -> None:
    """The data folder is on a small disk, which only the service and its trainers see."""
    service = RunningService.create(tmp_path)
    (tmp_path / "data").mkdir()
    mount = f'mount -t tmpfs -o size=24m tmpfs {tmp_path}/data && exec "$@"'
    service.prefix = ("unshare", "--map-root-user", "--mount", "sh", "-c", mount, "sh")
    service.plan(seconds=0.3)
    with service, service.client() as client:
        assert service.process is not None
        filler = tmp_path.joinpath(f"/proc/{service.process.pid}/root{tmp_path}/data/filler")
        job = wait_for(client, train(client).id, "running").id
        fill(filler)
        time.sleep(1)

        with pytest.raises(openai.BadRequestError, match="Ask its operator to make room") as refusal:
            train(client)
        assert refusal.value.code == "disk_full"
        assert client.fine_tuning.jobs.retrieve(job).id == job

        filler.unlink()
        service.plan()
        ended = wait_for(client, job, *ENDED)
        assert ended.status == "succeeded" or "No space left" in ended.error.message
        wait_for(client, train(client).id, "succeeded")


def fill(file: Path) -> None:
    """Fill a disk with a file, byte by byte at the end."""
    with suppress(OSError), file.open("wb", buffering=0) as filler:
        for size in (2**20, 2**10, 1):
            with suppress(OSError):
                while filler.write(bytes(size)) == size:
                    pass


class Watch:
    """Measures how long requests take while something else happens."""

    def __init__(self, service: RunningService) -> None:
        self._service = service
        self._ended = Event()
        self._thread = Thread(target=self._ask)
        self.seconds: list[float] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def percentile(self, percent: int) -> float:
        return statistics.quantiles(self.seconds, n=100)[percent - 1]

    def _ask(self) -> None:
        with self._service.client() as client:
            while not self._ended.wait(0.02):
                started = time.monotonic()
                client.files.list(limit=1)
                self.seconds.append(time.monotonic() - started)


def write_large_file(path: Path, megabytes: int) -> None:
    """Write training data with rows of 10 KB."""
    answer = {"role": "assistant", "content": "word " * 2000}
    line = json.dumps({"messages": [{"role": "user", "content": "q"}, answer]}).encode() + b"\n"
    block = line * (2**20 // len(line))
    with path.open("wb") as file:
        for _ in range(megabytes):
            file.write(block)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("megabytes", [32, pytest.param(512, marks=pytest.mark.long)])
def test_validation_of_a_large_file_blocks_no_requests(tmp_path: Path, megabytes: int) -> None:
    write_large_file(tmp_path / "large.jsonl", megabytes)
    with RunningService.create(tmp_path) as service, service.client() as client:
        service.plan(seconds=60)
        with Watch(service) as upload:
            file = client.files.create(file=tmp_path / "large.jsonl", purpose="fine-tune", timeout=600)
        with Watch(service) as validation:
            job = client.with_options(timeout=600).fine_tuning.jobs.create(model=ALIAS, training_file=file.id)
            wait_for(client, job.id, "running", seconds=600)
        client.fine_tuning.jobs.cancel(job.id)

    for name, watch in (("upload", upload), ("validation", validation)):
        assert watch.percentile(95) < LONGEST_WAIT, name

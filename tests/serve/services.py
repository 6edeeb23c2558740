"""A running service for tests, with the stand-in trainer or a real one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import openai

from pulumi_openai_ft.serve.keys import hash_key, mask_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from openai.types.fine_tuning import FineTuningJob

PROJECT, OTHER_PROJECT = "proj_a", "proj_b"
PROJECT_KEY, OTHER_KEY = "sk-proj-test-a-0123456789", "sk-proj-test-b-0123456789"
ADMIN_KEY = "sk-admin-test-0123456789"
BASE, ALIAS = "tiny-llama", "gpt-4o-mini-2024-07-18"
ENDED = ("succeeded", "failed", "cancelled")
STAND_IN = Path(__file__).with_name("stand_in_trainer.py")
ANSWERS = Path(__file__).with_name("answers_stand_in.py")

CONFIG = """\
organization = "team"
data = "data"

[[base]]
id = "{base}"
path = "{model}"
aliases = ["{alias}"]
max_length = 256

{keys}
[training]
python = "{python}"
slots = {slots}

[limits]
free_disk_bytes = 1048576
"""


def write_base_model(folder: Path) -> Path:
    """Write the files of a base model that contains no weights."""
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"max_position_embeddings": 512}))
    tokens = [{"id": 0, "content": "<|im_start|>", "special": True}]
    (folder / "tokenizer.json").write_text(json.dumps({"added_tokens": tokens}))
    (folder / "tokenizer_config.json").write_text(json.dumps({"chat_template": "{{ messages }}"}))
    (folder / "model.safetensors").write_bytes((8).to_bytes(8, "little") + b"{}      ")
    return folder


def stand_in_python(folder: Path) -> Path:
    """Write a program that behaves like a Python with the extra `train`."""
    program = folder / "python"
    program.write_text(
        "#!/bin/sh\n"
        f'case "$2" in *answers) exec {sys.executable} {ANSWERS} "$@" ;; esac\n'
        f'exec {sys.executable} -I -S {STAND_IN} "$@"\n'
    )
    program.chmod(0o755)
    return program


def config_text(model: Path, python: Path, slots: int = 1, more: str = "") -> str:
    """Return a configuration with three keys."""
    keys = key_entry(PROJECT_KEY, PROJECT) + key_entry(OTHER_KEY, OTHER_PROJECT) + key_entry(ADMIN_KEY)
    text = CONFIG.format(base=BASE, model=model, alias=ALIAS, keys=keys, python=python, slots=slots)
    return text + more


def key_entry(key: str, project: str | None = None) -> str:
    """Return a key's part of a configuration. A key without a project is an admin key."""
    owner = "admin = true" if project is None else f'project = "{project}"'
    return f'[[key]]\nhash = "{hash_key(key)}"\nmasked = "{mask_key(key)}"\n{owner}\n\n'


def rows(count: int = 8) -> bytes:
    """Return a training file."""
    question, answer = {"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}
    return b"\n".join(json.dumps({"messages": [question, answer]}).encode() for _ in range(max(count, 10)))


@dataclass
class RunningService:
    """A service in a separate process, which can be killed and started again.

    Attributes:
        folder: Folder of the configuration and the data.
        environment: Environment variables for the process, in addition to those of the tests.
        prefix: Command that runs the service's command.
        seconds_to_stop: Seconds after which a trainer that does not stop is killed.
    """

    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    prefix: tuple[str, ...] = ()
    seconds_to_stop: float = 60
    url: str = ""
    process: subprocess.Popen[str] | None = None
    _clients: list[openai.OpenAI] = field(default_factory=list)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        for client in self._clients:
            client.close()
        self.stop()
        for trainer in self.trainers():
            os.kill(trainer, signal.SIGKILL)

    @classmethod
    def create(cls, folder: Path, *, slots: int = 1, more: str = "") -> Self:
        """Write the configuration of a service with the stand-in trainer."""
        folder.mkdir(exist_ok=True)
        model, python = write_base_model(folder / "model"), stand_in_python(folder)
        (folder / "serve.toml").write_text(config_text(model, python, slots, more))
        return cls(folder)

    def plan(self, **plan: Any) -> None:
        """Change the behavior of the stand-in trainer."""
        (self.folder / "plan.json").write_text(json.dumps(plan))

    def start(self) -> None:
        """Start the service and wait until it accepts requests."""
        command = [*self.prefix, sys.executable, "-c", _PROGRAM, str(self.folder / "serve.toml")]
        command.append(str(self.seconds_to_stop))
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                command,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env={**os.environ, **self.environment},
            )
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().strip()
        assert self.url, (self.folder / "log").read_text()[-2000:]

    def stop(self) -> int:
        """Stop the service. Return its exit code."""
        return self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Kill the service."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Kill the service and start it again."""
        self.kill()
        self.start()

    def client(self, key: str = PROJECT_KEY, **options: Any) -> openai.OpenAI:
        """Return the official client. It is closed with the service."""
        client = openai.OpenAI(base_url=self.url, api_key=key, max_retries=0, timeout=30, **options)
        self._clients.append(client)
        return client

    def job_folder(self, job: str) -> Path:
        """Return the folder of a job."""
        return self.folder / "data" / "jobs" / job

    def trainers(self) -> list[int]:
        """Return the processes that train in this folder."""
        place = str(self.folder / "data" / "jobs").encode()
        return [pid for pid, command in _processes() if place in command]

    def log(self) -> str:
        """Return the service's log."""
        return (self.folder / "log").read_text()

    def _end(self, number: signal.Signals) -> int:
        if self.process is None:
            return 0
        self.process.send_signal(number)
        code = self.process.wait(30)
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.process = None
        return code


_PROGRAM = """
import sys
from pathlib import Path
from pulumi_openai_ft.serve import training_loop
from pulumi_openai_ft.serve.config import load_config
from pulumi_openai_ft.serve.listener import Listener
from pulumi_openai_ft.serve.server import run
path = Path(sys.argv[1])
training_loop.SECONDS_TO_STOP = float(sys.argv[2])
sys.exit(run(load_config(path), Listener(port=0), config_file=path, tick=0.05))
"""


def _processes() -> Iterator[tuple[int, bytes]]:
    for path in Path("/proc").iterdir():
        if path.name.isdecimal():
            try:
                yield int(path.name), (path / "cmdline").read_bytes()
            except OSError:
                continue  # it has ended


def train(client: openai.OpenAI, count: int = 10, **request: Any) -> FineTuningJob:
    """Upload rows and create a job."""
    file = client.files.create(file=("rows.jsonl", rows(count)), purpose="fine-tune")
    return client.fine_tuning.jobs.create(**{"model": ALIAS, "training_file": file.id, "seed": 7, **request})


def wait_for(
    client: openai.OpenAI,
    job: str,
    *statuses: str,
    seconds: float = 60,
    until: Callable[[Any], bool] | None = None,
) -> Any:
    """Return the job once it has one of the statuses. It need not pass strict validation."""
    deadline = time.monotonic() + seconds
    while True:
        found = client.fine_tuning.jobs.retrieve(job)
        if found.status in statuses and (until is None or until(found)):
            return found
        assert time.monotonic() < deadline, f"{job} is {found.status}, not {statuses}"
        assert found.status not in ENDED or found.status in statuses, (
            f"{job} is {found.status}: {found.error}"
        )
        time.sleep(0.05)


def messages(client: openai.OpenAI, job: str) -> list[str]:
    """Return the messages of a job's events, oldest first."""
    return [event.message for event in client.fine_tuning.jobs.list_events(job, limit=100)][::-1]

"""A service that trains, with the stand-in trainer, for the tests by the official client."""

from __future__ import annotations

from contextlib import suppress
from itertools import count
from typing import TYPE_CHECKING, Self

import openai
from tests.serve.services import ADMIN_KEY, RunningService, key_entry, stand_in_python, write_base_model

if TYPE_CHECKING:
    from pathlib import Path

# The base models have the names of OpenAI's models, so that the same requests are valid for both services.
CONFIG = """\
organization = "team"
data = "data"

[[base]]
id = "gpt-4o-mini-2024-07-18"
path = "model"
aliases = ["gpt-4o-mini"]
max_length = 256

[[base]]
id = "gpt-4.1-mini-2025-04-14"
path = "model"
max_length = 256

[training]
python = "{python}"
slots = 4

[limits]
free_disk_bytes = 1048576
queued_jobs_per_key = 50

[wandb]
key_env = "CONTRACT_WANDB_KEY"

"""


class ContractService(RunningService):
    """A service with a new project for each test, so that it needs no reset."""

    admin_key = ADMIN_KEY
    _projects = count(1)

    @classmethod
    def configure(cls, folder: Path) -> Self:
        """Write the configuration."""
        write_base_model(folder / "model")
        text = CONFIG.format(python=stand_in_python(folder)) + key_entry(ADMIN_KEY)
        (folder / "serve.toml").write_text(text)
        service = cls(folder, {"CONTRACT_WANDB_KEY": "secret"})
        service.plan(seconds=0)
        return service

    def add_project(self) -> tuple[str, str]:
        """Add a key of a new project to the configuration. Return the project and the key."""
        number = next(self._projects)
        project, key = f"proj_contract{number}", f"sk-proj-contract-{number:010}"
        with (self.folder / "serve.toml").open("a") as config:
            config.write(key_entry(key, project))
        return project, key

    def cancel_jobs(self, key: str) -> None:
        """Cancel the jobs that a test has left, so that the next test does not wait for them."""
        with self.client(key) as client:
            for job in client.fine_tuning.jobs.list(limit=100):
                with suppress(openai.BadRequestError):  # it has ended
                    client.fine_tuning.jobs.cancel(job.id)

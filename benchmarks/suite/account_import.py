"""Duration and requests of `openai-ft import run` for an account of N jobs, compared with `pulumi import --file`."""

from __future__ import annotations

import tempfile
from collections import Counter
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from benchmarks import stack
from benchmarks.measurement import Point, Series, in_turns
from benchmarks.stack import API_KEY, Stack, settings, write_training_data
from pulumi_openai_ft.emulator import Emulator

if TYPE_CHECKING:
    from benchmarks.benchmark import Plan

MODEL = "gpt-4o-mini-2024-07-18"
OURS, PEER = "openai-ft import run", "pulumi import --file"
WITH_FILES = "--with-files"
VARIANTS = {"jobs": (), "jobs and their files": (WITH_FILES,)}
"""Options by the resources that they import. Each job has another file."""
LIST, MODULE = "import.json", "imported_resources"
MEASUREMENTS = (
    ("import", "s", "seconds", "seconds", 1.25),  # this package also makes the list
    ("CPU time of the import", "cpu s", "cpu_seconds", "cpu_seconds", None),
    ("plan alone, part of the import", "s", "planning", "seconds", None),
    ("preview of the program", "s", "preview", "preview", None),
    ("most requests for a resource", "requests", "requests", "requests", 1.0),
)
"""Name, unit, field of `Taken` for this package and for the baseline, and limit."""


@dataclass(frozen=True)
class Taken:
    """The measurements of an import into an empty stack.

    Attributes:
        seconds: Duration of the import.
        cpu_seconds: CPU time of the import.
        planning: Duration of making the list, in seconds; 0 for Pulumi's own import, which reads a list.
        preview: Duration of the preview of the program of the import, in seconds.
        requests: Maximum number of requests for a resource.
    """

    seconds: float
    cpu_seconds: float
    planning: float
    preview: float
    requests: int


def measure(plan: Plan) -> list[Series]:
    """Import the same account with both commands alternately, into a new stack each time."""
    jobs = plan.sizes[-1]
    with tempfile.TemporaryDirectory(prefix="openai-ft-benchmarks-") as folder, Emulator() as service:
        plan.on_step(f"training {jobs} jobs")
        ids = _account(service, jobs, write_training_data(Path(folder)))
        return [
            series
            for variant, options in VARIANTS.items()
            for series in _measured(variant, _Imports(service, ids, Path(folder) / variant, options), plan)
        ]


def versions() -> dict[str, str]:
    """Return the version of the engine, which takes most of the time."""
    return stack.versions()


def _account(service: Emulator, jobs: int, data: Path) -> list[str]:
    """Train jobs, each with another file, and return the ids of the jobs and files."""
    content, headers = data.read_bytes(), {"authorization": f"Bearer {API_KEY}"}
    ids = []
    with httpx.Client(base_url=service.url, headers=headers, timeout=60) as client:
        for number in range(jobs):
            form: dict[str, Any] = {"files": {"file": (f"chats-{number}.jsonl", content)}}
            file = client.post("/files", data={"purpose": "fine-tune"}, **form).raise_for_status().json()
            request = {"model": MODEL, "training_file": file["id"], "suffix": f"team-{number}"}
            job = client.post("/fine_tuning/jobs", json=request).raise_for_status().json()
            client.get(f"/fine_tuning/jobs/{job['id']}").raise_for_status()  # ends the job
            ids += [file["id"], job["id"]]
    return ids


@dataclass
class _Imports:
    """Imports of an account.

    Attributes:
        service: The service.
        ids: Ids of its objects.
        folder: Folder of the stacks, one for each import.
        options: Options that select the resources.
    """

    service: Emulator
    ids: list[str]
    folder: Path
    options: tuple[str, ...]

    def __post_init__(self) -> None:
        self._numbers = count(1)

    def ours(self) -> Taken:
        """Import with `openai-ft import run`."""
        made = self._stack()
        plan = made.openai_ft("import", "plan", "--output", LIST, *self.options)
        before = self._last_request()
        done = made.openai_ft("import", "run", *self.options)
        requests = self._most_requests(before)
        self._use_program(made)
        preview = made.openai_ft("import", "run", *self.options)
        return Taken(done.seconds, done.cpu_seconds, plan.seconds, preview.seconds, requests)

    def peer(self) -> Taken:
        """Import with the command that `openai-ft import plan` prints, without its preview."""
        made = self._stack()
        made.openai_ft("import", "plan", "--output", LIST, *self.options)
        before = self._last_request()
        done = made.pulumi("import", "--file", LIST, "--out", f"{MODULE}.py", "--yes", "--skip-preview")
        requests = self._most_requests(before)
        self._use_program(made)
        preview = made.pulumi("preview", "--expect-no-changes")
        return Taken(done.seconds, done.cpu_seconds, 0.0, preview.seconds, requests)

    def _stack(self) -> Stack:
        folder = self.folder / str(next(self._numbers))
        folder.mkdir(parents=True)
        return Stack.of("account", folder, settings(self.service.url), on_our_host=True)

    def _use_program(self, made: Stack) -> None:
        made.expect(len(self.ids) if WITH_FILES in self.options else len(self.ids) // 2)
        (made.folder / "__main__.py").write_text(f"import {MODULE}\n")

    def _last_request(self) -> int:
        return self.service.journal()[-1].number

    def _most_requests(self, before: int) -> int:
        objects = Counter(
            part for entry in self.service.journal(after=before) for part in entry.path.split("/")
        )
        return max(objects[id_] for id_ in self.ids)


def _measured(variant: str, imports: _Imports, plan: Plan) -> list[Series]:
    jobs = plan.sizes[-1]
    taken = in_turns(
        {OURS: imports.ours, PEER: imports.peer},
        plan.runs,
        lambda step: plan.on_step(f"{jobs} {variant}, {step}"),
    )
    return [
        Series(
            f"{name}, {variant}",
            unit,
            OURS,
            PEER,
            (Point(jobs, _samples(taken[OURS], package), _samples(taken[PEER], baseline)),),
            at_most=at_most,
        )
        for name, unit, package, baseline, at_most in MEASUREMENTS
    ]


def _samples(taken: list[Taken], field: str) -> tuple[float, ...]:
    return tuple(getattr(one, field) for one in taken)

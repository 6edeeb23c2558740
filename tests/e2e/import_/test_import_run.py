"""`openai-ft import plan` and `openai-ft import run` with the real engine."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import pytest
from tests.cli.imports.test_program_source import calls
from tests.e2e.conftest import CommandResult
from tests.e2e.import_.importing import state, write
from tests.e2e.running import stack_pids, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.conftest import Stack
    from tests.e2e.import_.importing import Account

pytestmark = pytest.mark.e2e

OPENAI_FT = Path(sys.executable).with_name("openai-ft")
MODULE, LINE = "imported_resources.py", "import imported_resources\n"
ODD_TEXTS = [
    "${a}", "%{if}", 'quo"te', "it's", "new\nline", "back\\slash", "✓é", "'''", '"""', "$${x}", "\t{x}", "a\r\nb", "\u2028",
]  # fmt: skip
HARD_SUFFIXES = [
    "null",
    "for",
    "range",
    "pulumi",
    "list",
    "2024",
    "a-file",
    "self",
    "print",
    "support",
    "support",
]


def openai_ft(stack: Stack, *arguments: str, code: int | None = 0) -> CommandResult:
    """Run a command in the folder of the stack, and assert its exit code."""
    done = subprocess.run(
        [OPENAI_FT, *arguments],
        cwd=stack.folder,
        env=stack.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    assert code is None or done.returncode == code, done.stdout
    return CommandResult(done.returncode, done.stdout)


def imported_ids(stack: Stack) -> Counter[str]:
    return Counter(entry["id"] for entry in state(stack).values())


@pytest.mark.core
def test_an_account_becomes_a_program_without_changes(stack: Stack, account: Account) -> None:
    data = account.upload("chats.jsonl")
    jobs = [
        account.train(data, suffix="support", metadata={f"key {n}": text}) for n, text in enumerate(ODD_TEXTS)
    ]
    account.share(jobs[0].fine_tuned_model, "proj_a", "proj_b")
    before = account.last_request()

    first = openai_ft(stack, "import", "run", "--with-files", "--with-permissions")

    assert "Imported 1 file, 13 jobs, 1 permission; wrote their program" in first.text
    assert "it would delete them, and they are protected" in first.text
    assert imported_ids(stack) == Counter([data, *(job.id for job in jobs), jobs[0].fine_tuned_model])
    assert all(entry["protect"] for entry in state(stack).values())
    assert (stack.folder / MODULE).read_text().count("training_file=chats_file,") == len(jobs)
    assert account.changing_requests(before) == []
    requests = Counter(entry.path.split("/", 2)[2] for entry in account.service.journal(after=before))
    assert max(requests[f"fine_tuning/jobs/{job.id}"] for job in jobs) == 1
    assert requests[f"files/{data}"] + requests[f"files/{data}/content"] == 2

    assert "import imported_resources" in openai_ft(stack, "import", "run", code=1).text
    write(stack, LINE)
    checked = openai_ft(stack, "import", "run", "--with-files", "--with-permissions")
    assert "Nothing to import: the stack already manages 15 resources." in checked.text
    assert "15 unchanged" in checked.text or "16 unchanged" in checked.text
    stack.up("--expect-no-changes")


def test_pulumi_generates_a_program_from_a_plan(stack: Stack, account: Account) -> None:
    data = account.upload("chats.jsonl")
    for suffix in HARD_SUFFIXES:
        account.train(data, suffix=suffix)

    planned = openai_ft(stack, "import", "plan", "--with-files")

    assert "Listed 1 file, 11 jobs in import.json." in planned.text
    (command,) = (line.strip() for line in planned.text.splitlines() if line.startswith("   pulumi import"))
    stack.pulumi(*shlex.split(command)[1:], "--yes", "--skip-preview")
    write(stack, LINE)
    stack.preview("--expect-no-changes")


@pytest.mark.long
def test_without_the_program_an_update_fails_and_deletes_nothing(stack: Stack, account: Account) -> None:
    job = account.train(account.upload())
    openai_ft(stack, "import", "run", "--with-files")

    failed = stack.up(code=1)

    assert "because it is protected" in failed.text
    assert job.id in imported_ids(stack)
    assert account.changing_requests(account.last_request() - 1) == []


def test_an_unreadable_resource_does_not_stop_the_others(stack: Stack, account: Account) -> None:
    data = account.upload()
    jobs = [account.train(data, suffix=f"s-{n}").id for n in range(3)]
    account.service.fault("GET", f"/v1/fine_tuning/jobs/{jobs[1]}", "status", times=None, status=404)

    failed = openai_ft(stack, "import", "run", code=1)

    assert "s_1" in failed.text
    assert "not imported: 1 resource;" in failed.text
    assert imported_ids(stack) == Counter([jobs[0], jobs[2]])
    account.service.clear_faults()
    openai_ft(stack, "import", "run")
    write(stack, f"{LINE}import imported_resources_2\n")
    openai_ft(stack, "import", "run")
    assert imported_ids(stack) == Counter(jobs)


@pytest.fixture
def slow_job(account: Account) -> Iterator[list[str]]:
    """Create jobs, the last of which the service does not return."""
    data = account.upload()
    jobs = [account.train(data, suffix=f"s-{n}").id for n in range(4)]
    account.service.fault("GET", f"/v1/fine_tuning/jobs/{jobs[3]}", "hang", times=None, seconds=60)
    yield jobs
    account.service.clear_faults()


def started_import(stack: Stack, jobs: list[str]) -> subprocess.Popen[str]:
    """Start an import, and wait until only the last job is missing."""
    process = subprocess.Popen(
        [OPENAI_FT, "import", "run"],
        cwd=stack.folder,
        env=stack.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        process_group=0,
    )
    wait_until(lambda: imported_ids(stack) == Counter(jobs[:3]))
    return process


def test_an_interrupted_import_continues(stack: Stack, account: Account, slow_job: list[str]) -> None:
    process = started_import(stack, slow_job)

    os.killpg(process.pid, signal.SIGINT)

    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130, output
    assert "run the command again to import the rest" in output
    assert not (stack.folder / MODULE).exists()
    account.service.clear_faults()
    assert "continuing an interrupted run, which imported 3 jobs" in openai_ft(stack, "import", "run").text
    assert imported_ids(stack) == Counter(slow_job)
    write(stack, LINE)
    openai_ft(stack, "import", "run")


@pytest.mark.long
def test_a_killed_import_continues(stack: Stack, account: Account, slow_job: list[str]) -> None:
    process = started_import(stack, slow_job)
    process.kill()
    process.communicate()
    assert "locked" in openai_ft(stack, "import", "run", code=1).text
    account.service.clear_faults()

    wait_until(lambda: imported_ids(stack) == Counter(slow_job))
    wait_until(lambda: openai_ft(stack, "import", "run", code=None).text.count("wrote their program"))

    write(stack, f"{LINE}import imported_resources_2\n")
    openai_ft(stack, "import", "run")
    assert imported_ids(stack) == Counter(slow_job)


def test_a_damaged_state_is_reported_with_its_repair(stack: Stack, account: Account) -> None:
    for attributes in (stack.folder.parent / "state").rglob("*.json.attrs"):
        attributes.write_bytes(b"")

    failed = openai_ft(stack, "import", "run", code=1)

    assert "failed to load checkpoint: EOF; the engine was killed" in failed.text
    assert "delete the empty .attrs file" in failed.text
    stack.unlock()
    openai_ft(stack, "import", "run")
    assert account.service.jobs() == []


MANY = 30
KILLS = 3


def kill_import_at_random(stack: Stack, account: Account, moments: Random, *, with_engine: bool) -> None:
    """Start an import, and kill it at a random moment, with or without the processes that it started."""
    before, reads = account.last_request(), moments.randrange(2 * MANY)
    process = subprocess.Popen(
        [OPENAI_FT, "import", "run", "--with-files"],
        cwd=stack.folder,
        env=stack.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_until(
        lambda: (
            process.poll() is not None or len(account.service.journal(after=before, path="/v1/*/*-*")) > reads
        )
    )
    time.sleep(moments.uniform(0, 0.2))
    process.kill()
    for pid in stack_pids(stack) if with_engine else ():
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait()
    if with_engine:
        stack.unlock()


def import_rest(stack: Stack) -> str:
    """Import until nothing is left, as the messages recommend, and return the output of the last command."""
    wait_until(lambda: not stack_pids(stack))
    for _ in range(5):
        write(stack, "".join(f"import {file.stem}\n" for file in stack.folder.glob("imported_*.py")))
        done = openai_ft(stack, "import", "run", "--with-files", code=None)
        if done.code == 0 and "Nothing to import" in done.text:
            return done.text
    raise AssertionError(done.text)


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("with_engine", [False, True], ids=["command", "command and engine"])
@pytest.mark.parametrize("seed", range(3))
def test_an_import_killed_at_any_moment_is_completed(
    stack: Stack, account: Account, seed: int, *, with_engine: bool
) -> None:
    data = [account.upload(f"chats {number}.jsonl") for number in range(MANY)]
    jobs = [account.train(file, suffix=f"team-{number}").id for number, file in enumerate(data)]
    before, moments = account.last_request(), Random(f"{seed} {with_engine}")  # noqa: S311 - repeatable

    for _ in range(KILLS):
        kill_import_at_random(stack, account, moments, with_engine=with_engine)
    import_rest(stack)

    assert imported_ids(stack) == Counter([*data, *jobs])
    declared = [line for file in stack.folder.glob("imported_*.py") for line in calls(file.read_text())]
    assert Counter(kind for kind, *_ in declared) == {"File": MANY, "FineTuningJob": MANY}
    assert account.changing_requests(before) == []

"""A preview only reads from the service, and shows all known outputs to the program and to dependents."""

from __future__ import annotations

import hashlib
import json
import re
from collections import defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from tests.e2e.conftest import ON_BOTH_HOSTS
from tests.e2e.running import freeze_jobs, resources, with_data
from tests.support import write_training_data

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.conftest import Stack

    from pulumi_openai_ft.emulator import Emulator

pytestmark = pytest.mark.e2e
OUTCOME = {
    "status",
    "fine_tuned_model",
    "finished_at",
    "trained_tokens",
    "result_files",
    "error",
    "first_valid_loss",
    "best_valid_loss",
    "final_valid_loss",
}
KNOWN = "known in the program: "
HEADER = """
import json
import re
import os
import pulumi
import pulumi_openai_ft as ft

data = ft.File("data", file="data.jsonl")
job = ft.FineTuningJob("job", model="gpt-4o-mini-2024-07-18", training_file=data, **eval(os.environ["MORE"]))
known = {"data": data, "job": job}
"""
PERMISSION = """
known["share"] = ft.FineTuningCheckpointPermission(
    "share", checkpoint_id=job.fine_tuned_model, project_ids=os.environ["PROJECTS"].split())
"""
REPORTING = f"""
def report(*output):
    pulumi.info("{KNOWN}" + json.dumps(output))

for name, resource in known.items():
    for output in ["id", *type(resource).__annotations__]:
        getattr(resource, output).apply(lambda value, name=name, output=output: report(name, output, value))
"""
PROGRAM = HEADER + PERMISSION + REPORTING


class Preview(NamedTuple):
    """The operations of a preview on changed resources, and the known outputs."""

    operations: dict[str, str]
    known: dict[str, dict[str, Any]]


def preview(stack: Stack) -> Preview:
    found = json.loads(stack.preview("--json").text)
    operations = {
        step["urn"].rsplit("::", 1)[1]: step["op"] for step in found["steps"] if step["op"] != "same"
    }
    known: defaultdict[str, dict[str, Any]] = defaultdict(dict)
    for diagnostic in found["diagnostics"]:
        _, is_known, reported = diagnostic["message"].partition(KNOWN)
        if is_known:
            name, output, value = json.loads(reported)
            known[name][output] = value
    return Preview(operations, known)


@pytest.fixture
def stack(make_stack: Callable[..., Stack]) -> Stack:
    return with_data(make_stack(PROGRAM, MORE="{}", PROJECTS="proj_b proj_c"))


def outputs(stack: Stack, name: str) -> dict[str, Any]:
    """Return the id and the public outputs of a resource in the state."""
    found = resources(stack)[name]
    return {"id": found["id"], **{k: v for k, v in found["outputs"].items() if not k.startswith("__")}}


def changing_requests(service: Emulator) -> list[str]:
    """Return the requests so far that were not reads."""
    return [f"{entry.method} {entry.path}" for entry in service.journal() if entry.method != "GET"]


def sha256(stack: Stack) -> str:
    return hashlib.sha256((stack.folder / "data.jsonl").read_bytes()).hexdigest()


@pytest.mark.core
def test_new_resources_show_all_values_known_before_creation(stack: Stack, service: Emulator) -> None:
    _, known = preview(stack)

    assert changing_requests(service) == []
    data = known["data"]
    assert data.keys() == {"filename", "purpose", "sha256", "bytes", "example_count", "token_count"}
    assert data["example_count"] == 12
    assert (data["sha256"], data["purpose"]) == (sha256(stack), "fine-tune")
    assert data["bytes"] == (stack.folder / "data.jsonl").stat().st_size
    assert known["job"]["estimated_tokens"] > data["token_count"] > 0
    assert known["job"]["estimated_cost_usd"] > 0
    assert known["job"]["base_url"] == service.url
    assert not known["job"].keys() & {"id", "model", "seed", "method", "created_at", *OUTCOME}
    assert known["share"] == {"project_ids": ["proj_b", "proj_c"]}

    stack.up()
    assert {name: value for name, value in outputs(stack, "data").items() if name in data} == data
    job = outputs(stack, "job")
    estimated = ("estimated_tokens", "estimated_cost_usd")
    assert [job[name] for name in estimated] == [known["job"][name] for name in estimated]


def test_the_price_is_shown_only_before_creating_a_job(stack: Stack) -> None:
    price = re.compile(r"trains about [\d,]+ tokens \(8 epochs\), .* USD \(price of .*, an estimate\)")

    assert price.search(stack.preview().text)
    stack.up()
    assert not price.search(stack.preview().text)

    with_data(stack, rows=13)
    assert ": new content of 'data.jsonl' trains again, less than 0.01 USD" in stack.preview().text


def test_each_warning_is_printed_once_per_update(make_stack: Callable[..., Stack]) -> None:
    stack = with_data(
        make_stack(f"{HEADER}ft.FineTuningJob('other', model='gpt-4o-mini', training_file=data)", MORE="{}")
    )
    with (stack.folder / "data.jsonl").open("a") as data:
        data.write((stack.folder / "data.jsonl").read_text().splitlines()[0] + "\n")

    text = stack.pulumi("up", "--yes").text

    for warning in ("is identical to line 1", "OpenAI shuts down gpt-4o-mini-2024", "OpenAI accepts no new"):
        lines = [line for line in text.splitlines() if warning in line]
        assert len(lines) == 2, lines  # one in the preview, and one in the update
        assert len(set(lines)) == 1
        assert lines[0].lstrip().startswith("- ")


@pytest.mark.core
@ON_BOTH_HOSTS
def test_bad_rows_are_reported_by_line_before_any_create(
    make_stack: Callable[..., Stack], service: Emulator
) -> None:
    stack = with_data(make_stack(PROGRAM, MORE="{}", PROJECTS="proj_b"))
    with (stack.folder / "data.jsonl").open("a") as data:
        data.write('{"messages": "none"}\n')

    result = stack.preview(code=None)

    assert result.code != 0
    assert "file: 'data.jsonl': line 13: messages " in result.text
    assert "Traceback" not in result.text
    assert changing_requests(service) == []


@ON_BOTH_HOSTS
def test_a_too_small_file_is_reported_before_any_create(
    make_stack: Callable[..., Stack], service: Emulator
) -> None:
    stack = with_data(make_stack(PROGRAM, MORE="{}", PROJECTS="proj_b"), rows=9)

    result = stack.preview(code=None)

    assert result.code != 0
    assert "training_file: 'data.jsonl': the file has 9 examples; add examples" in result.text
    assert changing_requests(service) == []


def test_unchanged_outputs_stay_known_so_dependents_are_unaffected(stack: Stack, service: Emulator) -> None:
    stack.up()
    requests_before, job, share = changing_requests(service), outputs(stack, "job"), outputs(stack, "share")
    assert preview(stack).operations == {}

    stack.environment["MORE"] = '{"delete_model_on_destroy": True}'
    operations, known = preview(stack)

    assert operations == {"job": "update"}
    assert {name: value for name, value in known["job"].items() if value is not None} == {
        name: value for name, value in job.items() if name != "delete_model_on_destroy"
    }
    assert known["share"] == share

    stack.environment.update(MORE="{}", PROJECTS="proj_b proj_d")
    operations, known = preview(stack)

    assert operations == {"share": "update"}
    assert known["share"]["checkpoint_id"] == job["fine_tuned_model"]
    assert known["share"]["project_ids"] == ["proj_b", "proj_d"]

    write_training_data(stack.folder / "data.jsonl", answer="Under Account, then Security.")
    operations, known = preview(stack)

    assert operations == dict.fromkeys(("data", "job", "share"), "replace")
    assert known["data"]["sha256"] == sha256(stack)
    assert not known["job"].keys() & {"id", *OUTCOME}
    assert changing_requests(service) == requests_before


def test_only_the_outcome_of_an_unfinished_job_is_unknown(stack: Stack, service: Emulator) -> None:
    freeze_jobs(service)
    stack.environment["MORE"] = '{"wait_for_completion": False}'
    program = stack.folder / "__main__.py"
    program.write_text(HEADER)
    stack.up()
    requests_before, job = changing_requests(service), outputs(stack, "job")
    stack.environment["MORE"] = "{}"
    program.write_text(PROGRAM)

    operations, known = preview(stack)

    assert operations == {"job": "update", "share": "create"}
    assert {name: value for name, value in known["job"].items() if value is not None} == {
        name: value for name, value in job.items() if name not in {"wait_for_completion", *OUTCOME}
    }
    assert "checkpoint_id" not in known["share"]
    assert changing_requests(service) == requests_before

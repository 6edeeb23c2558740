"""`openai-ft report` and the metrics functions with a stack of the real engine."""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING, Any

import pytest
from tests.cli.report.conftest import _cached_vega_script, _vega_script  # noqa: F401 - fixtures
from tests.cli.report.support import Page
from tests.e2e.running import with_data
from tests.emulator.support import connect
from tests.support import write_training_data

from pulumi_openai_ft.cli.main import main

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.conftest import Stack

    from pulumi_openai_ft.emulator import Emulator

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("report")]

PROGRAM = """
import pulumi
import pulumi_openai_ft as ft

EPOCHS = {"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 8}}}
plain = ft.FineTuningJob(
    "plain",
    model="gpt-4o-mini",
    training_file=ft.File("data", file="data.jsonl"),
    suffix=pulumi.Output.secret("canary-suffix"),
    seed=pulumi.Output.secret(47114711),
    metadata={"team": "red", "customer": pulumi.Output.secret("canary-customer")},
)
checked = ft.FineTunedModel(
    "checked",
    model="gpt-4o-mini",
    training_file="data.jsonl",
    validation_file="checks.jsonl",
    method=EPOCHS,
    suffix="checked",
    use_checkpoint="best",
)
pulumi.export("steps", ft.get_fine_tuning_metrics_output(checked.job.id).metrics.apply(len))
best = ft.best_checkpoint_output(checked.job.id, by="full_valid_loss")
pulumi.export("best", best.fine_tuned_model_checkpoint)
pulumi.export("published", checked.fine_tuned_model)
"""
KEY_IN_STATE = "sk-proj-canary-of-the-state"
SECRETS = ("canary-suffix", "canary-customer", "47114711", KEY_IN_STATE)


@pytest.fixture
def stack(make_stack: Callable[..., Stack], monkeypatch: pytest.MonkeyPatch) -> Stack:
    """A stack with a secret key, on a file backend with a passphrase, that commands in this process use."""
    made = with_data(make_stack(PROGRAM, OPENAI_API_KEY=None))
    write_training_data(made.folder / "checks.jsonl", answer="Ask the support.")
    made.pulumi("config", "set", "--secret", "openai-ft:apiKey", KEY_IN_STATE)
    for name, value in made.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(made.folder)
    return made


def test_resources_of_a_stack_are_reported(
    stack: Stack, service: Emulator, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    stack.up()
    jobs = {job["validation_file"] is not None: job for job in service.jobs()}
    names = ["report.html", "report.csv", "report.png"]

    assert main(["report", "plain", "checked", *(f"--output={name}" for name in names)]) == 0

    html, table, picture = (stack.folder.joinpath(name).read_bytes() for name in names)
    printed = b"".join(capfdbinary.readouterr())
    assert "canary-suffix" in jobs[False]["fine_tuned_model"]
    encrypted = re.findall(r'"ciphertext": "([^"]+)"', stack.export())
    assert len(encrypted) > len(SECRETS)
    hidden = [value.encode() for value in (*SECRETS, *encrypted)]
    assert [value for value in hidden if value in html + table + picture + printed] == []
    assert picture.startswith(b"\x89PNG")
    page = Page(html.decode())
    labels = {jobs[False]["id"]: jobs[False]["id"], jobs[True]["id"]: "checked"}
    steps = {job_id: steps_of(service, job_id) for job_id in labels}
    assert {curve["job"]: curve["step"] for curve in page.curves("loss") if curve["split"] == "training"} == {
        label: steps[job_id] for job_id, label in labels.items()
    }
    assert {curve["job"] for curve in page.curves("loss") if curve["split"] != "training"} == {"checked"}
    rows = list(csv.DictReader(io.StringIO(table.decode())))
    assert [(row["job"], int(row["step"])) for row in rows] == [
        (job_id, step) for job_id in labels for step in steps[job_id]
    ]
    assert "[secret]" in page.texts[page.texts.index("customer") :][:4]
    assert any("(from the stack's state)" in text for text in page.texts)

    assert main(["watch", "checked"]) == 0
    assert main(["events", "plain"]) == 0
    watched = capfdbinary.readouterr().out.decode()
    assert f"job {jobs[True]['id']} created model {jobs[True]['fine_tuned_model']}" in watched
    assert f"Created fine-tuning job: {jobs[False]['id']}" in watched


@pytest.mark.long
def test_metrics_and_best_checkpoint_follow_the_job(stack: Stack, service: Emulator) -> None:
    stack.up()
    assert_published(stack, service)
    first = stack.outputs()

    write_training_data(stack.folder / "data.jsonl", rows=20)
    stack.up()
    assert_published(stack, service)
    assert {name for name, value in stack.outputs().items() if value != first[name]} == {*first}
    stack.preview("--expect-no-changes")


def assert_published(stack: Stack, service: Emulator) -> None:
    """Check that the stack's outputs are those of the newest job with a validation file."""
    job = [job for job in service.jobs() if job["validation_file"]][-1]
    with connect(service) as api:
        checkpoints = api.checkpoints(job["id"])
    best = min(checkpoints, key=lambda found: found["metrics"]["full_valid_loss"])
    name = best["fine_tuned_model_checkpoint"]
    assert name != job["fine_tuned_model"]
    assert stack.outputs() == {"steps": len(steps_of(service, job["id"])), "best": name, "published": name}


def steps_of(service: Emulator, job_id: str) -> list[int]:
    """Return the steps of a job that its events report."""
    with connect(service) as api:
        events: list[dict[str, Any]] = []
        while page := api.events(job_id, limit=100, **({"after": events[-1]["id"]} if events else {})):
            events += page
    return sorted(event["data"]["step"] for event in events if event["type"] == "metrics")

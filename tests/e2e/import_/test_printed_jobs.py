"""The printed program matches the job for any texts, services and owners."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.e2e.import_.importing import (
    CODE,
    JOB,
    MODEL,
    hidden_properties,
    import_one,
    printed_program,
    replacement_reasons,
    rows_of,
    run_printed_program,
    set_config,
    state,
    supervised,
    tuned,
    write,
)

if TYPE_CHECKING:
    from tests.e2e.conftest import Stack
    from tests.e2e.import_.importing import Account

pytestmark = [pytest.mark.e2e, pytest.mark.long]

SOURCE = r'''import re

def grade(sample, item):
    """Is "it" so?"""
    return float(bool(re.match(r"^\d+\\$", '1')))  # \n, {x}, ${y}, "so"'''
HARD_TO_PRINT = {
    "quotes": 'one "\ntwo """\n\'three\'\'\'\n"four"',
    "backslashes": "\\\n\\\\d\\n\n\\",
    "controls": "\r\n\t\x00\x7f\x85\n\u2028\ufeff\U0000ffff",
    "templates": "${x} %{y}\n$${z} {{sample.output_text}}\n%s",
    "one line": '\\ """ \' \t é 🎉 ${x}',
    "lines at the ends": "\n\\\n",
    'key\nof "two" \\ lines': "",
}


@pytest.mark.usefixtures("_every_method")
def test_quotes_backslashes_and_control_characters_are_printed_correctly(
    stack: Stack, account: Account
) -> None:
    content = rows_of("reinforcement")
    job = account.train(
        account.upload(content=content),
        validation_file=account.upload("checks.jsonl", content),
        model="o4-mini",
        method=tuned("reinforcement", grader={**CODE, "source": SOURCE}),
        metadata=HARD_TO_PRINT,
    )

    import_one(stack, JOB, "job", job.id, "--skip-preview", "--protect=false")
    run_printed_program(stack)
    stack.up("--expect-no-changes")

    # the first `up` records the inputs of the program in the state
    inputs = state(stack)["job"]["inputs"]
    assert inputs["method"]["reinforcement"]["grader"]["source"] == SOURCE
    assert inputs["metadata"] == HARD_TO_PRINT


LORA = {"n_epochs": 2, "lora": True, "lora_r": 8, "packing": False, "context_length": 8192}


def test_hyperparameters_of_the_service_are_printed_without_differences(
    stack: Stack, account: Account
) -> None:
    account.service.settings.mode = "gateway"
    job = account.train(account.upload(), extra_body={"method": supervised(**LORA)})
    set_config(stack, service="nebius")

    import_one(stack, JOB, "job", job.id, "--skip-preview", "--protect=false")

    assert '"lora": True' in printed_program(stack)
    named = state(stack)["job"]["inputs"]["method"]["supervised"]["hyperparameters"]
    assert LORA.items() <= named.items()
    run_printed_program(stack)
    changed = printed_program(stack).replace('"lora_r": 8', '"lora_r": 16')
    write(stack, changed)
    assert replacement_reasons(stack) == {"method.supervised.hyperparameters.lora_r": "update-replace"}
    assert len(account.service.jobs()) == 1


def test_an_import_omits_another_stacks_idempotency_key(stack: Stack, account: Account) -> None:
    """The job was created by a stack whose state is lost, or moves to another stack."""
    file = account.upload()
    write(
        stack,
        f'import pulumi_openai_ft as ft\n\nft.FineTuningJob("job", model={MODEL!r}, training_file={file!r}, '
        f'metadata={{"team": "shop"}})\n',
    )
    stack.up()
    (job,) = account.service.jobs()
    assert len(job["metadata"]) > 1
    stack.init("elsewhere")

    import_one(stack, JOB, "moved", job["id"], "--skip-preview", "--protect=false")

    found = state(stack)["moved"]
    assert found["inputs"]["metadata"] == found["outputs"]["metadata"] == {"team": "shop"}
    assert hidden_properties(found["inputs"]) == hidden_properties(found["outputs"]) == {"__provider"}
    run_printed_program(stack)
    stack.up("--expect-no-changes")
    assert len(account.service.jobs()) == 1

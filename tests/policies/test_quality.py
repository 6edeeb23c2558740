from __future__ import annotations

from typing import Any

import pytest
from tests.policies.harness import UNKNOWN, VALID, resource, stack_violations

from pulumi_openai_ft._shared.state_names import COMPONENT_TYPE, FILE_TYPE, JOB_TYPE, VALIDATION_LOSSES
from pulumi_openai_ft.policies.quality import QUALITY


def job(first: Any, best: Any, final: Any, **more: Any) -> dict[str, Any]:
    return {**VALID[JOB_TYPE], **dict(zip(VALIDATION_LOSSES, (first, best, final), strict=True)), **more}


def reports(first: Any, best: Any, final: Any, **config: Any) -> list[str]:
    found = stack_violations(QUALITY, resource(JOB_TYPE, job(first, best, final), "support"), config=config)
    return [sentence for _, sentence in found]


def test_a_loss_that_ends_above_its_best_is_reported() -> None:
    (sentence,) = reports(1.2, 0.8, 0.92)

    assert sentence == (
        "final_valid_loss: the validation loss ended at 0.92, 15% above its best of 0.8: the job overfitted: train fewer "
        "epochs, add examples, or publish the best checkpoint (use_checkpoint of FineTunedModel)"
    )


def test_a_loss_that_rises_from_the_start_is_reported() -> None:
    (sentence,) = reports(0.8, 0.8, 0.85)

    assert sentence.startswith(
        "final_valid_loss: the validation loss rose from 0.8 after the first epoch to 0.85: the job overfitted from the "
        "start: train fewer epochs"
    )


@pytest.mark.parametrize(
    "losses",
    [
        (1.2, 0.8, 0.8),
        (1.2, 0.8, 0.87),
        (0.8, 0.8, 0.8),
        (0.8, 0.8, 0.805),
        (None, None, None),
        (UNKNOWN, UNKNOWN, UNKNOWN),
        (0.0, 0.0, 0.5),
    ],
    ids=repr,
)
def test_other_jobs_are_fine(losses: tuple[Any, Any, Any]) -> None:
    assert reports(*losses) == []


@pytest.mark.parametrize(("percent", "count"), [(0, 1), (4, 1), (5, 0), (6, 0), (100, 0)])
def test_the_limit_is_configurable(percent: int, count: int) -> None:
    assert len(reports(2.0, 1.0, 1.05 - 1e-9, max_increase_percent=percent)) == count


def test_other_resources_and_exempt_jobs_pass() -> None:
    worse = resource(JOB_TYPE, job(1.2, 0.8, 2.0), "support")
    file = resource(FILE_TYPE, VALID[FILE_TYPE], "data")

    assert len(stack_violations(QUALITY, worse, file)) == 1
    assert stack_violations(QUALITY, worse, file, config={"exempt": ["support"]}) == []


@pytest.mark.parametrize(
    ("published", "count"), [("ft:m:o::last", 1), ("ft:m:o::best:ckpt-step-3", 0), (None, 1), (UNKNOWN, 1)]
)
def test_a_job_whose_earlier_checkpoint_is_published_passes(published: Any, count: int) -> None:
    component = resource(COMPONENT_TYPE, {"fine_tuned_model": published}, "support")
    child = resource(
        f"{COMPONENT_TYPE}${JOB_TYPE}", job(1.2, 0.8, 2.0, fine_tuned_model="ft:m:o::last"), "support"
    )
    child.resource_type = JOB_TYPE

    assert len(stack_violations(QUALITY, component, child)) == count

"""Each object of the API with each field as services return it: null, missing, of another type, and unknown fields."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from pulumi_openai_ft._client.objects import (
    Checkpoint,
    Event,
    FileObject,
    Job,
    JobError,
    LenientObject,
    Model,
    Part,
    Permission,
    Upload,
)

NOW = 1_790_000_000
FILE = {
    "id": "file-1",
    "object": "file",
    "filename": "a.jsonl",
    "purpose": "fine-tune",
    "bytes": 12,
    "created_at": NOW,
    "expires_at": NOW + 3600,
    "status": "error",
    "status_details": "invalid",
}
COMPLETE: dict[type[LenientObject], dict[str, Any]] = {
    FileObject: FILE,
    Upload: {
        "id": "upload_1",
        "object": "upload",
        "status": "completed",
        "expires_at": NOW,
        "file": FILE,
    },
    Part: {"id": "part_1", "object": "upload.part"},
    Job: {
        "id": "ftjob-1",
        "object": "fine_tuning.job",
        "status": "failed",
        "model": "gpt-4.1-mini-2025-04-14",
        "created_at": NOW,
        "finished_at": NOW + 1,
        "estimated_finish": NOW + 2,
        "organization_id": "org-1",
        "training_file": "file-1",
        "validation_file": "file-2",
        "result_files": ["file-3"],
        "fine_tuned_model": "ft:m:o::x",
        "trained_tokens": 100,
        "hyperparameters": {"n_epochs": 3},
        "method": {"type": "dpo", "dpo": {"hyperparameters": {"beta": 0.1}}},
        "integrations": [{"type": "wandb", "wandb": {"project": "p"}}],
        "metadata": {"team": "red"},
        "seed": 7,
        "user_provided_suffix": "s",
        "error": {"code": "invalid", "message": "no", "param": "training_file"},
        "eval_id": "eval_1",
        "shared_with_openai": False,
        "usage_metrics": {"a": 1},
    },
    JobError: {"code": "invalid", "message": "no", "param": "training_file"},
    Event: {
        "id": "ftevent-1",
        "object": "fine_tuning.job.event",
        "created_at": NOW,
        "level": "warn",
        "message": "Step 1",
        "type": "metrics",
        "data": {"step": 1},
    },
    Checkpoint: {
        "id": "ftckpt_1",
        "object": "fine_tuning.job.checkpoint",
        "created_at": NOW,
        "fine_tuned_model_checkpoint": "ft:m:o::x:ckpt-step-1",
        "fine_tuning_job_id": "ftjob-1",
        "step_number": 1,
        "metrics": {"train_loss": 0.5},
    },
    Permission: {"id": "cp_1", "object": "checkpoint.permission", "created_at": NOW, "project_id": "proj_a"},
    Model: {
        "id": "m",
        "object": "model",
        "created": NOW,
        "owned_by": "system",
        "shutdown_date": "2027-01-01",
    },
}
REQUIRED = {(kind, "id"): True for kind in COMPLETE if kind is not JobError} | {
    (Checkpoint, "fine_tuned_model_checkpoint"): True,
    (Permission, "project_id"): True,
}
"""The only fields whose absence makes an object unreadable."""
OTHER_TYPES: list[Any] = [
    "odd",
    "",
    7,
    -1,
    1.5,
    1e300,
    True,
    [],
    [None],
    ["odd", 7, {"odd": []}],
    {},
    {"odd": {"odd": None}},
    {"id": ["odd"]},
    {"type": 7},
]
FIELDS = [
    pytest.param(kind, name, id=f"{kind.__name__}.{name}") for kind in COMPLETE for name in kind.model_fields
]


def others(found: LenientObject, name: str) -> dict[str, Any]:
    """All values but the one of a field."""
    return {key: value for key, value in found.model_dump().items() if key != name}


def is_id(value: Any, name: str) -> bool:
    """Whether a value can be read as that required field: numbers are ids, too."""
    return (value != "" or name != "id") and (isinstance(value, str) or (name == "id" and type(value) is int))


def test_samples_have_every_field() -> None:
    for kind, sample in COMPLETE.items():
        assert sample.keys() == kind.model_fields.keys(), kind
        assert kind.model_validate(sample).unreadable == frozenset()


@pytest.mark.parametrize(("kind", "name"), FIELDS)
@pytest.mark.parametrize("is_null", [True, False], ids=["null", "missing"])
def test_null_and_missing_fields_are_equal(kind: type[LenientObject], name: str, *, is_null: bool) -> None:
    without = {key: value for key, value in COMPLETE[kind].items() if key != name}
    raw = {**without, name: None} if is_null else without

    if (kind, name) in REQUIRED:
        with pytest.raises(ValidationError, match="Field required"):
            kind.model_validate(raw)
        return
    found = kind.model_validate(raw)

    assert getattr(found, name) == kind.model_fields[name].get_default(call_default_factory=True)
    assert others(found, name) == others(kind.model_validate(COMPLETE[kind]), name)
    assert (name in found.model_fields_set, found.unreadable) == (False, frozenset())


@pytest.mark.parametrize(("kind", "name"), FIELDS)
def test_other_type_changes_no_other_field(kind: type[LenientObject], name: str) -> None:
    complete = kind.model_validate(COMPLETE[kind])
    for odd in OTHER_TYPES:
        raw = {**COMPLETE[kind], name: odd}
        if (kind, name) in REQUIRED and not is_id(odd, name):
            with pytest.raises(ValidationError, match=f"1 validation error for {kind.__name__}\n{name}\n"):
                kind.model_validate(raw)
            continue
        found = kind.model_validate(raw)

        annotation: Any = kind.model_fields[name].annotation
        TypeAdapter(annotation).validate_python(getattr(found, name))
        assert others(found, name) == others(complete, name), odd
        assert name in found.model_fields_set or found.unreadable == {name}, odd


@pytest.mark.parametrize("kind", COMPLETE)
@pytest.mark.parametrize("unknown", [None, 1, "odd", [None], {"odd": None}], ids=repr)
def test_unknown_fields_are_kept(kind: type[LenientObject], unknown: Any) -> None:
    found = kind.model_validate({**COMPLETE[kind], "brand_new": unknown})

    assert found.model_dump()["brand_new"] == unknown
    assert others(found, "brand_new") == kind.model_validate(COMPLETE[kind]).model_dump()


@pytest.mark.parametrize("kind", COMPLETE)
def test_object_with_only_required_fields_is_read(kind: type[LenientObject]) -> None:
    needed = {name: COMPLETE[kind][name] for name in kind.model_fields if (kind, name) in REQUIRED}

    found = kind.model_validate({**dict.fromkeys(kind.model_fields), **needed})

    assert found.model_fields_set == needed.keys()


@pytest.mark.parametrize(
    ("kind", "name", "given", "read"),
    [
        (Job, "created_at", 1790000000.9, NOW),
        (Job, "created_at", "1790000000", NOW),
        (Job, "created_at", "2026-09-21T14:13:20Z", NOW),
        (Job, "created_at", "2026-09-21T16:13:20.5+02:00", NOW),
        (Job, "created_at", "2026-09-21T14:13:20", NOW),
        (Job, "created_at", "yesterday", None),
        (Job, "created_at", True, None),
        (Job, "created_at", -1, None),
        (Job, "created_at", 1e300, None),
        (FileObject, "expires_at", "2026-09-21T14:13:20Z", NOW),
        (FileObject, "bytes", 12.0, 12),
        (FileObject, "bytes", 12.5, None),
        (FileObject, "status_details", {"reason": "bad"}, '{"reason": "bad"}'),
        (Model, "created", "2026-09-21T14:13:20Z", NOW),
        (Event, "level", None, "info"),
        (Event, "message", None, ""),
        (Event, "message", 5, "5"),
        (Event, "data", "none", None),
        (Checkpoint, "metrics", None, {}),
        (
            Checkpoint,
            "metrics",
            {"step": 1, "loss": "0.5", "nested": {"a": 1}, "x": None},
            {"step": 1, "loss": 0.5},
        ),
        (
            Job,
            "metadata",
            {"n": 1, "f": 1.5, "b": True, "o": {"a": [1]}, "x": None},
            {"n": "1", "f": "1.5", "b": "true", "o": '{"a": [1]}'},
        ),
        (Job, "metadata", [], None),
        (Job, "result_files", None, []),
        (Job, "result_files", ["file-1", {"id": "file-2"}, None], ["file-1", "file-2"]),
        (Job, "training_file", {"id": "file-1", "bytes": 1}, "file-1"),
        (Job, "seed", 7.0, 7),
        (Job, "status", None, "unknown"),
        (Job, "id", 12, "12"),
        (JobError, "code", 400, "400"),
    ],
)
def test_other_forms_of_a_value_are_read(kind: type[LenientObject], name: str, given: Any, read: Any) -> None:
    assert getattr(kind.model_validate({**COMPLETE[kind], name: given}), name) == read


def test_error_of_a_job_may_be_text() -> None:
    found = Job.model_validate({**COMPLETE[Job], "error": "out of memory"})

    assert found.error
    assert (found.error.code, found.error.message) == (None, "out of memory")


@pytest.mark.parametrize("created", [None, "missing"])
def test_model_has_the_time_from_created_at(created: str | None) -> None:
    raw = {"id": "m", "created_at": NOW} | ({"created": None} if created is None else {})

    assert Model.model_validate(raw).created == NOW


@pytest.mark.parametrize("metadata", ["odd", ["odd"], 7])
def test_unreadable_metadata_is_not_missing_metadata(metadata: Any) -> None:
    found = Job.model_validate({**COMPLETE[Job], "metadata": metadata})

    assert found.metadata is None
    assert found.unreadable == {"metadata"}

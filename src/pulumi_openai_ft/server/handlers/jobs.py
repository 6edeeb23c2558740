from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from pulumi_openai_ft.server.errors import ApiError, invalid, invalid_file, no_such_job, no_such_model
from pulumi_openai_ft.server.handlers.files import find_file
from pulumi_openai_ft.server.ids import new_id
from pulumi_openai_ft.server.job_request import (
    check_job_request,
    ordered_method,
    own_method,
    refuse_fields,
    split_extras,
    with_hyperparameters,
)
from pulumi_openai_ft.server.lifecycle import TERMINAL
from pulumi_openai_ft.server.records import Job
from pulumi_openai_ft.server.serializers import checkpoint_body, event_body, job_body, list_body
from pulumi_openai_ft.server.store import Condition, created_before, has_metadata, unknown_cursor

if TYPE_CHECKING:
    from collections.abc import Callable

    from pulumi_openai_ft.server.catalog import BaseModel
    from pulumi_openai_ft.server.request_context import ApiRequest, Json


def create_job(call: ApiRequest) -> Json:
    """POST /fine_tuning/jobs."""
    backend, rules = call.backend, call.backend.settings.rules
    _refuse_closed(call)
    own = own_method(call.body, rules)
    sent = {name: value for name, value in call.body.items() if name != "method"} if own else call.body
    body, extras = split_extras(sent, rules)
    refuse_fields(body, rules)
    check_job_request(body)
    for param in ("training_file", "validation_file"):  # the service checks them before the model
        if body.get(param) is not None:
            _check_training_file(call, body[param], param)
    model, base = _model(call, body["model"])
    method = own or with_hyperparameters(ordered_method(body), {**extras, **rules.own_hyperparameters})
    _refuse_untunable(call, body["model"], base, None if own else method["type"])
    job_id = new_id("ftjob-")
    seed = body.get("seed")
    job = Job(
        id=job_id,
        created_at=call.now,
        project=call.project,
        key=None if call.key is None else call.key.masked,
        model=model,
        base=base.id,
        training_file=body["training_file"],
        validation_file=body.get("validation_file"),
        method=method,
        seed=backend.job_seed() if seed is None else seed,
        suffix=body.get("suffix"),
        metadata=body.get("metadata") if rules.keeps_metadata else None,
        integrations=[_integration(requested, job_id) for requested in body.get("integrations") or []],
    )
    return job_body(backend.lifecycle.create(job), backend.settings)


def list_jobs(call: ApiRequest) -> Json:
    """GET /fine_tuning/jobs."""
    page = call.backend.store.jobs.page(
        {"project": call.project},
        *_metadata_filter(call),
        created_before(call.as_of),
        after=call.query("after"),
        limit=call.limit(20),
    )
    jobs = call.backend.lifecycle.advance(page.records)
    return list_body([job_body(job, call.backend.settings) for job in jobs], has_more=page.has_more)


def get_job(call: ApiRequest) -> Json:
    """GET /fine_tuning/jobs/{job_id}."""
    return job_body(_read(call), call.backend.settings)


def delete_job(call: ApiRequest) -> Response:
    """DELETE /fine_tuning/jobs/{job_id}, which only Azure has."""
    if not call.backend.settings.rules.deletes_jobs:
        raise ApiError(405, f"Not allowed: DELETE {call.request.url.path}")
    job = _read(call)
    if job.status not in TERMINAL:
        raise invalid(f"Job {job.id} is {job.status}; only a job that has ended can be deleted.")
    call.backend.store.jobs.delete(job, call.now)
    return Response(status_code=HTTPStatus.NO_CONTENT)


def cancel_job(call: ApiRequest) -> Json:
    """POST /fine_tuning/jobs/{job_id}/cancel."""
    return _command(call, call.backend.lifecycle.cancel)


def pause_job(call: ApiRequest) -> Json:
    """POST /fine_tuning/jobs/{job_id}/pause."""
    return _command(call, call.backend.lifecycle.pause)


def resume_job(call: ApiRequest) -> Json:
    """POST /fine_tuning/jobs/{job_id}/resume."""
    return _command(call, call.backend.lifecycle.resume)


def list_events(call: ApiRequest) -> Json:
    """GET /fine_tuning/jobs/{job_id}/events."""
    job = _read(call)
    lifecycle = call.backend.lifecycle
    events, has_more = lifecycle.history.page(
        job, lifecycle.order(job), after=call.query("after"), limit=call.limit(20), as_of=call.as_of
    )
    return list_body([event_body(event) for event in events], has_more=has_more)


def list_checkpoints(call: ApiRequest) -> Json:
    """GET /fine_tuning/jobs/{job_id}/checkpoints."""
    job = _read(call)
    checkpoints = call.backend.store.checkpoints.find({"job": job.id}, created_before(call.as_of))
    # a checkpoint from a pause may have a later step than checkpoints that the end of the job creates
    checkpoints.sort(key=lambda checkpoint: checkpoint.step, reverse=True)
    ids = [checkpoint.id for checkpoint in checkpoints]
    after, limit = call.query("after"), call.limit(10)
    if after is not None and after not in ids:
        raise unknown_cursor(after)
    start = 0 if after is None else ids.index(after) + 1
    data = [checkpoint_body(checkpoint) for checkpoint in checkpoints[start : start + limit]]
    return list_body(data, has_more=len(ids) > start + limit, ends=True)


def _find(call: ApiRequest) -> Job:
    job = call.backend.store.jobs.get(call.path("job_id"))
    if job is None or job.project != call.project:
        raise no_such_job(call.path("job_id"))
    return job


def _read(call: ApiRequest) -> Job:
    (job,) = call.backend.lifecycle.advance([_find(call)])
    return job


def _command(call: ApiRequest, command: Callable[[Job], Job]) -> Json:
    return job_body(command(_find(call)), call.backend.settings)


def _refuse_closed(call: ApiRequest) -> None:
    backend = call.backend
    if backend.settings.closed or backend.catalog.takes_no_jobs(backend.today):
        raise ApiError(
            403,
            "Fine-tuning is closed to this organization: it can no longer create fine-tuning jobs.",
            code="training_not_available",
        )


def _model(call: ApiRequest, name: str) -> tuple[str, BaseModel]:
    """Return the dated id for a model's name, and its base model."""
    catalog = call.backend.catalog
    if (base := catalog.find(name)) is not None:
        return base.id, base
    call.backend.lifecycle.advance_live()
    checkpoint = call.backend.checkpoint(name)
    base = None if checkpoint is None else catalog.find(checkpoint.base)
    if checkpoint is None or base is None or checkpoint.project != call.project:
        raise no_such_model(name)
    return name, base


def _refuse_untunable(call: ApiRequest, name: str, base: BaseModel, method: str | None) -> None:
    unavailable, today = f"Model {name} is not available for fine-tuning", call.backend.today
    if base.is_shut_down(today):
        message = f"{unavailable}: it was shut down on {base.shutdown_date}."
    elif base.takes_no_jobs(today):
        message = f"{unavailable}."
    elif method is not None and base.is_known_unsupported(method):
        message = f"{unavailable} with method {method}."
    else:
        return
    raise invalid(message, "model", "model_not_available")


def _check_training_file(call: ApiRequest, file_id: str, param: str) -> None:
    try:
        file = find_file(call.backend, call.project, file_id)
    except ApiError as error:
        raise invalid_file(file_id, param) from error
    if file.purpose != "fine-tune":
        raise invalid(
            f"File {file_id} has purpose '{file.purpose}', but '{param}' needs a file with purpose 'fine-tune'.",
            param,
        )
    if not call.backend.settings.is_processed(file.created_at, call.now):
        raise invalid(f"File {file_id} is still being processed and is not ready to be used.", param)


def _integration(requested: dict[str, Any], job_id: str) -> dict[str, Any]:
    shown = {"name": None, "entity": None, "tags": [], **requested["wandb"], "run_id": job_id}
    return {"type": requested["type"], "wandb": shown}


def _metadata_filter(call: ApiRequest) -> list[Condition]:
    if not call.backend.settings.rules.filters_by_metadata:
        return []
    conditions: list[Condition] = []
    for name, value in call.request.query_params.multi_items():
        if name == "metadata" and value == "null":
            conditions.append(("(metadata IS NULL OR metadata = '{}')", ()))
        elif name.startswith("metadata[") and name.endswith("]"):
            conditions.append(has_metadata(name[9:-1], value))
        elif name.startswith("metadata"):
            raise invalid(
                f"Invalid metadata filter '{name}={value}'; use metadata[key]=value or metadata=null.",
                "metadata",
            )
    return conditions

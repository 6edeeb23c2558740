from __future__ import annotations

from typing import TYPE_CHECKING

from pulumi_openai_ft.server.errors import ApiError, no_such_model
from pulumi_openai_ft.server.records import Model
from pulumi_openai_ft.server.serializers import base_model_body, deleted_body, model_body
from pulumi_openai_ft.server.store import DELETED, created_before

if TYPE_CHECKING:
    from pulumi_openai_ft.server.records import Checkpoint
    from pulumi_openai_ft.server.request_context import ApiRequest, Json


def list_models(call: ApiRequest) -> Json:
    """GET /models: return base models by all their names, and the fine-tuned models that the project may use."""
    backend = call.backend
    backend.lifecycle.advance_live()
    usable = _usable(call)
    base = [
        base_model_body(name, model, backend.settings)
        for model in backend.catalog.models
        for name in (model.id, *model.aliases)
    ]
    return {
        "object": "list",
        "data": [*base, *(model_body(model, backend.catalog, backend.settings) for model in usable)],
    }


def get_model(call: ApiRequest) -> Json:
    """GET /models/{model}."""
    name = call.path("model")
    if base := call.backend.catalog.find(name):
        return base_model_body(name, base, call.backend.settings)
    call.backend.lifecycle.advance_live()
    return model_body(_tuned(call, name), call.backend.catalog, call.backend.settings)


def delete_model(call: ApiRequest) -> Json:
    """DELETE /models/{model}: delete a fine-tuned model of the project."""
    name = call.path("model")
    if call.backend.catalog.find(name):
        raise ApiError(
            403, f"Model {name} cannot be deleted: it is not a fine-tuned model of yours.", param="model"
        )
    call.backend.lifecycle.advance_live()
    model = _tuned(call, name)
    if model.project != call.project:
        raise ApiError(403, f"Model {name} belongs to another project.", param="model")
    call.backend.lifecycle.delete_model(model)
    return deleted_body("model", name)


def _tuned(call: ApiRequest, name: str) -> Model:
    model = call.backend.store.models.get(name) or _checkpoint(call, name)
    if model is None or not _may_use(call, model):
        raise no_such_model(name)
    return model


def _checkpoint(call: ApiRequest, name: str) -> Model | None:
    checkpoint = call.backend.checkpoint(name) if call.backend.settings.rules.lists_checkpoints else None
    return None if checkpoint is None else _model_of(checkpoint)


def _usable(call: ApiRequest) -> list[Model]:
    """Return the fine-tuned models that the project may use, in a fixed number of queries."""
    if not call.backend.settings.rules.knows_tuned_models:
        return []
    permissions = call.backend.store.permissions.find({"project": call.project})
    granted = {permission.checkpoint for permission in permissions}
    return [model for model in _all_tuned(call) if model.project == call.project or model.id in granted]


def _all_tuned(call: ApiRequest) -> list[Model]:
    backend = call.backend
    models = backend.store.models.find({}, created_before(call.as_of))
    if not backend.settings.rules.lists_checkpoints:
        return models
    names = {model.id for model in models}
    names |= backend.store.models.ids(DELETED)
    checkpoints = backend.store.checkpoints.find({}, created_before(call.as_of))
    return models + [_model_of(found) for found in checkpoints if found.name not in names]


def _model_of(checkpoint: Checkpoint) -> Model:
    return Model(
        id=checkpoint.name,
        created_at=checkpoint.created_at,
        project=checkpoint.project,
        base=checkpoint.base,
        job=checkpoint.job,
    )


def _may_use(call: ApiRequest, model: Model) -> bool:
    if not call.backend.settings.rules.knows_tuned_models:
        return False
    return call.backend.may_use(model.id, model.project, call.project)

"""Services that the emulator can emulate, as data. Source: docs/openai-api.md#other-services."""

from __future__ import annotations

from pulumi_openai_ft.server.result_files import AZURE
from pulumi_openai_ft.server.rules import EVERYTHING, Rules

_GATEWAY_ABSENT = (
    "/v1/uploads*",
    "/v1/fine_tuning/jobs/*/events",
    "/v1/fine_tuning/jobs/*/checkpoints",
    "/v1/fine_tuning/jobs/*/pause",
    "/v1/fine_tuning/jobs/*/resume",
    "/v1/fine_tuning/checkpoints/*",
    "/v1/fine_tuning/alpha/*",
)
_GATEWAY_ANSWERS = {"_hidden_params": {"custom_llm_provider": "somebody"}, "response_cost": None}

MODES = {
    "openai": Rules(),
    "azure": Rules(
        service="azure",
        key_header="api-key",
        required_query="api-version",
        model_form="{base}.ft-{hex}{dashed_suffix}",
        checkpoint_prefix="ftchkpt-",
        statuses={"validating_files": "pending", "queued": "notRunning"},
        filters_by_metadata=False,
        body_fields=frozenset({"trainingType"}),
        omits_unfinished=True,
        undecided=-1,
        created_status=201,
        model_time="created_at",
        deletes_jobs=True,
        file_processing_seconds=0.5,
        unprocessed="pending",
        result_format=AZURE,
    ),
    "bedrock": Rules(
        absent=(
            "/v1/uploads*",
            "/v1/fine_tuning/jobs/*/pause",
            "/v1/fine_tuning/jobs/*/resume",
            "/v1/fine_tuning/checkpoints/*",
        ),
        refused_fields=frozenset({"suffix"}),
        takes_any_method=True,
    ),
    "nebius": Rules(
        absent=(
            "/v1/uploads*",
            "/v1/fine_tuning/jobs/*/pause",
            "/v1/fine_tuning/jobs/*/resume",
            "/v1/fine_tuning/checkpoints/*",
        ),
        keeps_metadata=False,
        filters_by_metadata=False,
        knows_tuned_models=False,
        takes_any_hyperparameter=True,
        hidden_fields=frozenset(
            {"eval_id", "fine_tuned_model", "method", "shared_with_openai", "usage_metrics"}
        ),
        renamed_fields={"user_provided_suffix": "suffix"},
        shows_all_hyperparameters=True,
        reports_invalid_requests_like_fastapi=True,
    ),
    "gateway": Rules(
        absent=(*_GATEWAY_ABSENT, "/v1/models*"),
        filters_by_metadata=False,
        body_fields=EVERYTHING,
        takes_any_hyperparameter=True,
        answer_fields=_GATEWAY_ANSWERS,
    ),
    "gateway-with-models": Rules(
        absent=_GATEWAY_ABSENT,
        absent_status=501,
        filters_by_metadata=False,
        knows_tuned_models=False,
        body_fields=EVERYTHING,
        takes_any_hyperparameter=True,
        answer_fields=_GATEWAY_ANSWERS,
    ),
    "gateway-without-metadata": Rules(
        absent=(*_GATEWAY_ABSENT, "/v1/models*"),
        absent_status=405,
        absent_page=True,
        keeps_metadata=False,
        filters_by_metadata=False,
        body_fields=EVERYTHING,
        takes_any_hyperparameter=True,
        own_hyperparameters={"batch_size": 8},
        answer_fields=_GATEWAY_ANSWERS,
    ),
}
"""Modes by name, the value of `--mode`."""

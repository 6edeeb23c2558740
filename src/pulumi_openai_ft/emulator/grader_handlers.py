from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pulumi_openai_ft.emulator.grading import grade
from pulumi_openai_ft.server.graders import check_grader
from pulumi_openai_ft.server.validators import anything, fields, pairs, text

if TYPE_CHECKING:
    from pulumi_openai_ft.emulator.grading import Grade
    from pulumi_openai_ft.server.request_context import ApiRequest, Json

_FLAGS = (
    "formula_parse_error",
    "invalid_variable_error",
    "model_grader_parse_error",
    "model_grader_refusal_error",
    "model_grader_server_error",
    "other_error",
    "python_grader_runtime_error",
    "python_grader_server_error",
    "sample_parse_error",
    "truncated_observation_error",
    "unresponsive_reward_error",
)
_DETAILS = (
    "model_grader_server_error_details",
    "python_grader_runtime_error_details",
    "python_grader_server_error_type",
)
_VALIDATE = fields({"grader": check_grader})
_RUN = fields({"grader": check_grader, "model_sample": text()}, {"item": pairs(anything)})


def validate_grader(call: ApiRequest) -> Json:
    """POST /fine_tuning/alpha/graders/validate."""
    _VALIDATE(call.body, "")
    return {"grader": call.body["grader"]}


def run_grader(call: ApiRequest) -> Json:
    """POST /fine_tuning/alpha/graders/run: evaluate a grader, without running code or calling a model."""
    _RUN(call.body, "")
    grader, sample = call.body["grader"], call.body["model_sample"]
    values = {
        "sample": {"output_text": sample, "output_json": _decoded(sample)},
        "item": call.body.get("item") or {},
    }
    found = grade(grader, values)
    return {
        "reward": found.reward,
        "sub_rewards": found.sub_rewards,
        "metadata": _metadata(grader, found),
        "model_grader_token_usage_per_model": {},
    }


def _decoded(sample: str) -> Any:
    try:
        return json.loads(sample)
    except ValueError:
        return None


def _metadata(grader: Json, found: Grade) -> Json:
    metadata: Json = {
        "name": grader.get("name") or grader["type"],
        "type": grader["type"],
        "errors": {
            **{name: name in found.errors for name in _FLAGS},
            **dict.fromkeys(_DETAILS),
        },
        "execution_time": 0.0,
        "scores": found.sub_rewards,
        "token_usage": None,
        "sampled_model_name": None,
    }
    if found.emulated:
        kinds = ", ".join(sorted(found.emulated))
        metadata["emulated"] = f"The emulator made up the rewards of these graders: {kinds}."
    return metadata

"""Train a reasoning model with a grader that scores its decisions on returns at a shop."""

import pulumi

import pulumi_openai_ft as openai_ft

training = openai_ft.File("training", file="../data/returns.jsonl")
validation = openai_ft.File("validation", file="../data/returns_validation.jsonl")


def equals(field: str) -> openai_ft.types.StringCheckArgsDict:
    """Return a grader that checks whether a field of the response equals the field of the example."""
    return {
        "type": "string_check",
        "name": field,
        "operation": "eq",
        "input": f"{{{{sample.output_json.{field}}}}}",
        "reference": f"{{{{item.{field}}}}}",
    }


DECISION = {
    "type": "object",
    "properties": {"action": {"type": "string"}, "refund": {"type": "string"}},
    "required": ["action", "refund"],
    "additionalProperties": False,
}

job = openai_ft.FineTuningJob(
    "returns",
    model="o4-mini-2025-04-16",
    training_file=training,
    validation_file=validation,
    method={
        "type": "reinforcement",
        "reinforcement": {
            "grader": {
                "type": "multi",
                "name": "decision",
                "graders": {"action": equals("action"), "refund": equals("refund")},
                "calculate_output": "0.4 * action + 0.6 * refund",
            },
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "decision", "strict": True, "schema": DECISION},
            },
            "hyperparameters": {"reasoning_effort": "low", "n_epochs": 2},
        },
    },
)

pulumi.export("fine_tuning_job_id", job.id)
pulumi.export("fine_tuning_job_status", job.status)
pulumi.export("fine_tuned_model", job.fine_tuned_model)

"""Train a model per stack, and share it with other projects. The tests of this program are in `tests/`."""

import pulumi

import pulumi_openai_ft as openai_ft

config = pulumi.Config()
projects = config.get_object("projects") or []

data = openai_ft.File("data", file="../data/customer_support.jsonl")

job = openai_ft.FineTuningJob(
    "support",
    model=config.get("model") or "gpt-4o-mini",
    training_file=data,
    suffix=pulumi.get_stack(),
)

if projects:
    openai_ft.FineTuningCheckpointPermission(
        "share", checkpoint_id=job.fine_tuned_model, project_ids=projects
    )

pulumi.export("model", job.fine_tuned_model)

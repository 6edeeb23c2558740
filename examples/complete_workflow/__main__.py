"""Upload training data, train a model, and share it with another project."""

import pulumi

import pulumi_openai_ft as openai_ft

config = pulumi.Config("complete-workflow")

training = openai_ft.File("training", file="../data/customer_support.jsonl")
validation = openai_ft.File("validation", file="../data/customer_support_validation.jsonl")

job = openai_ft.FineTuningJob(
    "support",
    model=config.get("model") or "gpt-4o-mini-2024-07-18",
    training_file=training,
    validation_file=validation,
    suffix="customer-support",
    seed=7,
    method={"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 2, "batch_size": 4}}},
    metadata={"owner": "support-team"},
)

events = openai_ft.get_fine_tuning_events_output(job.id, limit=1)

pulumi.export("file_id", training.id)
pulumi.export("job_id", job.id)
pulumi.export("job_status", job.status)
pulumi.export("fine_tuned_model", job.fine_tuned_model)
pulumi.export("latest_event", events.apply(lambda result: result.events[0].message))

# Sharing requires the admin key, and another project of the same organization than the project that owns the model.
if config.get_bool("use_admin_key"):
    permission = openai_ft.FineTuningCheckpointPermission(
        "share", checkpoint_id=job.fine_tuned_model, project_ids=config.require_object("project_ids")
    )
    pulumi.export("permission_ids", permission.permission_ids)

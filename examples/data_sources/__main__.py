"""The five functions that look things up: job, jobs, checkpoints, events, permissions."""

import pulumi

import pulumi_openai_ft as openai_ft

config = pulumi.Config()
example = {"example": "data-sources"}

training = openai_ft.File("training", file="../data/customer_support.jsonl")
made = openai_ft.FineTuningJob(
    "observed", model="gpt-4o-mini-2024-07-18", training_file=training, metadata=example
)
after_the_job = pulumi.InvokeOutputOptions(depends_on=[made])

job = openai_ft.get_fine_tuning_job_output(made.id)
jobs = openai_ft.get_fine_tuning_jobs_output(
    status="succeeded", model="gpt-4o-mini", metadata=example, limit=10, opts=after_the_job
)
checkpoints = openai_ft.get_fine_tuning_checkpoints_output(made.id)
events = openai_ft.get_fine_tuning_events_output(made.id, level="info", order="oldest")

pulumi.export("trained_tokens", job.apply(lambda found: found.trained_tokens))
pulumi.export("job_ids", jobs.apply(lambda found: [one.id for one in found.jobs]))
pulumi.export(
    "checkpoints",
    checkpoints.apply(lambda found: [one.fine_tuned_model_checkpoint for one in found.checkpoints]),
)
pulumi.export("first_event", events.apply(lambda found: found.events[0].message))

if config.get_bool("use_admin_key"):
    share = openai_ft.FineTuningCheckpointPermission(
        "share", checkpoint_id=made.fine_tuned_model, project_ids=config.require_object("project_ids")
    )
    permissions = openai_ft.get_fine_tuning_checkpoint_permissions_output(
        share.checkpoint_id, opts=pulumi.InvokeOutputOptions(depends_on=[share])
    )
    pulumi.export("shared_with", permissions.apply(lambda found: found.project_ids))

"""Look up a job, jobs, checkpoints, events and permissions."""

import pulumi

import pulumi_openai_ft as openai_ft

config = pulumi.Config()
labels = {"example": "data-sources"}

training = openai_ft.File("training", file="../data/customer_support.jsonl")
trained = openai_ft.FineTuningJob(
    "observed", model="gpt-4o-mini-2024-07-18", training_file=training, metadata=labels
)
after_the_job = pulumi.InvokeOutputOptions(depends_on=[trained])

job = openai_ft.get_fine_tuning_job_output(trained.id)
jobs = openai_ft.get_fine_tuning_jobs_output(
    status="succeeded", model="gpt-4o-mini", metadata=labels, limit=10, opts=after_the_job
)
checkpoints = openai_ft.get_fine_tuning_checkpoints_output(trained.id)
events = openai_ft.get_fine_tuning_events_output(trained.id, level="info", order="oldest")

pulumi.export("trained_tokens", job.apply(lambda result: result.trained_tokens))
pulumi.export("job_ids", jobs.apply(lambda result: [job.id for job in result.jobs]))
pulumi.export(
    "checkpoints",
    checkpoints.apply(
        lambda result: [checkpoint.fine_tuned_model_checkpoint for checkpoint in result.checkpoints]
    ),
)
pulumi.export("first_event", events.apply(lambda result: result.events[0].message))

if config.get_bool("use_admin_key"):
    share = openai_ft.FineTuningCheckpointPermission(
        "share", checkpoint_id=trained.fine_tuned_model, project_ids=config.require_object("project_ids")
    )
    permissions = openai_ft.get_fine_tuning_checkpoint_permissions_output(
        share.checkpoint_id, opts=pulumi.InvokeOutputOptions(depends_on=[share])
    )
    pulumi.export("shared_with", permissions.apply(lambda result: result.project_ids))

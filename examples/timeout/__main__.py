"""Set a deadline: `pulumi up` cancels a job that takes too long."""

import pulumi

import pulumi_openai_ft as openai_ft

config = pulumi.Config()

training = openai_ft.File("training", file="../data/customer_support.jsonl")

job = openai_ft.FineTuningJob(
    "timeout",
    model="gpt-4o-mini-2024-07-18",
    training_file=training,
    suffix="timeout-protected-v1",
    cancel_after_timeout=config.get_int("cancel_after_timeout") or 3600,
)

pulumi.export("fine_tuning_job_id", job.id)
pulumi.export("fine_tuning_job_status", job.status)
pulumi.export("fine_tuned_model", job.fine_tuned_model)

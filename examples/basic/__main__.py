"""Train a model on a file with the service's default settings."""

import pulumi

import pulumi_openai_ft as openai_ft

training = openai_ft.File("training", file="../data/customer_support.jsonl")

job = openai_ft.FineTuningJob(
    "basic",
    model="gpt-4o-mini-2024-07-18",
    training_file=training,
    suffix="my-custom-model-v1",
)

pulumi.export("fine_tuning_job_id", job.id)
pulumi.export("fine_tuning_job_status", job.status)
pulumi.export("fine_tuned_model", job.fine_tuned_model)

"""Train a model with direct preference optimization: it learns to prefer the better of two responses."""

import pulumi

import pulumi_openai_ft as openai_ft

training = openai_ft.File("training", file="../data/preferences.jsonl")

job = openai_ft.FineTuningJob(
    "dpo",
    model="gpt-4.1-mini-2025-04-14",
    training_file=training,
    method={"type": "dpo", "dpo": {"hyperparameters": {"beta": 0.1}}},
)

pulumi.export("fine_tuning_job_id", job.id)
pulumi.export("fine_tuning_job_status", job.status)
pulumi.export("fine_tuned_model", job.fine_tuned_model)

"""Train a model with custom hyperparameters and a validation file."""

import pulumi

import pulumi_openai_ft as openai_ft

training = openai_ft.File("training", file="../data/customer_support.jsonl")
validation = openai_ft.File("validation", file="../data/customer_support_validation.jsonl")

job = openai_ft.FineTuningJob(
    "supervised",
    model="gpt-4o-mini-2024-07-18",
    training_file=training,
    validation_file=validation,
    method={
        "type": "supervised",
        "supervised": {
            "hyperparameters": {"n_epochs": 3, "batch_size": 8, "learning_rate_multiplier": 0.1},
        },
    },
)

pulumi.export("fine_tuning_job_id", job.id)
pulumi.export("fine_tuning_job_status", job.status)
pulumi.export("fine_tuned_model", job.fine_tuned_model)
pulumi.export("hyperparameters", job.method["supervised"]["hyperparameters"])
pulumi.export("trained_tokens", job.trained_tokens)

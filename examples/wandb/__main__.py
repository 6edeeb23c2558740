"""Track training in Weights & Biases."""

import pulumi

import pulumi_openai_ft as openai_ft

config = pulumi.Config()

training = openai_ft.File("training", file="../data/customer_support.jsonl")

job = openai_ft.FineTuningJob(
    "wandb",
    model="gpt-4o-mini-2024-07-18",
    training_file=training,
    integrations=[
        {
            "type": "wandb",
            "wandb": {
                "project": config.get("wandb_project") or "my-wandb-project",
                "name": "ft-run-display-name",
                "tags": ["first-experiment", "v2"],
            },
        }
    ],
)

pulumi.export("fine_tuning_job_id", job.id)
pulumi.export("fine_tuning_job_status", job.status)
pulumi.export("fine_tuned_model", job.fine_tuned_model)
pulumi.export("integrations", job.integrations)

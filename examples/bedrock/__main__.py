"""Train an open-weight model by reinforcement at Amazon Bedrock. A Lambda function computes the rewards."""

import pulumi

import pulumi_openai_ft as openai_ft

config = pulumi.Config()

training = openai_ft.File("training", file="../data/returns.jsonl")

job = openai_ft.FineTuningJob(
    "returns",
    model=config.get("model") or "openai.gpt-oss-20b",
    training_file=training,
    method={
        "type": "reinforcement",
        "reinforcement": {
            "grader": {"type": "lambda", "lambda": {"function": config.require("grader_arn")}},
            "hyperparameters": {"n_epochs": 1, "batch_size": 4, "learning_rate_multiplier": 1.0},
        },
    },
)

pulumi.export("fine_tuning_job_id", job.id)
pulumi.export("fine_tuning_job_status", job.status)
pulumi.export("fine_tuned_model", job.fine_tuned_model)

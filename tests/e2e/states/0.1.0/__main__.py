import pulumi

import pulumi_openai_ft as openai_ft

GRADER = {
    "type": "string_check",
    "name": "exact",
    "operation": "eq",
    "input": "{{sample.output_text}}",
    "reference": "{{item.answer}}",
}

training = openai_ft.File("training", file="chats.jsonl")
validation = openai_ft.File(
    "validation",
    file="chats.jsonl",
    filename="validation.jsonl",
    expires_after={"anchor": "created_at", "seconds": 2592000},
)
tasks = openai_ft.File("tasks", file="tasks.jsonl")
openai_ft.File("notes", file="chats.jsonl", purpose="user_data")

support = openai_ft.FineTuningJob(
    "support",
    model="gpt-4o-mini",
    training_file=training,
    validation_file=validation,
    suffix="support",
    seed=0,
    method={
        "type": "supervised",
        "supervised": {"hyperparameters": {"n_epochs": 2, "learning_rate_multiplier": "auto"}},
    },
    integrations=[{"type": "wandb", "wandb": {"project": "support", "tags": ["v1"]}}],
    metadata={"team": "support"},
    triggers=["2026-11", 1],
    delete_model_on_destroy=True,
    opts=pulumi.ResourceOptions(additional_secret_outputs=["result_files"]),
)
openai_ft.FineTuningJob("plain", model="gpt-4.1-mini-2025-04-14", training_file=training.id)
openai_ft.FineTuningJob(
    "unwatched",
    model=support.fine_tuned_model,
    training_file=training,
    method={"type": "dpo", "dpo": {"hyperparameters": {"beta": 0.5}}},
    wait_for_completion=False,
    recreate_on_failure=True,
)
openai_ft.FineTuningJob(
    "reasoning",
    model="o4-mini-2025-04-16",
    training_file=tasks,
    validation_file=tasks,
    method={
        "type": "reinforcement",
        "reinforcement": {
            "grader": GRADER,
            "hyperparameters": {"reasoning_effort": "low", "eval_samples": 2},
        },
    },
    cancel_after_timeout=86400,
)
openai_ft.FineTuningCheckpointPermission(
    "share", checkpoint_id=support.fine_tuned_model, project_ids=["proj_b", "proj_a"]
)

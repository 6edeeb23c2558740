"""Train an open-weight model with LoRA at Nebius, and export the names of its checkpoints."""

import pulumi

import pulumi_openai_ft as openai_ft

config = pulumi.Config()

training = openai_ft.File("training", file="../data/customer_support.jsonl")
validation = openai_ft.File("validation", file="../data/customer_support_validation.jsonl")

# Nebius has no `auto`: each hyperparameter is a number.
hyperparameters = {
    "n_epochs": 3,
    "batch_size": 8,
    "learning_rate": 0.00001,
    "lora": True,
    "lora_r": 16,
    "lora_alpha": 16,
    "context_length": 8192,
}

job = openai_ft.FineTuningJob(
    "support",
    model=config.get("model") or "meta-llama/Meta-Llama-3.1-8B-Instruct",
    training_file=training,
    validation_file=validation,
    method={"type": "supervised", "supervised": {"hyperparameters": hyperparameters}},
    suffix="support",
)

# A job of Nebius does not name its model, so the program reads the names of its checkpoints.
checkpoints = openai_ft.get_fine_tuning_checkpoints_output(job.id)

pulumi.export("fine_tuning_job_id", job.id)
pulumi.export("fine_tuning_job_status", job.status)
pulumi.export(
    "checkpoints",
    checkpoints.apply(lambda found: [entry.fine_tuned_model_checkpoint for entry in found.checkpoints]),
)

import pulumi

import pulumi_openai_ft as pulumi_python

training = pulumi_python.File(
    "training",
    filename="customer_support.jsonl",
    purpose="fine-tune",
    sha256="4274354dc6a355e46b2e09af59b382614e2bada8fab759e89a782fbad15d96ee",
    opts=pulumi.ResourceOptions(protect=True),
)
validation = pulumi_python.File(
    "validation",
    filename="customer_support_validation.jsonl",
    purpose="fine-tune",
    sha256="ed3dc98ce4c78f8cd4d038f65e2a07a1bed685f64cfed44502c22013c7bf5583",
    opts=pulumi.ResourceOptions(protect=True),
)
support = pulumi_python.FineTuningJob(
    "support",
    method={
        "supervised": {
            "hyperparameters": {
                "batch_size": 1,
                "learning_rate_multiplier": 1.8,
                "n_epochs": 3,
            },
        },
        "type": "supervised",
    },
    model="gpt-4o-mini-2024-07-18",
    seed=7,
    suffix="support",
    training_file=training.id,
    validation_file=validation.id,
    opts=pulumi.ResourceOptions(protect=True),
)
share = pulumi_python.FineTuningCheckpointPermission(
    "share",
    checkpoint_id="ft:gpt-4o-mini-2024-07-18:emulator:support:fDW109vi",
    project_ids=["proj_partner_team"],
    opts=pulumi.ResourceOptions(protect=True),
)

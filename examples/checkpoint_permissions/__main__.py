"""Let other projects of the organization use a model and an earlier checkpoint of it."""

import pulumi

import pulumi_openai_ft as openai_ft

config = pulumi.Config()
use_admin_key = config.get_bool("use_admin_key") or False

checkpoints: dict[str, pulumi.Output[str | None]]
if checkpoint_id := config.get("checkpoint_id"):  # share an existing checkpoint
    checkpoints = {"model": pulumi.Output.from_input(checkpoint_id)}
else:
    training = openai_ft.File("training", file="../data/customer_support.jsonl")
    job = openai_ft.FineTuningJob("shared", model="gpt-4o-mini-2024-07-18", training_file=training)
    listed = openai_ft.get_fine_tuning_checkpoints_output(job.id)
    earlier = listed.apply(lambda result: result.checkpoints[-1].fine_tuned_model_checkpoint)
    checkpoints = {"model": job.fine_tuned_model, "earlier": earlier}

pulumi.export("checkpoint_ids", checkpoints)

if use_admin_key:
    permissions = {
        name: openai_ft.FineTuningCheckpointPermission(
            f"share-{name}",
            checkpoint_id=checkpoint,
            project_ids=config.require_object("project_ids"),
            allow_view=True,
            allow_create=True,
        )
        for name, checkpoint in checkpoints.items()
    }
    pulumi.export(
        "permission_ids", {name: permission.permission_ids for name, permission in permissions.items()}
    )

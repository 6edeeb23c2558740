"""Train a model on Azure OpenAI, and deploy it if the configuration names an account."""

import pulumi

import pulumi_openai_ft as openai_ft

config = pulumi.Config()

training = openai_ft.File("training", file="../data/customer_support.jsonl")

job = openai_ft.FineTuningJob(
    "basic",
    model="gpt-4o-mini-2024-07-18",
    training_file=training,
    suffix="my-custom-model-v1",
    extra_body={"trainingType": "globalstandard"},
)

if account := config.get("account"):
    from deployment import deploy  # loads pulumi_azure_native, which training does not need

    deployment = deploy(job.fine_tuned_model, account, config.require("resource_group"))
    pulumi.export("deployment", deployment.name)

pulumi.export("fine_tuning_job_id", job.id)
pulumi.export("fine_tuning_job_status", job.status)
pulumi.export("fine_tuned_model", job.fine_tuned_model)

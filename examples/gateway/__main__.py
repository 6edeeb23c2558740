"""Train a model through a gateway that forwards jobs to a provider, such as LiteLLM."""

import pulumi

import pulumi_openai_ft as openai_ft

config = pulumi.Config()

training = openai_ft.File("training", file="../data/customer_support.jsonl")

job = openai_ft.FineTuningJob(
    "support",
    model=config.get("model") or "gpt-4o-mini-2024-07-18",
    training_file=training,
    suffix="support",
    extra_body={"custom_llm_provider": config.get("provider") or "azure"},
)

pulumi.export("fine_tuning_job_id", job.id)
pulumi.export("fine_tuning_job_status", job.status)
pulumi.export("fine_tuned_model", job.fine_tuned_model)

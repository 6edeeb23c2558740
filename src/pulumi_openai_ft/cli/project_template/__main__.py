"""Train a model on the chats in customer_support.jsonl."""

import pulumi
import pulumi_openai_ft as openai_ft

data = openai_ft.File("data", file="customer_support.jsonl")
job = openai_ft.FineTuningJob("support", model="gpt-4o-mini", training_file=data, suffix="customer-support")

pulumi.export("fine_tuned_model", job.fine_tuned_model)

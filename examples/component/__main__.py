import pulumi

import pulumi_openai_ft as openai_ft

model = openai_ft.FineTunedModel(
    "support",
    model="gpt-4o-mini-2024-07-18",
    training_file="../data/customer_support.jsonl",
    suffix="customer-support",
)

pulumi.export("fine_tuned_model", model.fine_tuned_model)

"""The deployment that makes a fine-tuned model usable: your application names it as its model."""

import pulumi
from pulumi_azure_native import cognitiveservices


def deploy(model: pulumi.Input[str], account: str, resource_group: str) -> cognitiveservices.Deployment:
    """Deploy a model in an account of Azure OpenAI. Azure bills it by the hour, even if you do not use it."""
    return cognitiveservices.Deployment(
        "support",
        account_name=account,
        resource_group_name=resource_group,
        deployment_name="support",
        properties={"model": {"format": "OpenAI", "name": model, "version": "1"}},
        sku={"name": "Standard", "capacity": 1},
    )

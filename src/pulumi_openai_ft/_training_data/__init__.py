"""Implementation of `pulumi_openai_ft.training_data`: reading, checking, counting tokens, and caching."""

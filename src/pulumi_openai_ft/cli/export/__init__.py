"""`openai-ft export`: jobs of a service as a Pulumi project that trains them again at another service."""

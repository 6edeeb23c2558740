"""What the provider of jobs is made of."""

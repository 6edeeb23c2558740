"""Implementation of the fine-tuning job provider."""

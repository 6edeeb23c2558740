"""HTTP client for the fine-tuning API."""

"""The fine-tuning service that really trains, on this machine."""

"""Record the responses of a fine-tuning service, and compare the emulator with them. See docs/recording.md."""

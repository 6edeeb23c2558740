"""Settings of the libraries that load models."""

OFFLINE = {
    "HF_HUB_OFFLINE": "1",  # nothing is downloaded
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "TRANSFORMERS_VERBOSITY": "error",
    "TOKENIZERS_PARALLELISM": "false",
}
"""Environment variables to set before these libraries are imported."""

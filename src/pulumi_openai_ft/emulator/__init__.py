"""An emulator of OpenAI's fine-tuning API that runs locally, for tests and demonstrations."""

from pulumi_openai_ft.emulator.clock import Clock
from pulumi_openai_ft.emulator.faults import Fault
from pulumi_openai_ft.emulator.request_log import JournalEntry
from pulumi_openai_ft.emulator.server import Emulator, EmulatorError, serve
from pulumi_openai_ft.emulator.settings import Settings

__all__ = ["Clock", "Emulator", "EmulatorError", "Fault", "JournalEntry", "Settings", "serve"]

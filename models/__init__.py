"""Model files and inference: the catalogue of GGUF files, how they are fetched, and the engine that runs them.

Imports nothing of ours outside this package.  llama.cpp is imported by `models.native`, and by the program
`models/quantizer.py`, so that whatever needs no inference starts without it.
"""

from models.adding import AddError, add, list_added
from models.advice import advice
from models.catalogue import Model, Sampling, find, list_models, verify
from models.description import summarise_gguf
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
from models.reference import ModelReference, RemoteModel, model_name, parse_reference, resolved
from models.suggested import list_suggestions

__all__ = [
    "TYPES",
    "AddError",
    "Completion",
    "Engine",
    "EngineBusy",
    "EngineClosed",
    "FetchError",
    "GrammarError",
    "Model",
    "ModelError",
    "ModelReference",
    "Progress",
    "PromptTooLong",
    "QuantizeError",
    "Quantized",
    "RemoteModel",
    "Request",
    "Sampling",
    "Stats",
    "Turn",
    "add",
    "advice",
    "fetch",
    "find",
    "is_verified",
    "list_added",
    "list_models",
    "list_quantized",
    "list_suggestions",
    "model_name",
    "parse_reference",
    "quantize",
    "resolved",
    "summarise_gguf",
    "turns",
    "verify",
]

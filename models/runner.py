"""A model in llama.cpp's C interface: its weights and vocabulary, and its KV cache; batches in, logits out.

With the program `models/quantizer.py` the only module that imports llama_cpp.  The class `Llama` is not used, because
it points the whole process's stdout and stderr at /dev/null while it loads.
"""

from __future__ import annotations

import ctypes
import logging
import os
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from jinja2 import TemplateError

from models.batch import ROWS_AT_ONCE, batch_tokens, padding_rows
from models.catalogue import check_gguf, fetch_hint
from models.cores import free_bytes
from models.engine import GrammarError, ModelError
from models.prompt import SYSTEM, USER, render_parts
from models.stepper import DecodeError

# Read by the OpenMP runtime when llama.cpp is loaded.  By default its threads spin 300,000 times at every barrier, so
# that on cores which others use too each token waits for time slices.  Measured on two cores, SmolLM2, 60 tokens:
# idle 0.40 s with 300 as with 300,000 (0.60 s with 100); under load 1.1 to 1.9 s with 300, 1.5 to 27 s with 300,000.
os.environ.setdefault("GOMP_SPINCOUNT", "300")

import llama_cpp
from llama_cpp.llama_chat_format import Jinja2ChatFormatter

if TYPE_CHECKING:
    from collections.abc import Sequence as Values
    from pathlib import Path

    from numpy.typing import NDArray

    from models.scheduler import Chunk
    from models.slots import Share

_GGML_LOG_ERROR = 4
_PIECE_BYTES = 1024
_BATCH_FIELDS = ("token", "pos", "n_seq_id", "seq_id", "logits")
_TOKEN_DATA = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)])  # llama_token_data

_log = logging.getLogger(__name__)
_native_errors: list[str] = []


def _on_native_log(level: int, text: bytes, _: object) -> None:
    line = text.decode(errors="replace").strip()
    _log.debug("llama.cpp: %s", line)
    if level == _GGML_LOG_ERROR:
        _native_errors.append(line)


_LOG_CALLBACK = llama_cpp.llama_log_callback(_on_native_log)  # llama.cpp keeps no reference
llama_cpp.llama_log_set(_LOG_CALLBACK, ctypes.c_void_p())
llama_cpp.llama_backend_init()


class _Gguf:
    """A loaded model.  Only the compute thread uses it.

    Raises:
        ModelError: the file is not a usable model.

    """

    def __init__(self, path: Path, gpu_layers: int) -> None:
        self.path = path
        check_gguf(path)
        _native_errors.clear()
        parameters = llama_cpp.llama_model_default_params()
        parameters.n_gpu_layers = gpu_layers
        self.model = llama_cpp.llama_model_load_from_file(str(path).encode(), parameters)
        if not self.model:
            raise self.error("llama.cpp cannot load it")
        self._vocabulary = llama_cpp.llama_model_get_vocab(self.model)
        self.vocabulary_tokens: int = llama_cpp.llama_vocab_n_tokens(self._vocabulary)
        self._eos = self._token_text(llama_cpp.llama_vocab_eos(self._vocabulary))
        self._bos = self._token_text(llama_cpp.llama_vocab_bos(self._vocabulary))
        self._parts = cache(self._render_parts)
        self.piece = cache(self._piece)

    def close(self) -> None:
        """Free the model."""
        llama_cpp.llama_model_free(self.model)

    @property
    def parameters(self) -> int:
        """How many weights it has."""
        return int(llama_cpp.llama_model_n_params(self.model))

    @property
    def trained_tokens(self) -> int:
        """The longest context that the model was trained for."""
        return int(llama_cpp.llama_model_n_ctx_train(self.model))

    @property
    def sharing(self) -> bool:
        """Whether its state can be cut at any token; that of a recurrent model can not."""
        return not (llama_cpp.llama_model_is_recurrent(self.model) or llama_cpp.llama_model_is_hybrid(self.model))

    def kv_bytes(self, cells: int) -> int:
        """Estimate the size of a KV cache: key and value of 16 bits per layer, group of heads and dimension."""
        model = self.model
        heads = max(1, llama_cpp.llama_model_n_head(model))
        dimensions = llama_cpp.llama_model_n_embd(model) // heads * llama_cpp.llama_model_n_head_kv(model)
        return int(cells * llama_cpp.llama_model_n_layer(model) * dimensions * 2 * 2)

    def prompt(self, system: str, user: str) -> list[int]:
        """Render the chat template and tokenize it; what looks like a control token within the texts is text."""
        texts = {SYSTEM: system, USER: user}
        parts = self._parts(bool(system))
        if all(self._tokenize(text, special=True) == self._tokenize(text) for text in texts.values()):
            parts = ["".join(texts.get(part, part) for part in parts)]  # as a whole, as the model was trained
        tokens: list[int] = []
        for part in parts:
            if part in texts:
                tokens += self._tokenize(texts[part])
            else:
                begins = not tokens and not (self._bos and part.startswith(self._bos))  # the template may write it
                tokens += self._tokenize(part, special=True, begins=begins)
        return tokens

    def grammar(self, text: str) -> _Grammar:
        """See `stepper.Runner`.  Where a syntax error lies, llama.cpp tells standard error only."""
        _native_errors.clear()
        sampler = llama_cpp.llama_sampler_init_grammar(self._vocabulary, text.encode(), b"root")
        if not sampler:
            raise GrammarError(f"llama.cpp cannot use the grammar: {'; '.join(_native_errors)}")
        return _Grammar(sampler, self.vocabulary_tokens)

    def error(self, what: str) -> ModelError:
        """Make an error of one line: the file, what failed, and what llama.cpp said."""
        native = f": {_native_errors[0]}" if _native_errors else ""
        return ModelError(f"{self.path}: {what}{native}{fetch_hint(self.path)}")

    def _piece(self, token: int) -> bytes | None:
        """Return the token's bytes, which need not be whole characters; a control token has none; None: an end."""
        if llama_cpp.llama_vocab_is_eog(self._vocabulary, token):
            return None
        buffer = ctypes.create_string_buffer(_PIECE_BYTES)
        size = llama_cpp.llama_token_to_piece(self._vocabulary, token, buffer, _PIECE_BYTES, 0, False)  # noqa: FBT003
        return buffer.raw[: max(0, size)]

    def _render_parts(self, with_system: bool) -> list[str]:  # noqa: FBT001  a key of the cache
        template = llama_cpp.llama_model_chat_template(self.model, None)
        if not template:
            raise self.error("it has no chat template")
        try:
            formatter = Jinja2ChatFormatter(template.decode(), self._eos, self._bos)
            return render_parts(lambda messages: str(formatter(messages=messages).prompt), with_system=with_system)
        except (TemplateError, ValueError) as error:
            raise self.error(str(error)) from error

    def _tokenize(self, text: str, *, special: bool = False, begins: bool = False) -> list[int]:
        raw = text.encode()
        size = len(raw) + 2  # no token is empty, but for a beginning and an end
        array = (llama_cpp.llama_token * size)()
        count = llama_cpp.llama_tokenize(self._vocabulary, raw, len(raw), array, size, begins, special)
        return list(array[:count])

    def _token_text(self, token: int) -> str:
        return llama_cpp.llama_vocab_get_text(self._vocabulary, token).decode() if token >= 0 else ""


class _Grammar:
    """`sampling.Grammar` over llama.cpp.

    llama.cpp ends the process where it is told to accept a token that is not allowed, or used when closed.
    """

    def __init__(self, sampler: llama_cpp.llama_sampler_p, vocabulary_tokens: int) -> None:
        self._sampler = sampler
        self._tokens = np.arange(vocabulary_tokens, dtype=np.int32)

    def allows(self, token: int) -> bool:
        """See `sampling.Grammar`."""
        return bool(self._apply(self._tokens[token : token + 1], np.zeros(1, np.float32))[0] == 0)

    def mask(self, logits: NDArray[np.float32]) -> NDArray[np.float32]:
        """See `sampling.Grammar`."""
        return self._apply(self._tokens, logits)

    def accept(self, token: int) -> None:
        """See `sampling.Grammar`."""
        llama_cpp.llama_sampler_accept(self._sampler, token)

    def close(self) -> None:
        """See `sampling.Grammar`."""
        llama_cpp.llama_sampler_free(self._sampler)

    def _apply(self, tokens: NDArray[np.int32], logits: NDArray[np.float32]) -> NDArray[np.float32]:
        data = np.zeros(len(tokens), _TOKEN_DATA)
        data["id"], data["logit"] = tokens, logits
        start = ctypes.cast(data.ctypes.data, llama_cpp.llama_token_data_p)
        candidates = llama_cpp.llama_token_data_array(data=start, size=len(tokens), selected=-1, sorted=False)
        llama_cpp.llama_sampler_apply(self._sampler, ctypes.byref(candidates))
        return np.ascontiguousarray(data["logit"])


class LlamaRunner:
    """`stepper.Runner` over llama.cpp.

    The KV cache is one for all slots, `sequences` times `context_tokens` cells, so that a shared prefix has its cells
    once, and no slot can take another's room.

    Raises:
        ModelError: the model cannot be loaded, or there is no memory for its KV cache.

    """

    def __init__(self, path: Path, *, threads: int, context_tokens: int, sequences: int, gpu_layers: int) -> None:
        self.threads, self.sequences, self.gpu_layers = threads, sequences, gpu_layers
        self._gguf = _Gguf(path, gpu_layers)
        self.batch_tokens = batch_tokens(self._gguf.parameters, sequences, gpu_layers)
        self.context_tokens = min(context_tokens, self._gguf.trained_tokens)
        self.sharing = self._gguf.sharing
        self._padding = gpu_layers == 0 and self.sharing  # where there is a sequence more, whose state can be dropped
        self.prompt, self.piece, self.grammar = self._gguf.prompt, self._gguf.piece, self._gguf.grammar
        try:
            self._context = self._open()
        except BaseException:
            self._gguf.close()
            raise
        self._memory = llama_cpp.llama_get_memory(self._context)
        self._make_batch(self.batch_tokens)

    def _open(self) -> llama_cpp.llama_context_p:
        cells = self.context_tokens * self.sequences
        needed, free = self._gguf.kv_bytes(cells), free_bytes()
        size = f"a KV cache of {self.sequences} sequences of {self.context_tokens} tokens"
        if self.gpu_layers == 0 and needed > free:
            raise self._gguf.error(
                f"{size} takes {needed / 2**20:.0f} MiB, and {free / 2**20:.0f} MiB of memory are free: "
                "lower inference.context_tokens or inference.sequences"
            )
        settings = llama_cpp.llama_context_default_params()
        settings.n_ctx = cells + self._padding * ROWS_AT_ONCE
        settings.n_seq_max = self.sequences + self._padding
        settings.n_outputs_max = self.sequences + self._padding * ROWS_AT_ONCE
        settings.kv_unified = True
        settings.n_batch = settings.n_ubatch = self.batch_tokens
        settings.n_threads = settings.n_threads_batch = self.threads
        context = llama_cpp.llama_init_from_model(self._gguf.model, settings)
        if not context:
            raise self._gguf.error(f"llama.cpp cannot make {size} (about {needed / 2**20:.0f} MiB)")
        return context

    def _make_batch(self, size: int) -> None:
        """Make a llama_batch whose arrays are numpy's, so that it is filled by slices."""
        self._token = np.zeros(size, np.int32)
        self._position = np.zeros(size, np.int32)
        self._slot = np.zeros(size, np.int32)
        self._wanted = np.zeros(size, np.int8)
        self._one_each = np.ones(size, np.int32)
        self._slot_at = self._slot.ctypes.data + self._slot.itemsize * np.arange(size, dtype=np.uintp)
        batch = self._batch = llama_cpp.llama_batch()
        kinds = dict(llama_cpp.llama_batch._fields_)
        arrays: list[NDArray[Any]] = [self._token, self._position, self._one_each, self._slot_at, self._wanted]
        for field, array in zip(_BATCH_FIELDS, arrays, strict=True):
            setattr(batch, field, ctypes.cast(array.ctypes.data, kinds[field]))

    def share(self, share: Share) -> None:
        """See `stepper.Runner`."""
        if share.source == share.target:
            if not llama_cpp.llama_memory_seq_rm(self._memory, share.target, share.tokens, -1):
                raise self._gguf.error(
                    "its state cannot go back to an earlier token"
                )  # a recurrent one's, after a failure
        else:
            llama_cpp.llama_memory_seq_rm(self._memory, share.target, -1, -1)
            llama_cpp.llama_memory_seq_cp(self._memory, share.source, share.target, 0, share.tokens)

    def run(self, chunks: Values[Chunk]) -> NDArray[np.float32]:
        """See `stepper.Runner`."""
        end = 0
        for chunk in chunks:
            start, end = end, end + chunk.count
            self._token[start:end] = chunk.tokens
            self._position[start:end] = np.arange(chunk.start, chunk.start + chunk.count)
            self._slot[start:end] = chunk.slot
            self._wanted[start:end] = 0
            self._wanted[end - 1] = chunk.last
        self._batch.n_tokens = end + (self._pad(end) if self._padding and len(chunks) > 1 else 0)
        _native_errors.clear()
        if status := llama_cpp.llama_decode(self._context, self._batch):
            raise DecodeError(str(self._gguf.error(f"llama.cpp cannot compute (status {status})")))
        rows = sum(chunk.last for chunk in chunks)
        if not rows:
            llama_cpp.llama_synchronize(self._context)
            return np.empty((0, self._gguf.vocabulary_tokens), np.float32)
        logits = llama_cpp.llama_get_logits(self._context)
        return np.ctypeslib.as_array(logits, shape=(rows, self._gguf.vocabulary_tokens))

    def _pad(self, end: int) -> int:
        """Add rows of no slot where the batch is faster with them; return how many."""
        rows = padding_rows(end)
        if not rows:
            return 0
        llama_cpp.llama_memory_seq_rm(self._memory, self.sequences, -1, -1)
        self._token[end : end + rows] = 0
        self._wanted[end : end + rows] = 1  # the output layer counts its rows apart
        self._position[end : end + rows] = np.arange(rows)
        self._slot[end : end + rows] = self.sequences
        return rows

    def close(self) -> None:
        """See `stepper.Runner`."""
        llama_cpp.llama_free(self._context)
        self._gguf.close()

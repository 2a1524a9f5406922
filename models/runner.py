"""A model's KV cache in llama.cpp: batches in, logits out."""

from __future__ import annotations

import ctypes
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from models.backend import DecodeError
from models.batch import ROWS_AT_ONCE, batch_tokens, lone_tokens, padding_rows
from models.cores import free_bytes
from models.gguf import Gguf
from models.native import llama_cpp, native_errors
from models.scheduler import HIGH_EXTRA

if TYPE_CHECKING:
    from collections.abc import Sequence as Values
    from pathlib import Path

    from numpy.typing import NDArray

    from models.engine import CacheType
    from models.scheduler import Chunk
    from models.slots import Share

_KEPT = 16  # slots beside those for sequences that run
_BYTES = {"f16": 1.0, "q8_0": 34 / 64}  # beside two for each value: blocks of 32 with a scale
_GGML_TYPES = {"q8_0": 8}
_BATCH_FIELDS = ("token", "pos", "n_seq_id", "seq_id", "logits")


class LlamaRunner:
    """`backend.Runner` over llama.cpp.

    The KV cache is one for all slots, so that a shared prefix has its cells once.  There are more slots than sequences
    that run, for the prefixes of those that have ended, where the model's state can be cut at a prefix.

    Raises:
        ModelError: the model cannot be loaded, or there is no memory for its KV cache.

    """

    def __init__(
        self,
        path: Path,
        *,
        threads: int,
        context_tokens: int,
        cache_tokens: int,
        cache_type: CacheType,
        sequences: int,
        gpu_layers: int,
    ) -> None:
        self.threads, self.sequences, self.gpu_layers = threads, sequences, gpu_layers
        self.decode_s = 0.0
        self._gguf = Gguf(path, gpu_layers)
        self.sharing = self._gguf.sharing
        most = sequences + HIGH_EXTRA
        self.slots = most + _KEPT * self.sharing
        self.batch_tokens = batch_tokens(self._gguf.parameters, most, gpu_layers)
        self.lone_tokens = lone_tokens(self._gguf.parameters, self.batch_tokens)
        self.context_tokens = min(context_tokens, self._gguf.trained_tokens)
        self.cache_tokens = min(cache_tokens, self.context_tokens * most)
        self._cache_type = cache_type
        self.weight_bytes = self._gguf.weight_bytes
        self.cache_bytes = int(self._gguf.kv_bytes(self.cache_tokens) * _BYTES[cache_type])
        self._padding = gpu_layers == 0 and self.sharing  # where there is a sequence more, whose state can be dropped
        self.prompt, self.tokens = self._gguf.prompt, self._gguf.tokens
        self.piece, self.grammar = self._gguf.piece, self._gguf.grammar
        try:
            self._context = self._open()
        except BaseException:
            self._gguf.close()
            raise
        self._memory = llama_cpp.llama_get_memory(self._context)
        self._make_batch(self.lone_tokens)

    def _open(self) -> llama_cpp.llama_context_p:
        needed, free = self.cache_bytes, free_bytes()
        size = f"a KV cache of {self.cache_tokens} tokens ({self._cache_type})"
        if self.gpu_layers == 0 and needed > free:
            raise self._gguf.error(
                f"{size} takes {needed / 2**20:.0f} MiB, and {free / 2**20:.0f} MiB of memory are free: "
                "lower inference.cache_tokens"
            )
        settings = llama_cpp.llama_context_default_params()
        settings.n_ctx = self.cache_tokens + self._padding * ROWS_AT_ONCE
        settings.n_seq_max = self.slots + self._padding
        outputs = self.sequences + HIGH_EXTRA + self._padding * ROWS_AT_ONCE
        settings.n_outputs_max = max(outputs, settings.n_seq_max)  # llama.cpp aborts with fewer than slots
        if self._cache_type != "f16":
            settings.type_k = settings.type_v = _GGML_TYPES[self._cache_type]
            settings.flash_attn_type = llama_cpp.LLAMA_FLASH_ATTN_TYPE_ENABLED  # which it needs
        settings.kv_unified = True
        settings.n_batch = settings.n_ubatch = self.lone_tokens
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
        """See `backend.Runner`."""
        if share.source == share.target:
            if not llama_cpp.llama_memory_seq_rm(self._memory, share.target, share.tokens, -1):
                raise self._gguf.error("its state cannot go back to an earlier token")
        else:
            llama_cpp.llama_memory_seq_rm(self._memory, share.target, -1, -1)
            llama_cpp.llama_memory_seq_cp(self._memory, share.source, share.target, 0, share.tokens)

    def run(self, chunks: Values[Chunk]) -> NDArray[np.float32]:
        """See `backend.Runner`."""
        end = 0
        for chunk in chunks:
            start, end = end, end + chunk.count
            self._token[start:end] = chunk.tokens
            self._position[start:end] = np.arange(chunk.start, chunk.start + chunk.count)
            self._slot[start:end] = chunk.slot
            self._wanted[start:end] = 0
            self._wanted[end - 1] = chunk.last
        self._batch.n_tokens = end + (self._pad(end) if self._padding and len(chunks) > 1 else 0)
        native_errors().clear()
        began = time.perf_counter()
        status = llama_cpp.llama_decode(self._context, self._batch)
        if not status:
            llama_cpp.llama_synchronize(self._context)
        self.decode_s += time.perf_counter() - began
        if status:
            raise DecodeError(str(self._gguf.error(f"llama.cpp cannot compute (status {status})")))
        rows = sum(chunk.last for chunk in chunks)
        if not rows:
            return np.empty((0, self._gguf.vocabulary_tokens), np.float32)
        logits = llama_cpp.llama_get_logits(self._context)
        return np.ctypeslib.as_array(logits, shape=(rows, self._gguf.vocabulary_tokens))

    def _pad(self, end: int) -> int:
        """Add rows of no slot where the batch is faster with them; return how many."""
        rows = padding_rows(end)
        if not rows:
            return 0
        llama_cpp.llama_memory_seq_rm(self._memory, self.slots, -1, -1)
        self._token[end : end + rows] = 0
        self._wanted[end : end + rows] = 1  # the output layer counts its rows apart
        self._position[end : end + rows] = np.arange(rows)
        self._slot[end : end + rows] = self.slots
        return rows

    def close(self) -> None:
        """See `backend.Runner`."""
        llama_cpp.llama_free(self._context)
        self._gguf.close()

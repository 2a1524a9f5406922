"""The ceiling of `make bench-engine`: llama.cpp's own loop, without a scheduler and without any work on text.

All prompts of a batch are computed together, then one token of each is decoded at a time, by greedy argmax, until the
budget is spent.  Nothing else is done: no stop strings, no log-probabilities, no end tokens.
"""

from __future__ import annotations

import ctypes
import time
from typing import Any

import llama_cpp
import numpy as np
from llama_cpp.llama_chat_format import Jinja2ChatFormatter

from tests.bench.jobs import SYSTEM, Answer, Job

BATCH_TOKENS = 2048
_NO_LOG = llama_cpp.llama_log_callback(lambda _level, _text, _data: None)  # llama.cpp keeps no reference


class RawLoop:
    """A model and a unified KV cache for the job's `concurrency` sequences of `context_tokens` each.

    `shared`: what all prompts of a batch begin with is computed once and copied, as an engine may do.
    """

    def __init__(self, job: Job, *, shared: bool) -> None:
        llama_cpp.llama_log_set(_NO_LOG, ctypes.c_void_p())
        llama_cpp.llama_backend_init()
        self._shared = shared
        self.prefill_computed = 0
        self._model = llama_cpp.llama_model_load_from_file(job.model.encode(), llama_cpp.llama_model_default_params())
        assert self._model, f"llama.cpp cannot load {job.model}"
        settings = llama_cpp.llama_context_default_params()
        settings.n_ctx = job.context_tokens * job.concurrency
        settings.n_seq_max = job.concurrency
        settings.n_batch = BATCH_TOKENS
        settings.kv_unified = True
        settings.n_threads = settings.n_threads_batch = job.threads
        self._context = llama_cpp.llama_init_from_model(self._model, settings)
        assert self._context
        self._memory = llama_cpp.llama_get_memory(self._context)
        self._vocabulary = llama_cpp.llama_model_get_vocab(self._model)
        self._vocabulary_tokens: int = llama_cpp.llama_vocab_n_tokens(self._vocabulary)
        self._batch = llama_cpp.llama_batch_init(BATCH_TOKENS, 0, 1)
        template = llama_cpp.llama_model_chat_template(self._model, None).decode()
        texts = (
            llama_cpp.llama_vocab_get_text(self._vocabulary, token).decode() if token >= 0 else ""
            for token in (llama_cpp.llama_vocab_eos(self._vocabulary), llama_cpp.llama_vocab_bos(self._vocabulary))
        )
        self._format = Jinja2ChatFormatter(template, *texts)

    def close(self) -> None:
        llama_cpp.llama_batch_free(self._batch)
        llama_cpp.llama_free(self._context)
        llama_cpp.llama_model_free(self._model)

    def generate(self, prompts: list[str], max_tokens: int) -> list[Answer]:
        """Answer all prompts at once."""
        started = time.perf_counter()
        rows = [self._tokenize(prompt) for prompt in prompts]
        llama_cpp.llama_memory_clear(self._memory, False)  # noqa: FBT003  C has no keywords
        tokens = self._prefill(rows)
        first_s = time.perf_counter() - started
        for step in range(max_tokens - 1):
            entries = [(tokens[i], len(rows[i]) + step, i, True) for i in range(len(rows))]
            tokens = self._decode(entries)
        took_s = time.perf_counter() - started
        return [
            Answer(first_s=first_s, latency_s=took_s, prompt_tokens=len(row), completion_tokens=max_tokens)
            for row in rows
        ]

    def _prefill(self, rows: list[list[int]]) -> list[int]:
        common = self._prefill_common(rows) if self._shared and len(rows) > 1 else 0
        entries = [
            (token, position, sequence, position == len(row) - 1)
            for sequence, row in enumerate(rows)
            for position, token in enumerate(row)
            if position >= common
        ]
        self.prefill_computed += len(entries)
        return self._decode(entries)

    def _prefill_common(self, rows: list[list[int]]) -> int:
        shortest = min(len(row) for row in rows) - 1  # the last token gives the logits
        common = next((i for i in range(shortest) if len({row[i] for row in rows}) > 1), shortest)
        self._decode([(token, position, 0, False) for position, token in enumerate(rows[0][:common])])
        for sequence in range(1, len(rows)):
            llama_cpp.llama_memory_seq_cp(self._memory, 0, sequence, 0, common)
        self.prefill_computed += common
        return common

    def _decode(self, entries: list[tuple[int, int, int, bool]]) -> list[int]:
        """Compute (token, position, sequence, wanted) entries; return the likeliest token after each wanted one."""
        likeliest: list[int] = []
        batch = self._batch
        for start in range(0, len(entries), BATCH_TOKENS):
            part = entries[start : start + BATCH_TOKENS]
            batch.n_tokens = len(part)
            for i, (token, position, sequence, wanted) in enumerate(part):
                batch.token[i] = token
                batch.pos[i] = position
                batch.n_seq_id[i] = 1
                batch.seq_id[i][0] = sequence
                batch.logits[i] = wanted
            status = llama_cpp.llama_decode(self._context, batch)
            assert status == 0, f"llama_decode: {status}"
            for i, (_, _, _, wanted) in enumerate(part):
                if wanted:
                    logits = llama_cpp.llama_get_logits_ith(self._context, i)
                    likeliest.append(int(np.ctypeslib.as_array(logits, shape=(self._vocabulary_tokens,)).argmax()))
        return likeliest

    def _tokenize(self, prompt: str) -> list[int]:
        messages: Any = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": prompt}]
        text = str(self._format(messages=messages).prompt).encode()
        size = len(text) + 2
        array = (llama_cpp.llama_token * size)()
        begins, special = False, True
        count = llama_cpp.llama_tokenize(self._vocabulary, text, len(text), array, size, begins, special)
        return list(array[:count])

"""The engine over llama.cpp: every model loaded once, one generation at a time, on one compute thread.

The only module that imports llama_cpp.  It calls llama.cpp's C interface, not the class `Llama`, which points the
whole process's stdout and stderr at /dev/null while it loads.
"""

from __future__ import annotations

import asyncio
import ctypes
import logging
import os
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from jinja2 import TemplateError

from models.catalogue import check_gguf, fetch_hint
from models.cores import usable_cores
from models.engine import Completion, EngineClosed, Finish, ModelError, PromptTooLong, Request
from models.prompt import SYSTEM, USER, render_parts
from models.sampling import sample
from models.text import TextStream, mean_logprob, min_logprob

# Read by the OpenMP runtime when llama.cpp is loaded.  By default its threads spin 300,000 times at every barrier, so
# that on cores which others use too each token waits for time slices.  Measured on two cores, SmolLM2, 60 tokens:
# idle 0.40 s with 300 as with 300,000 (0.60 s with 100); under load 1.1 to 1.9 s with 300, 1.5 to 27 s with 300,000.
os.environ.setdefault("GOMP_SPINCOUNT", "300")

import llama_cpp
from llama_cpp.llama_chat_format import Jinja2ChatFormatter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

# The prompt is computed in blocks that start at its multiples, so that what a cached block holds depends on its tokens
# alone: reusing it changes no bit of the answer.  Between blocks a generation can be stopped.
BLOCK_TOKENS = 32
_GGML_LOG_ERROR = 4
_PIECE_BYTES = 1024

_log = logging.getLogger(__name__)
_native_errors: list[str] = []
_T = TypeVar("_T")


def _on_native_log(level: int, text: bytes, _: object) -> None:
    line = text.decode(errors="replace").strip()
    _log.debug("llama.cpp: %s", line)
    if level == _GGML_LOG_ERROR:
        _native_errors.append(line)


_LOG_CALLBACK = llama_cpp.llama_log_callback(_on_native_log)  # llama.cpp keeps no reference
llama_cpp.llama_log_set(_LOG_CALLBACK, ctypes.c_void_p())
llama_cpp.llama_backend_init()


class _Gguf:
    """A loaded model and its KV cache of one sequence.  Only the compute thread uses it."""

    def __init__(self, path: Path, threads: int, context_tokens: int, gpu_layers: int) -> None:
        self._path = path
        self._cached: list[int] = []  # the prompt tokens whose whole blocks the KV cache holds
        _native_errors.clear()
        parameters = llama_cpp.llama_model_default_params()
        parameters.n_gpu_layers = gpu_layers
        self._model = llama_cpp.llama_model_load_from_file(str(path).encode(), parameters)
        if not self._model:
            raise self._error("llama.cpp cannot load it")
        self.context_tokens = min(context_tokens, llama_cpp.llama_model_n_ctx_train(self._model))
        settings = llama_cpp.llama_context_default_params()
        settings.n_ctx = self.context_tokens
        settings.n_batch = settings.n_ubatch = BLOCK_TOKENS
        settings.n_threads = settings.n_threads_batch = threads
        self._context = llama_cpp.llama_init_from_model(self._model, settings)
        if not self._context:
            llama_cpp.llama_model_free(self._model)
            raise self._error("llama.cpp cannot make a context for it")
        self._memory = llama_cpp.llama_get_memory(self._context)
        self._vocabulary = llama_cpp.llama_model_get_vocab(self._model)
        self._vocabulary_tokens: int = llama_cpp.llama_vocab_n_tokens(self._vocabulary)
        self._eos = self._token_text(llama_cpp.llama_vocab_eos(self._vocabulary))
        self._bos = self._token_text(llama_cpp.llama_vocab_bos(self._vocabulary))

    def close(self) -> None:
        llama_cpp.llama_free(self._context)
        llama_cpp.llama_model_free(self._model)

    def prompt(self, system: str, user: str) -> list[int]:
        """Render the chat template and tokenize it; what looks like a control token within the texts is text."""
        texts = {SYSTEM: system, USER: user}
        parts = self._parts(with_system=bool(system))
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

    def rewind(self, prompt: list[int]) -> int:
        """Leave in the KV cache only what this prompt begins with; return how many of its tokens need no computing."""
        same = next((i for i, (a, b) in enumerate(zip(self._cached, prompt, strict=False)) if a != b), None)
        same = min(len(self._cached), len(prompt) - 1) if same is None else same
        kept = same - same % BLOCK_TOKENS
        if not llama_cpp.llama_memory_seq_rm(self._memory, -1, kept, -1):  # a recurrent model cannot go back
            llama_cpp.llama_memory_clear(self._memory, True)  # noqa: FBT003  C has no keywords
            kept = 0
        del self._cached[kept:]
        return kept

    def read_block(self, tokens: list[int]) -> NDArray[np.float32]:
        """Compute a block of the prompt; return the logits that follow it."""
        logits = self.decode(tokens)
        if len(tokens) == BLOCK_TOKENS:
            self._cached += tokens
        return logits

    def decode(self, tokens: list[int]) -> NDArray[np.float32]:
        """Compute the tokens that come next; return logits of shape (vocabulary,), valid until the next call."""
        _native_errors.clear()
        array = (llama_cpp.llama_token * len(tokens))(*tokens)
        if status := llama_cpp.llama_decode(self._context, llama_cpp.llama_batch_get_one(array, len(tokens))):
            self._cached.clear()
            raise self._error(f"llama.cpp cannot compute (status {status})")
        logits = llama_cpp.llama_get_logits_ith(self._context, -1)
        return np.ctypeslib.as_array(logits, shape=(self._vocabulary_tokens,))

    def piece(self, token: int) -> bytes:
        """Return the token's bytes, which need not be whole characters; a control token has none."""
        buffer = ctypes.create_string_buffer(_PIECE_BYTES)
        size = llama_cpp.llama_token_to_piece(self._vocabulary, token, buffer, _PIECE_BYTES, 0, False)  # noqa: FBT003
        return buffer.raw[: max(0, size)]

    def ends(self, token: int) -> bool:
        """Tell whether the model says with this token that it is done."""
        return bool(llama_cpp.llama_vocab_is_eog(self._vocabulary, token))

    def _parts(self, *, with_system: bool) -> list[str]:
        template = llama_cpp.llama_model_chat_template(self._model, None)
        if not template:
            raise self._error("it has no chat template")
        try:
            formatter = Jinja2ChatFormatter(template.decode(), self._eos, self._bos)
            return render_parts(lambda messages: str(formatter(messages=messages).prompt), with_system=with_system)
        except (TemplateError, ValueError) as error:
            raise self._error(str(error)) from error

    def _tokenize(self, text: str, *, special: bool = False, begins: bool = False) -> list[int]:
        raw = text.encode()
        size = len(raw) + 2  # no token is empty, but for a beginning and an end
        array = (llama_cpp.llama_token * size)()
        count = llama_cpp.llama_tokenize(self._vocabulary, raw, len(raw), array, size, begins, special)
        return list(array[:count])

    def _token_text(self, token: int) -> str:
        return llama_cpp.llama_vocab_get_text(self._vocabulary, token).decode() if token >= 0 else ""

    def _error(self, what: str) -> ModelError:
        native = f": {_native_errors[0]}" if _native_errors else ""
        return ModelError(f"{self._path}: {what}{native}{fetch_hint(self._path)}")


class LlamaEngine:
    """`Engine` over llama.cpp.  Make one per process and share it: all models take turns on its compute thread.

    Args:
        threads: cores to compute with; None: those that this process may use.
        context_tokens: prompt and answer together, per model; no more than the model was trained for.
        gpu_layers: layers to keep on a GPU, if llama.cpp was built for one; -1: all.

    """

    def __init__(self, threads: int | None = None, context_tokens: int = 4096, gpu_layers: int = 0) -> None:
        threads = threads or usable_cores()
        self._open = partial(_Gguf, threads=threads, context_tokens=context_tokens, gpu_layers=gpu_layers)
        self._models: dict[Path, _Gguf] = {}
        self._compute = ThreadPoolExecutor(max_workers=1, thread_name_prefix="llama")
        self._closed = threading.Event()

    async def complete(self, request: Request, on_text: Callable[[str], None] | None = None) -> Completion:
        """See `Engine.complete`."""
        loop = asyncio.get_running_loop()
        unwanted = threading.Event()

        def deliver(text: str) -> None:
            if on_text and not unwanted.is_set():
                on_text(text)

        def emit(text: str) -> None:
            if on_text and text:
                loop.call_soon_threadsafe(deliver, text)

        timeout_s = None if request.deadline_at is None else max(0.0, request.deadline_at - time.time())
        try:
            completion = await self._run(partial(self._generate, request, unwanted, emit), timeout_s)
        finally:
            unwanted.set()
        return completion or _summarize("", [], 0, 0.0, "deadline")

    async def load(self, model: Path) -> None:
        """See `Engine.load`."""
        await self._run(partial(self._load, model))

    async def close(self) -> None:
        """See `Engine.close`."""
        self._closed.set()
        await asyncio.to_thread(self._compute.shutdown, wait=True, cancel_futures=True)
        while self._models:
            self._models.popitem()[1].close()

    async def _run(self, work: Callable[[], _T], timeout_s: float | None = None) -> _T | None:
        """Queue work for the compute thread; None when its turn has not come after `timeout_s`."""
        if self._closed.is_set():
            raise EngineClosed("the engine is closed")
        job: Future[_T] = self._compute.submit(work)
        future = asyncio.wrap_future(job)
        try:
            await asyncio.wait({future}, timeout=timeout_s)
            if not job.cancel():  # it runs or ran
                return await future
        finally:
            future.cancel()
        if self._closed.is_set():
            raise EngineClosed("the engine was closed")
        return None

    def _load(self, path: Path) -> _Gguf:
        real = path.resolve()
        if real not in self._models:
            check_gguf(path)
            started = time.monotonic()
            self._models[real] = self._open(path)
            _log.info("loaded %s in %.2f s", path, time.monotonic() - started)
        return self._models[real]

    def _generate(self, request: Request, unwanted: threading.Event, emit: Callable[[str], None]) -> Completion:
        model = self._load(request.model)
        started = time.monotonic()
        prompt = model.prompt(request.system, request.user)
        if len(prompt) >= model.context_tokens:
            raise PromptTooLong(
                f"the prompt has {len(prompt)} tokens, {request.model} takes {model.context_tokens - 1}"
            )
        stream = TextStream(request.stop)
        texts: list[str] = []
        logprobs: list[float] = []
        finish: Finish = "length"
        for step in _steps(model, prompt, request):
            if step:
                token, logprob = step
                logprobs.append(logprob)
                ended = model.ends(token)
                texts.append("" if ended else stream.feed(model.piece(token)))
                emit(texts[-1])
                if ended or stream.stopped:
                    finish = "stop"
                    break
            if unwanted.is_set() or self._closed.is_set():
                raise EngineClosed("the request was cancelled or the engine closed")
            if request.deadline_at is not None and time.time() >= request.deadline_at:
                finish = "deadline"
                break
        texts.append(stream.finish())
        emit(texts[-1])
        return _summarize("".join(texts), logprobs, len(prompt), time.monotonic() - started, finish)


def _steps(model: _Gguf, prompt: list[int], request: Request) -> Iterator[tuple[int, float] | None]:
    """Generate in steps that may be the last: None before each block of the prompt, then token and log-probability."""
    random = np.random.default_rng(request.seed)
    logits = np.empty(0, np.float32)
    for start in range(model.rewind(prompt), len(prompt), BLOCK_TOKENS):
        yield None
        logits = model.read_block(prompt[start : start + BLOCK_TOKENS])
    for left in reversed(range(min(request.max_tokens, model.context_tokens - len(prompt)))):
        token, logprob = sample(logits, request, random)
        yield token, logprob
        if left:
            logits = model.decode([token])


def _summarize(text: str, logprobs: list[float], prompt_tokens: int, latency_s: float, finish: Finish) -> Completion:
    """Make the completion, with what its log-probabilities say."""
    mean, lowest, count = mean_logprob(logprobs), min_logprob(logprobs), len(logprobs)
    tokens = {"prompt_tokens": prompt_tokens, "completion_tokens": count}
    return Completion(text=text, logprob=mean, min_logprob=lowest, latency_s=latency_s, finish=finish, **tokens)

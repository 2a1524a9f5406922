"""A GGUF file in llama.cpp: what it is, what a conversation is in its tokens, and what its grammars allow."""

from __future__ import annotations

import ctypes
from functools import cache, lru_cache
from typing import TYPE_CHECKING

import numpy as np
from jinja2 import TemplateError

from models.catalogue import check_gguf, fetch_hint
from models.engine import GrammarError, ModelError
from models.native import Jinja2ChatFormatter, llama_cpp, native_errors
from models.pages import release_pages
from models.prompt import Part, render_parts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from models.engine import Role, Turn

_PIECE_BYTES = 1024
_VALUE_BYTES = 128
_RENDERED = 64  # conversations, by their roles
_TOKEN_DATA = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)])  # llama_token_data


class Gguf:
    """A loaded model.  Only the compute thread uses it.

    Raises:
        ModelError: the file is not a usable model.

    """

    def __init__(self, path: Path, gpu_layers: int) -> None:
        self.path = path
        check_gguf(path)
        native_errors().clear()
        parameters = llama_cpp.llama_model_default_params()
        parameters.n_gpu_layers = gpu_layers
        self.model = llama_cpp.llama_model_load_from_file(str(path).encode(), parameters)
        if not self.model:
            raise self.error("llama.cpp cannot load it")
        release_pages(path)
        self._vocabulary = llama_cpp.llama_model_get_vocab(self.model)
        self.vocabulary_tokens: int = llama_cpp.llama_vocab_n_tokens(self._vocabulary)
        self._eos = self._token_text(llama_cpp.llama_vocab_eos(self._vocabulary))
        self._bos = self._token_text(llama_cpp.llama_vocab_bos(self._vocabulary))
        self._parts = lru_cache(_RENDERED)(self._render_parts)
        self.piece = cache(self._piece)

    def close(self) -> None:
        """Free the model."""
        llama_cpp.llama_model_free(self.model)

    @property
    def parameters(self) -> int:
        """How many weights it has."""
        return int(llama_cpp.llama_model_n_params(self.model))

    @property
    def weight_bytes(self) -> int:
        """How much memory its weights take."""
        return int(llama_cpp.llama_model_size(self.model))

    @property
    def trained_tokens(self) -> int:
        """The longest context that the model was trained for."""
        return int(llama_cpp.llama_model_n_ctx_train(self.model))

    @property
    def sharing(self) -> bool:
        """Whether its state can be cut at any token; that of a recurrent model can not."""
        return not (llama_cpp.llama_model_is_recurrent(self.model) or llama_cpp.llama_model_is_hybrid(self.model))

    def kv_bytes(self, cells: int) -> int:
        """Estimate the size of a KV cache: 16 bits per layer, group of heads, and dimension of key and value."""
        model = self.model
        usual = llama_cpp.llama_model_n_embd(model) // max(1, llama_cpp.llama_model_n_head(model))
        lengths = (self._number("attention.key_length", usual), self._number("attention.value_length", usual))
        dimensions = llama_cpp.llama_model_n_head_kv(model) * sum(lengths)
        return int(cells * llama_cpp.llama_model_n_layer(model) * dimensions * 2)

    def prompt(self, messages: Sequence[Turn]) -> list[int]:
        """Render the chat template and tokenize it; what looks like a control token within the texts is text.

        All else is tokenized as a whole, as the model was trained.

        Raises:
            ModelError: it has no chat template that takes these messages.

        """
        said = [turn for turn in messages if turn.content or turn.role != "system"]
        tokens: list[int] = []
        for text, special in self._spelt(
            [turn.content for turn in said], self._parts(tuple(turn.role for turn in said))
        ):
            begins = special and not tokens and not (self._bos and text.startswith(self._bos))  # the template may do it
            tokens += self._tokenize(text, special=special, begins=begins)
        return tokens

    def _spelt(self, texts: Sequence[str], parts: Sequence[Part]) -> Iterator[tuple[str, bool]]:
        """Put texts into their places; yield what may hold control tokens (True) and what only looks like it."""
        joined = ""
        for part in parts:
            text = part if isinstance(part, str) else texts[part]
            if isinstance(part, str) or self._tokenize(text, special=True) == self._tokenize(text):
                joined += text
            else:
                yield from ((joined, True), (text, False)) if joined else ((text, False),)
                joined = ""
        if joined:
            yield joined, True

    def tokens(self, text: str) -> list[int]:
        """See `backend.Runner`."""
        return self._tokenize(text)

    def grammar(self, text: str) -> _Grammar:
        """See `backend.Runner`.  Where a syntax error lies, llama.cpp tells standard error only."""
        native_errors().clear()
        sampler = llama_cpp.llama_sampler_init_grammar(self._vocabulary, text.encode(), b"root")
        if not sampler:
            raise GrammarError(f"llama.cpp cannot use the grammar: {'; '.join(native_errors())}")
        return _Grammar(sampler, self.vocabulary_tokens)

    def error(self, what: str) -> ModelError:
        """Make an error of one line: the file, what failed, and what llama.cpp said."""
        native = f": {native_errors()[0]}" if native_errors() else ""
        return ModelError(f"{self.path}: {what}{native}{fetch_hint(self.path)}")

    def _number(self, key: str, default: int) -> int:
        """Return a number of the architecture's metadata."""
        value = self._metadata(f"{self._metadata('general.architecture')}.{key}")
        return int(value) if value.isdecimal() else default

    def _metadata(self, key: str) -> str:
        """Return a value of the file's metadata, empty if there is none."""
        buffer = ctypes.create_string_buffer(_VALUE_BYTES)
        llama_cpp.llama_model_meta_val_str(self.model, key.encode(), buffer, _VALUE_BYTES)
        return buffer.value.decode(errors="replace")

    def _piece(self, token: int) -> bytes | None:
        """Return the token's bytes, which need not be whole characters; a control token has none; None: an end."""
        if llama_cpp.llama_vocab_is_eog(self._vocabulary, token):
            return None
        buffer = ctypes.create_string_buffer(_PIECE_BYTES)
        size = llama_cpp.llama_token_to_piece(self._vocabulary, token, buffer, _PIECE_BYTES, 0, False)  # noqa: FBT003
        return buffer.raw[: max(0, size)]

    def _render_parts(self, roles: tuple[Role, ...]) -> list[Part]:
        template = llama_cpp.llama_model_chat_template(self.model, None)
        if not template:
            raise self.error("it has no chat template")
        try:
            formatter = Jinja2ChatFormatter(template.decode(), self._eos, self._bos)
            return render_parts(lambda messages: str(formatter(messages=messages).prompt), roles)
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

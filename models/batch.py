"""How large a step's batch is.  Pure; the figures are of two cores and Qwen2.5-Coder-0.5B Q4_K_M.

Many tokens a step let sequences that were asked together begin, run and end together, so that the batch stays full; few
let those that generate, cancelling and deadlines wait less for the step's end.  Tokens/s with two rounds of 8 requests:
53 at 64 tokens a step, 57 at 128, 58 at 512 (llama-server 55); of 16 requests: 72, 77 and 81 (llama-server 75).
Prompts alone are read at 246 tokens/s in batches of 32, 284 of 64 (72: 265), 287 of 128.  A step's time goes with
parameters times tokens.  `_STEP_WORK` is about half a second; from a billion parameters on, MIN_TOKENS are more than
that: 0.8 s with 1.5 billion (80 tokens/s), and in proportion about 4 s with eight.

A long prompt that is read while nobody else waits delays nobody: of 1,500 tokens, batches of 512 save 4 % of the core
time of those of 128, and where others use the cores, too, the fewer waits for them save more.  Nor do 16 requests that
nobody reads as they are answered: 81 tokens/s in batches of 512, 77 of 128 (llama-server 84, in batches of 2,048).

ggml multiplies repacked weights (Q4_0, Q4_K, Q8_0 and others, on CPUs) by four rows at a time, by those left one by
one.  Core time of a step: 6 rows 161 ms, 7 rows 173, 8 rows 147; 14 rows 227, 15 rows 242, 16 rows 201.  So up to two
rows are added, but not to fewer than four (3 rows 102, 4 rows 110) nor three (17 rows 232, 20 rows 250).
"""

from __future__ import annotations

MIN_TOKENS, MAX_TOKENS = 64, 128
GPU_TOKENS = 512  # a step is short there: llama.cpp's own default
ROWS_AT_ONCE = 4
MAX_LONE_TOKENS = 512  # llama.cpp's own default
_STEP_WORK = 64e9  # parameters times tokens
_LONE_WORK = 320e9  # about two and a half seconds


def batch_tokens(parameters: int, sequences: int, gpu_layers: int) -> int:
    """Return how many tokens a step of a model with so many parameters may have, at least two for each sequence."""
    fitting = int(_STEP_WORK / max(1, parameters)) // ROWS_AT_ONCE * ROWS_AT_ONCE
    tokens = GPU_TOKENS if gpu_layers else min(MAX_TOKENS, max(MIN_TOKENS, fitting))
    return max(tokens, 2 * sequences + 2 * sequences % ROWS_AT_ONCE)


def lone_tokens(parameters: int, tokens: int) -> int:
    """Return how many tokens a step may have that delays nobody, where other steps have so many."""
    fitting = int(_LONE_WORK / max(1, parameters)) // ROWS_AT_ONCE * ROWS_AT_ONCE
    return max(tokens, min(MAX_LONE_TOKENS, fitting))


def padding_rows(rows: int) -> int:
    """Return how many rows to add to so many, for a multiple of ROWS_AT_ONCE, where that is faster."""
    missing = -rows % ROWS_AT_ONCE
    return missing if rows >= ROWS_AT_ONCE and missing <= ROWS_AT_ONCE // 2 else 0

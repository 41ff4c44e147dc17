# `make serve` runs the whole system, `make test` all tests; both make their own virtual environment first.
PYTHON ?= python3
PORT ?= 8000
DATA ?= event-registration-data
VENV ?= .venv
BIN := $(VENV)/bin
# What is served and tested is the wheel, installed as users install it, with src/ out of sight.
SOURCES := $(shell find src web deploy -type f -not -name '*.pyc') pyproject.toml README.md LICENSE

.PHONY: serve test check suite proof bench clean

serve: $(VENV)/installed
	@$(BIN)/event-registration serve --port $(PORT) --data $(DATA)

test: check suite

# What pytest makes of the tests is kept for the next run, whatever is set: it is half of what it does before the first.
suite: export PYTHONDONTWRITEBYTECODE =
suite: $(VENV)/tested
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest --numprocesses auto --dist loadfile --no-loadscope-reorder $(PYTEST)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report $(COVERAGE)

check: $(VENV)/tested
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

proof: $(VENV)/tested
	$(BIN)/python -m pytest -m proof -rP tests

bench: $(VENV)/tested
	$(BIN)/python -m benchmarks $(BENCH)

clean:
	rm -rf $(VENV) dist build .coverage* .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(VENV)/python: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.13 ...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	@touch $@

$(VENV)/installed: $(VENV)/python $(SOURCES)
	$(BIN)/python -m pip install --quiet .
	@touch $@

$(VENV)/tools: $(VENV)/python pyproject.toml
	$(BIN)/python -m pip install --quiet --group dev
	@touch $@

$(VENV)/tested: $(VENV)/tools $(SOURCES)
	rm -rf $(VENV)/dist
	$(BIN)/python -m build --wheel --no-isolation --outdir $(VENV)/dist .
	$(BIN)/python -m pip install --quiet --upgrade --force-reinstall --no-deps $(VENV)/dist/*.whl
	$(BIN)/python -m pip install --quiet $(VENV)/dist/*.whl
	@touch $@

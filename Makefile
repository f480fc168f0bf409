# Two commands: `make demo` and `make test`. Both create what they need, and need nothing else.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt
# Two test workers of one thread each are quicker on two cores than one worker of two threads.
WORKERS ?= 2

.PHONY: demo test lint format docs dist clean help

help:
	@echo "make demo   install and run the whole job offline on the models that ship"
	@echo "make test   install what the tests need, check style and types, run every test"
	@echo "make lint   style and types only;  make format   put the style right"
	@echo "make docs   build the documentation as a site in site/, every link checked"
	@echo "make dist   build the wheel and the source package in dist/, and check both"

demo: $(VENV)/.local
	@$(BIN)/countcheck demo

test: lint
	@$(BIN)/python -m compileall -q countcheck tests  # once, and not by every command that the tests start
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

lint: $(VENV)/.test
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

format: $(VENV)/.test
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

docs: $(VENV)/.docs
	@$(BIN)/python docs/make_pages.py --check
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo "site/index.html"

dist: $(VENV)/.release
	@rm -rf dist
	@$(BIN)/python -m build --outdir dist . >/dev/null
	@$(BIN)/twine check --strict dist/*

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "countcheck needs Python 3.11 or newer; set PYTHON=python3.x")'
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.local: $(VENV)/bin/python pyproject.toml constraints.txt
	@echo "installing countcheck with torch and diffusers into $(VENV) (a few minutes, once)"
	@$(PIP) -e '.[local]'
	@touch $@

$(VENV)/.test: $(VENV)/.local pyproject.toml constraints.txt
	@echo "installing what the tests need (once)"
	@$(PIP) -e '.[test,yolo]'
	@touch $@

$(VENV)/.docs: $(VENV)/bin/python pyproject.toml constraints.txt
	@$(PIP) -e '.[docs]'
	@touch $@

$(VENV)/.release: $(VENV)/bin/python pyproject.toml constraints.txt
	@$(PIP) -e '.[release]'
	@touch $@

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist site

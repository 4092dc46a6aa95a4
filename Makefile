# The two commands a newcomer needs are `make report` and `make test`. `make help` lists the rest.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
OUT    ?= build/infant-all
KM     ?=
FUZZ   ?= 10

# Byte code is kept whatever the machine says: the tests start the command line a hundred times.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup report test lint bench validate references serve clean constraints
.DEFAULT_GOAL := help

help: ## list the commands
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(VENV)/.ready: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "nextarm needs Python 3.11 or newer")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test,lint]'
	@touch $@

setup: $(VENV)/.ready ## create the environment in .venv

report: $(VENV)/.ready ## run the main job on the bundled evidence and say where the report is
	$(BIN)/nextarm report infant-all --workers 2 --out $(OUT)

test: $(VENV)/.ready ## run all tests, and the main job once
	$(BIN)/python -m pytest -n 2 --dist worksteal # neighbours share what their file makes, so whole stretches go to one worker

lint: $(VENV)/.ready ## check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/.ready ## measure speed against peers on this machine; writes bench/RESULTS.md (KM=folder adds the accuracy of reconstruction and of figures, FIGURES=folders more figures)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -r bench/requirements.txt
	$(BIN)/python bench/run.py $(if $(KM),--km $(KM)) $(if $(FIGURES),--figures $(FIGURES))

validate: $(VENV)/.ready ## run every validation case, the slow ones too, and fuzz the readers of figures for FUZZ minutes (10); write the dossier and docs/validation.md
	$(BIN)/nextarm verify --slow --workers 2 --out build/verify
	$(BIN)/python bench/validation_page.py build/verify/verify.json
	$(BIN)/python -c "from nextarm.synthesis.coverage import write_coverage_page; write_coverage_page()"
	$(BIN)/python tests/fuzz_figures.py --minutes $(FUZZ) --keep build/fuzz

references: $(VENV)/.ready ## remake the frozen reference values with R and compare
	$(BIN)/python references/remake.py

serve: $(VENV)/.ready ## open the local web page
	$(BIN)/nextarm serve

constraints: $(VENV)/.ready ## write the versions in use to constraints.txt
	$(BIN)/python -m pip freeze --exclude-editable | grep -v '@' > constraints.txt

clean: ## remove everything that was built
	rm -rf build dist $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis

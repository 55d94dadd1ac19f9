# Two commands: `make demo` and `make test`. Both make their own environment in .venv.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test lint slow campaign docs bench figures clean

demo: .venv/.installed
	$(BIN)/spikelearn train plateau-best --data digits --reading text --hidden 200 --epochs 25 --seed 1 \
		--out runs/demo --overwrite

# One thread of BLAS for each of the processes: else they wait for each other.
test: export OPENBLAS_NUM_THREADS := 1
test: lint
	$(BIN)/python -m pytest -n auto
	NUMBA_DISABLE_JIT=1 $(BIN)/python -m pytest -n auto tests/core

lint: .venv/.installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy

# Minutes: learning on digits and, where SPIKELEARN_DATA has it, on MNIST.
slow: .venv/.installed-test
	$(BIN)/python -m pytest -m slow --ignore tests/campaign

# An hour: kills, full disks, damaged files and very many examples, by the thousand.
campaign: .venv/.installed-test
	$(BIN)/python -m pytest -n auto -m slow tests/campaign

# Tutorials are run for it, some two minutes; open docs/_build/html/index.html.
docs: .venv/.installed-test
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/_build/html

# All pictures and the tables of figures/README.md, from the committed results.
figures: .venv/.installed
	for name in $(basename $(notdir $(wildcard experiments/results/*.json))); do \
		test ! -f figures/$$name.py || $(BIN)/python figures/$$name.py || exit; done
	$(BIN)/python figures/gallery.py

bench: .venv/.installed
	$(BIN)/spikelearn bench

clean:
	rm -rf .venv build dist *.egg-info docs/_build docs/api docs/gallery docs/sg_execution_times.rst

.venv/.installed: setup.cfg pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "spikelearn needs Python 3.11 or newer; make PYTHON=...")'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	touch $@

.venv/.installed-test: .venv/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	touch $@

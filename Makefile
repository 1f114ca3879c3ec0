# Two commands: `make demo` shows Tessera at work, `make test` checks it. Both do all the set-up.
# Needs Linux and Python 3.11, 3.12 or 3.13. Everything else is installed into .venv.

unexport PYTHONDONTWRITEBYTECODE
# A hospital's proxy often signs with a certificate that only the machine knows.
export UV_SYSTEM_CERTS := 1
PYTHON ?= python3
BIN := .venv/bin
UV_VERSION := 0.13.9

.PHONY: demo test test-long check format setup system-tools bench clean

demo: .venv/.run system-tools
	$(BIN)/tessera demo

test: .venv/.dev system-tools
	$(BIN)/python -m pytest -q -n 4 --dist loadfile --no-loadscope-reorder

# What other tests enter already: trainings that end in every way, more languages.
test-long: .venv/.dev system-tools
	$(BIN)/python -m pytest -q -n 4 --dist loadfile -m long

check: .venv/.dev
	$(BIN)/ruff format --check src tests bench tools
	$(BIN)/ruff check src tests bench tools
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q tests/architecture tests/docs

format: .venv/.dev
	$(BIN)/ruff format src tests bench tools
	$(BIN)/ruff check --fix src tests bench tools

setup: .venv/.dev

# The demonstration needs the program alone; the tests need the development tools too.
.venv/.uv:
	$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' \
	  || { echo "Tessera needs Python 3.11, 3.12 or 3.13; try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	touch $@

.venv/.run: .venv/.uv requirements.lock pyproject.toml
	test -e .venv/.dev || VIRTUAL_ENV=.venv $(BIN)/uv pip install --quiet --require-hashes --compile-bytecode -r requirements.lock
	VIRTUAL_ENV=.venv $(BIN)/uv pip install --quiet --no-deps --editable .
	touch $@

.venv/.dev: .venv/.uv requirements-dev.lock pyproject.toml
	VIRTUAL_ENV=.venv $(BIN)/uv pip install --quiet --require-hashes --compile-bytecode -r requirements-dev.lock
	VIRTUAL_ENV=.venv $(BIN)/uv pip install --quiet --no-deps --editable .
	touch $@

# The sandbox of tools (bubblewrap), and the outside judges of the conformance tests (dcmdump,
# dciodvfy). Where they cannot be installed, what needs them is skipped and says so.
system-tools:
	@sh tools/system-tools.sh

bench: .venv/.dev .venv-bench/.done
	$(BIN)/python bench/run.py

# The peers have an environment of their own, so that theirs cannot change ours.
.venv-bench/.done: bench/requirements.txt
	$(PYTHON) -m venv .venv-bench
	.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check -r bench/requirements.txt
	touch $@

clean:
	rm -rf .venv .venv-bench .mypy_cache .ruff_cache .pytest_cache demo-data

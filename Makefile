# The commands of this project. Each sets up what it needs on a fresh machine; second runs start in seconds.
#   make run          the window (without a display: the service, with its address)
#   make test         the whole test suite
#   make check        style, types, layers
#   make bench        speed, side by side with the peers
#   make soak         half an hour of mixed load; ARGS="--minutes 5" for less
#   make screenshots  pictures of every view, into build/screenshots/
#   make setup        only the set-up

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready

# Threads that wait sleep instead of spinning: on a busy machine the suite would otherwise crawl. (The service sets its own.)
test screenshots: export OMP_WAIT_POLICY ?= PASSIVE
# Every start of the service would compile it anew, a fifth of a second each; an installed copy is compiled once.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run test check bench soak screenshots setup format clean

run: setup
	@$(BIN)/inglenook-app

# A process that crashes ends the run and names its test; one started in its place would stand still.
test: setup
	$(BIN)/python -m pytest -n 2 --dist loadfile --max-worker-restart 0 -m "not alone" $(ARGS) || [ $$? -eq 5 ]  # 5: ARGS named none of these
	$(BIN)/python -m pytest -m alone $(ARGS) || [ $$? -eq 5 ]

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: setup
	$(BIN)/python -m tests.bench $(if $(ROW),--row $(ROW)) $(ARGS)

soak: setup
	$(BIN)/python -m tests.soak $(ARGS)

screenshots: setup
	QT_QPA_PLATFORM=offscreen $(BIN)/python -m tests.screenshots $(ARGS)

format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

setup: $(READY)

$(READY): pyproject.toml packaging/constraints.txt packaging/system-libraries.sh
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Inglenook needs Python 3.11 or newer; set PYTHON=/path/to/python3.11"; exit 1; }
	@PYTHON=$(PYTHON) sh packaging/system-libraries.sh
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing the dependencies (once; PyTorch is large)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint packaging/constraints.txt pip setuptools
	@PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint packaging/constraints.txt --no-build-isolation --config-settings editable_mode=compat --editable . --group dev
	@touch $(READY)

clean:
	rm -rf $(VENV) build dist *.egg-info

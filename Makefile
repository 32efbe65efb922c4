# Everything happens in .venv, which is made here and brought up to date when pyproject.toml changes.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check

.PHONY: test matrix quickstart tipc lint wheel clean

test: $(STAMP)
	$(BIN)/pytest --numprocesses auto --dist loadfile --no-loadscope-reorder

# the same against PaddleVideo on older and newer Paddle and NumPy; environments of its own in .matrix
matrix:
	PYTHON=$(PYTHON) .ci/matrix

quickstart: $(STAMP)
	$(BIN)/ctrgcn quickstart

# upstream's train-infer-python chain of every model and recipe, in a git checkout of PaddleVideo
tipc: $(STAMP)
	$(BIN)/ctrgcn tipc all --chain train_infer_python train_infer_python_aug train_infer_python_dml

lint: $(STAMP)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy ctrgcn_plugin

wheel: $(STAMP)
	$(BIN)/python -m build --outdir dist

clean:
	rm -rf $(VENV) .matrix build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(STAMP): pyproject.toml setup.py
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --upgrade pip
	$(PIP) install --editable ".[cpu,upstream,plot,ray,test,lint]"
	touch $@

# Each target sets up what it needs, on a machine with only python3, git and make.
#   make demo   train, quantize and run on Fashion-MNIST
#   make demo-update  three devices that take signed releases by themselves, and go back from a bad one
#   make models all shipped models from nothing, by their recipes; PHOTOGRAPHS=FOLDER for `camera`; takes days
#   make test   all tests
#   make test-vm  the product in a machine of its own: systemd, a camera device, power cuts; docs/explanation/machine.md
#   make lint   ruff, mypy and the directions of imports
#   make check  lint and the tests that train nothing
#   make wheel  dist/fedge-VERSION-py3-none-any.whl, to install on a device
#   make docs   the documentation as a site, in site/

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO := runs/demo
MODELS ?= runs/recipes
SCALE ?= 1
TESTS ?= tests
# Most tests wait for a process of their own; two at a time take a core each.
WORKERS ?= 2
SUITES ?= bookworm trixie

export PIP_DISABLE_PIP_VERSION_CHECK := 1

# Installs Debian's packages $(1) as root, or by a sudo that asks no password. Otherwise, or offline, it does nothing.
apt_install = asroot=; [ "$$(id -u)" = 0 ] || asroot="sudo -n"; \
	if command -v apt-get >/dev/null && $$asroot true 2>/dev/null; then $$asroot apt-get update -q && \
	$$asroot env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $(1) || true; fi

.PHONY: demo demo-update models test test-programs test-vm lint check wheel docs clean

demo: $(VENV)/.train
	rm -rf $(DEMO)
	$(BIN)/fedge train --arch classic --epochs 12 --out $(DEMO)
	$(BIN)/fedge quantize $(DEMO) --out $(DEMO)/demo.tflite
	$(BIN)/fedge verify $(DEMO)/demo.tflite
	$(BIN)/fedge samples $(DEMO)/samples
	$(BIN)/fedge run $(DEMO)/demo.tflite --source $(DEMO)/samples

demo-update: $(VENV)/.test
	$(BIN)/python tests/bench/demo_update.py

# Goes on where it was stopped. Without the photographs, `camera` is left out.
models: $(VENV)/.train
	$(BIN)/fedge train --recipe nano --recipe small --recipe base \
	  $(if $(PHOTOGRAPHS),--recipe camera --data "$(PHOTOGRAPHS)") --out $(MODELS) --scale $(SCALE)

test: $(VENV)/.test test-programs
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile $(TESTS)

# What the machine is built of is kept in ~/.cache/fedge/machine: only the first time takes half an hour longer.
test-vm: $(VENV)/.test
	bash tests/machine/tools.sh
	$(BIN)/python tests/machine/parts.py $(SUITES)
	FEDGE_MACHINE="$(SUITES)" FEDGE_MACHINE_REPORT=docs/explanation/machine.md $(BIN)/python -m pytest tests/machine

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

# Programs that some tests need, and leave out without. Where none was installed, the tests say so at their end.
test-programs:
	@wanted=""; \
	command -v mosquitto >/dev/null || [ -x /usr/sbin/mosquitto ] || wanted="mosquitto"; \
	command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null || \
	  wanted="$$wanted chromium"; \
	[ -z "$$wanted" ] || { $(call apt_install,$$wanted); }

check: lint test-programs
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile -m "not slow" $(TESTS)

wheel: $(VENV)/.pip
	rm -rf dist
	$(BIN)/python -m pip wheel -q --no-deps -w dist .
	@ls dist/*.whl

docs: $(VENV)/.docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache dist site

$(VENV)/.train: pyproject.toml constraints.txt | $(VENV)/.pip
	$(BIN)/python -m pip install -q -c constraints.txt -e '.[train]'
	touch $@

$(VENV)/.test: $(VENV)/.train
	$(BIN)/python -m pip install -q -c constraints.txt -e '.[test]'
	touch $@

$(VENV)/.docs: pyproject.toml constraints.txt | $(VENV)/.pip
	$(BIN)/python -m pip install -q -c constraints.txt -e '.[docs]'
	touch $@

# Debian keeps pip for new environments in a package of its own. It is installed where that is allowed, and otherwise
# its wheel is fetched and used from a scratch folder.
$(VENV)/.pip:
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { $(call apt_install,python3-venv); }
	@if $(PYTHON) -c 'import ensurepip' 2>/dev/null; then $(PYTHON) -m venv $(VENV); \
	else \
	  $(PYTHON) -m venv --without-pip $(VENV) && mkdir -p $(VENV)/scratch && cd $(VENV)/scratch && \
	  apt-get download python3-pip-whl && dpkg -x python3-pip-whl_*.deb . && \
	  $(CURDIR)/$(BIN)/python $$(echo usr/share/python-wheels/pip-*.whl)/pip install -q --no-warn-script-location pip && rm -rf ../scratch; \
	fi
	touch $@

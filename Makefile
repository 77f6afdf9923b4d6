# Every chore has one name; `make` alone lists them. PYTHON=python3.12 make test picks another Python.
SHELL := /bin/bash
PYTHON ?= python3
UV_VERSION := 0.13.9

# Files of tests that run side by side; more than cores would make those that watch a clock wait.
WORKERS ?= 2

DEMO := .venv-demo
DEV := .venv
TFLITE := .venv-tflite
LIBEMG := .venv-libemg
MUTATION := .venv-mutation
UV := .venv-uv/bin/uv
PIP_INSTALL := -m pip --disable-pip-version-check install --quiet

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: firmware-check firmware-fuzz firmware-qemu
.PHONY: help demo test tour page-load check fmt tflite-env arm64 pythons bench-libemg mutation lock clean artifacts tflite figures

help: ## list what make can do
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(DEMO)/.ready ## move a simulated hand for 20 s, with the edge dependencies alone
	$(DEMO)/bin/flexor demo --seconds 20

test: check ## linters, types, import rules and every test
	$(DEV)/bin/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

check: $(DEV)/.ready ## linters, types and import rules
	$(DEV)/bin/ruff check .
	$(DEV)/bin/ruff format --check .
	$(DEV)/bin/mypy
	$(DEV)/bin/lint-imports

fmt: $(DEV)/.ready ## put the code into its style
	$(DEV)/bin/ruff check --fix .
	$(DEV)/bin/ruff format .

figures: $(DEV)/.ready ## measure everything on this machine and render docs/figures.md (DATA=MyoArmbandDataset)
	$(DEV)/bin/flexor train experiments/sleeve.toml --data synthetic:sleeve16 $(SIMULATED) --out runs/sleeve
	$(DEV)/bin/flexor train experiments/myo.toml --data myo_armband:$(DATA) --wearer evaluation/Male1 \
		--out runs/male1
	$(DEV)/bin/python scripts/figures.py measure --data $(DATA)

tour: $(DEV)/.ready ## play the page from pairing to the report, and take its pictures (chromium)
	$(DEV)/bin/python -m pytest -q tests/test_page_tour.py
	$(DEV)/bin/python scripts/page_pictures.py

page-load: $(DEV)/.ready ## what the page costs the control loop, open and killed, in one run (6 min)
	$(DEV)/bin/python scripts/page_load.py

firmware-check: $(DEV)/.ready ## the firmware in C: all branches, sanitizers, static analysis (gcc; cppcheck, clang)
	$(DEV)/bin/python scripts/firmware_coverage.py
	$(DEV)/bin/python -m pytest -q tests/test_firmware_tools.py

FUZZ_S ?= 60
FUZZ_FLAGS := -std=c99 -O1 -g -Ifirmware/src -fsanitize=address,undefined -fno-sanitize-recover=all
firmware-fuzz: $(DEV)/.ready ## the firmware in C under random scripts, and how often noise passes (FUZZ_S=60)
	mkdir -p build
	gcc $(FUZZ_FLAGS) firmware/fuzz/fuzz.c firmware/src/*.c -o build/firmware-fuzz
	build/firmware-fuzz $(FUZZ_S) $$RANDOM
	$(DEV)/bin/python scripts/link_robustness.py

firmware-qemu: $(DEV)/.ready ## the firmware in C on two emulated Cortex-M3 (gcc-arm-none-eabi, qemu-system-arm)
	$(DEV)/bin/python -m pytest -q -rs tests/test_firmware_hand.py -k cortex

SIMULATED := --wearer wearer0 --session seed1000 --general wearer
TRAIN_DEMO := $(DEV)/bin/flexor train experiments/demo.toml --data synthetic:armband $(SIMULATED) --ship --out runs/demo

artifacts: $(DEV)/.ready tflite-env ## train anew what ships, on simulated wearers, in both formats
	$(TRAIN_DEMO)
	$(TFLITE)/bin/python -m training.tflite runs/demo runs/demo/artifact.tflite
	cp runs/demo/artifact.onnx flexor/artifacts/demo.onnx
	cp runs/demo/artifact.tflite flexor/artifacts/demo.tflite

RUN ?= runs/demo
tflite: $(TFLITE)/.ready $(RUN)/artifact.onnx ## a training folder's network as .tflite, checked (RUN=FOLDER)
	$(TFLITE)/bin/python -m training.tflite $(RUN) $(RUN)/artifact.tflite

runs/demo/artifact.onnx: | $(DEV)/.ready
	$(TRAIN_DEMO)

tflite-env: $(TFLITE)/.ready ## make the environment of the .tflite converter

arm64: $(DEV)/.ready $(UV) ## edge tests and golden recordings in emulated arm64 Debian (root)
	scripts/arm64 bookworm $(DEV)/bin/python $(UV)
	scripts/arm64 trixie $(DEV)/bin/python $(UV)

pythons: $(UV) ## edge tests on every Python from 3.10 to 3.13 that is installed here
	scripts/pythons $(UV)

bench-libemg: $(DEMO)/.ready $(LIBEMG)/.ready ## LibEMG and Flexor side by side: latency, CPU, memory, start
	$(LIBEMG)/bin/python scripts/bench_libemg.py --flexor $(DEMO)/bin/flexor --json docs/bench-libemg.json

mutation: $(MUTATION)/.ready ## change the safety gate in a thousand ways and count what no test notices (40 min)
	scripts/mutation $(MUTATION)/bin

lock: $(UV) ## write the lock files anew (UPGRADE=--upgrade takes newer versions)
	$(UV) pip compile --quiet $(UPGRADE) pyproject.toml requirements/build.in -o requirements/edge.txt
	$(UV) pip compile --quiet $(UPGRADE) pyproject.toml requirements/build.in --extra dev -o requirements/dev.txt
	$(UV) pip compile --quiet $(UPGRADE) pyproject.toml requirements/build.in --extra convert -o requirements/tflite.txt

clean: ## remove the environments, the arm64 roots and all caches
	rm -rf .venv .venv-* .arm64 .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage build flexor.egg-info
	find . -name __pycache__ -prune -exec rm -rf {} +

# A stamp is younger than what it was made from, so a second run installs nothing.
$(DEMO)/.ready: requirements/edge.txt pyproject.toml
	@echo "Installing the edge dependencies into $(DEMO) ..."
	$(PYTHON) -m venv $(DEMO)
	$(DEMO)/bin/python $(PIP_INSTALL) --require-hashes -r requirements/edge.txt
	$(DEMO)/bin/python $(PIP_INSTALL) --no-deps --no-build-isolation -e .
	@touch $@

# The lock comes first and holds all but torch; then any build of the pinned torch serves, the
# plain CPU wheel or the CUDA one with the libraries that it asks for. So torch alone has no hash.
$(DEV)/.ready: requirements/dev.txt requirements/peers.txt pyproject.toml
	@echo "Installing the full environment into $(DEV) ..."
	$(PYTHON) -m venv $(DEV)
	$(DEV)/bin/python $(PIP_INSTALL) --require-hashes --no-deps -r requirements/dev.txt
	$(DEV)/bin/python $(PIP_INSTALL) --no-build-isolation -e '.[training]'
	$(DEV)/bin/python -m pip uninstall --quiet --yes -r requirements/peers.txt
	$(DEV)/bin/python -m pip check
	$(DEV)/bin/python $(PIP_INSTALL) --require-hashes --no-deps -r requirements/peers.txt
	@touch $@

$(TFLITE)/.ready: requirements/tflite.txt pyproject.toml
	@echo "Installing the .tflite converter into $(TFLITE) ..."
	$(PYTHON) -m venv $(TFLITE)
	$(TFLITE)/bin/python $(PIP_INSTALL) --require-hashes --no-deps -r requirements/tflite.txt
	$(TFLITE)/bin/python $(PIP_INSTALL) --no-build-isolation -e '.[convert]'
	$(TFLITE)/bin/python -m pip check
	@touch $@

$(UV):
	$(PYTHON) -m venv .venv-uv
	.venv-uv/bin/python $(PIP_INSTALL) uv==$(UV_VERSION)

# The peer of the comparison and its some 75 dependencies; their versions are told in the result.
$(LIBEMG)/.ready:
	@echo "Installing LibEMG into $(LIBEMG) (about 1 GB) ..."
	$(PYTHON) -m venv $(LIBEMG)
	$(LIBEMG)/bin/python $(PIP_INSTALL) 'libemg==2.0.3' 'numpy<2' pandas psutil
	@touch $@

$(MUTATION)/.ready: pyproject.toml
	@echo "Installing the mutation tester into $(MUTATION) ..."
	$(PYTHON) -m venv $(MUTATION)
	$(MUTATION)/bin/python $(PIP_INSTALL) 'cosmic-ray>=8.7,<9' 'pytest>=8' 'hypothesis>=6.100' -e .
	@touch $@

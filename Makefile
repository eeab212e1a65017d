# make demo    from an empty folder to a verdict on a relabelling pass, in build/demo/
# make demo-production  from a delivery without labels (simulated) to a verdict on what was brought back from it
# make try     your change of the template in a project: what it touches runs again there; KIND=tables or texts for another kind
# make lint    linters and type check, in seconds
# make test    linters, type check and tests, of the template and of a project made from it
# make bench   costs as ratios to a floor measured in the same run; make bench-validity: error rates of the verdict (minutes a set;
#              SETS="tables texts" takes others than the digits and Fashion-MNIST)
# make bench-images  the image model beside the one before, on three sets, see docs/image-model.md (needs packages of Debian)
# make bench-next-step  what `errors` said against what then happened, see docs/next-step.md (20 minutes)
# make study  what cleaning 500 examples with 12 % wrong labels is worth, see docs/study.md (needs a package of Debian)
# make docs    the samples, pictures and transcripts in docs/ and README.md, from a real run, and the site (PARTS=site: the site alone)
# make sums    write the checksums of the machinery, after a change of it
# make pins    choose new versions for constraints.txt, after a change of dependencies
# Named, since make 3.81 of macOS runs a plain command without a shell, and then looks for it on its own PATH, not on that below.
SHELL := /bin/bash
PYTHON ?= python3
# Relative in targets, since make cannot have a blank in one, and the folder of the checkout may.
VENV := .venv
TEMPLATE := {{cookiecutter.project_slug}}
CONSTRAINTS := $(TEMPLATE)/constraints.txt
PYTHONS := tests docs hooks templates "$(TEMPLATE)/src"
# Every command of a project finds the environment's `python` and `dvc` first.
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export DVC_NO_ANALYTICS := 1
# The machinery's tests run in the template's folder, which cookiecutter copies whole.
export PYTHONDONTWRITEBYTECODE := 1

.PHONY: demo demo-production try lint test bench bench-validity bench-images bench-next-step study docs sums pins clean

demo: $(VENV)/ready
	@python tests/demo.py build/demo

demo-production: $(VENV)/ready
	@python tests/demo_production.py build/demo-production

try: $(VENV)/ready-test
	@python tests/try_change.py build/try $(KIND)

lint: $(VENV)/ready-test
	ruff check --config pyproject.toml $(PYTHONS) && ruff format --config pyproject.toml --check $(PYTHONS)
	mypy

# Files in order: the stories, few and slow, come before tests/unit.
test: lint build/node/ready
	python tests/browser.py
	python -m pytest -n auto --dist loadscope --no-loadscope-reorder

bench: $(VENV)/ready-test
	PYTHONPATH="$(TEMPLATE)/src" python tests/bench.py

bench-validity: $(VENV)/ready-test
	PYTHONPATH="$(TEMPLATE)/src" python tests/bench_validity.py $(SETS)

bench-images: $(VENV)/ready-test
	PYTHONPATH="$(TEMPLATE)/src" python tests/bench_images.py

bench-next-step: $(VENV)/ready-test
	PYTHONPATH="$(TEMPLATE)/src" python tests/bench_next_step.py build/next-step

study: $(VENV)/ready-test
	python tests/browser.py
	PYTHONPATH="$(TEMPLATE)/src" nice python tests/study.py $(ARGS)

docs: $(VENV)/ready-test
	python tests/browser.py
	python tests/make_docs.py $(PARTS)

$(VENV)/ready: pyproject.toml $(TEMPLATE)/pyproject.toml $(CONSTRAINTS) tests/requirements.py
	@echo "[1/7] environment: $(CURDIR)/$(VENV) (minutes the first time; torch alone is 200 MB or more)"
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed; say which: make PYTHON=python3.12" if sys.version_info < (3, 11) else 0)'
	@test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	@$(PYTHON) tests/requirements.py > $(VENV)/requirements.txt
	pip install -c "$(CONSTRAINTS)" -r $(VENV)/requirements.txt
	@touch $@

$(VENV)/ready-test: $(VENV)/ready
	@$(PYTHON) tests/requirements.py test docs dev cluster large > $(VENV)/requirements-test.txt
	pip install -c "$(CONSTRAINTS)" -r $(VENV)/requirements-test.txt
	@touch $@

# A local runner of GitLab's format. Without npm, which comes with Node 20 or newer, its tests are skipped.
build/node/ready: tests/node/package.json tests/node/package-lock.json
	@mkdir -p build/node && cp tests/node/*.json build/node
	@if command -v npm > /dev/null; then cd build/node && npm ci --ignore-scripts --no-audit --no-fund --silent; fi
	@touch $@

sums: $(VENV)/ready
	cd "$(TEMPLATE)/src" && python -c 'from datapass import integrity; integrity.SUMS.write_text(integrity.sums(), encoding="utf-8")'

pins: $(VENV)/ready-test
	python tests/requirements.py test docs dev cluster large remotes > $(VENV)/requirements-test.txt
	pip install --upgrade --upgrade-strategy eager -r $(VENV)/requirements-test.txt
	@sed -n 1p "$(CONSTRAINTS)" > $(VENV)/constraints.txt
	@pip freeze --all --exclude-editable | grep -v '^pip==' | sed 's/+cpu$$//' >> $(VENV)/constraints.txt
	@grep ' ; ' "$(CONSTRAINTS)" >> $(VENV)/constraints.txt # what other systems alone install; choose its version by hand
	@cp $(VENV)/constraints.txt "$(CONSTRAINTS)"

clean:
	rm -rf build $(VENV)

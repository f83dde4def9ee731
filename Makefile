# doorunit: what a developer runs. `make help` lists it. Nothing is installed outside .venv but Debian packages, by root.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.NOTPARALLEL:
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory --no-builtin-rules
.DEFAULT_GOAL := help

PY := .venv/bin/python
PIP := $(PY) -m pip --disable-pip-version-check --no-input
# Twice quiet: errors only. Wheels only: a lock that would build something from source on this machine stops instead.
INSTALL := $(PIP) install -qq --only-binary :all: --require-hashes
UV ?= uv
# What MicroPython runs on in the tests. Asked for by command: where node comes from elsewhere, Debian's npm would clash with it.
NODE := $(if $(shell command -v node 2>/dev/null),,nodejs) $(if $(shell command -v npm 2>/dev/null),,npm)
# What the tests need from Debian: a real broker and a plain subscriber, a browser for the pages, Chinese type for its
# pictures, what decodes live view, what draws the wiring and renders the enclosure of hardware/, what sets a man page,
# a real SIP registrar, a database for receivers side by side, and what counts calls to the kernel
DEBIAN := mosquitto mosquitto-clients chromium ffmpeg fonts-noto-cjk graphviz groff-base openscad postgresql strace systemd kamailio $(NODE)
# Of these, what Debian would start on all addresses: masked before it is installed. The tests start their own.
UNSTARTED := kamailio

# What a Debian of its own with a real systemd in it needs besides; another processor's is emulated.
NSPAWN := mmdebstrap systemd-container
EMULATED = $(if $(findstring arm64,$(ON)),qemu-user-static arch-test)

# $(call debian,packages): installs those that are missing where this is root, else says which and how.
define debian
command -v dpkg-query >/dev/null || { echo "This is not Debian; see that its likes of these are installed: $(1)" >&2; exit 0; }
missing=()
for package in $(1); do
    dpkg-query -W -f='$${db:Status-Status}' "$$package" 2>/dev/null | grep -qx installed || missing+=("$$package")
done
[ $${#missing[@]} -gt 0 ] || exit 0
if [ "$$(id -u)" -ne 0 ]; then
    echo "Debian packages: missing $${missing[*]}; want them installed." >&2
    echo "Run: sudo apt-get update && sudo apt-get install --no-install-recommends $${missing[*]}" >&2
    exit 1
fi
for service in $(UNSTARTED); do
    [[ " $${missing[*]} " != *" $$service "* ]] && continue
    mkdir -p /etc/systemd/system && ln -sfn /dev/null "/etc/systemd/system/$$service.service"
done
echo "installing from Debian: $${missing[*]}"
log=$$(mktemp)
trap 'rm -f "$$log"' EXIT
export DEBIAN_FRONTEND=noninteractive
{ apt-get update -qq && apt-get install -qq -y --no-install-recommends "$${missing[@]}"; } </dev/null >"$$log" 2>&1 ||
    { cat "$$log" >&2; exit 1; }
endef

.PHONY: help setup setup-test debian demo test lint campaigns nspawn bench report hardware deb image format lock clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20

setup: .venv/.project ## .venv with what the unit and the station need
	@echo ".venv is ready for make demo"

setup-test: .venv/.test .venv/.node ## .venv with what the tests need too
	@echo ".venv is ready for make test"

demo: .venv/.project ## a whole unit and station on this machine, simulated parts, until Ctrl-C
	@exec .venv/bin/doorunit demo

test: .venv/.test .venv/.node debian ## lint, then all tests
	@start=$$SECONDS
	$(MAKE) lint
	$(PY) -m pytest -q -n 2 --dist loadfile
	echo "doorunit: lint and tests passed in $$((SECONDS - start)) s"

lint: .venv/.test ## format, lint, types; the drivers against MicroPython
	@failed=0  # every gate has its say before the first one ends it
	$(PY) -m ruff format --check --quiet . || failed=1
	$(PY) -m ruff check --quiet . || failed=1
	$(PY) -m mypy edge hardware drivers/*.py drivers/sim/*.py $$(find deploy -name '*.py') || failed=1
	$(PY) tests/drivers/lint.py || failed=1
	exit $$failed

# Each runs alone, and takes a larger size by a flag: see its --help.
CAMPAIGNS := tests/power/cuts.py tests/power/statements.py tests/sim/weeks.py tests/sim/matrix.py tests/whole/peers.py
CAMPAIGNS += tests/power/update_cuts.py tests/sim/doctor_matrix.py tests/fuzz/fuzz.py tests/drivers/corpus.py

# The last needs a machine that may mount and boot another: where it may not, it says why, and counts as not run.
campaigns: .venv/.test debian ## power cuts, crashes, weeks, faults, peers' failures, fuzz; the soak beside them; a real systemd
	@failed=0
	soak=$$(mktemp)
	trap 'rm -f "$$soak"' EXIT
	$(PY) tests/soak/soak.py >"$$soak" 2>&1 &
	for campaign in $(CAMPAIGNS); do
	    echo "--- $$campaign"
	    $(PY) $$campaign || { echo "$$campaign: ended with $$?"; failed=1; }
	done
	echo "--- tests/soak/soak.py"
	wait $$! || { echo "tests/soak/soak.py: ended with $$?"; failed=1; }
	cat "$$soak"
	echo "--- tests/deploy/nspawn.py"
	[ "$$(id -u)" -ne 0 ] || ($(call debian,$(NSPAWN))) || failed=1
	$(PY) tests/deploy/nspawn.py && ended=0 || ended=$$?
	[ $$ended -ne 77 ] || { echo "campaigns: NOT RUN: tests/deploy/nspawn.py, for the reason above"; ended=0; }
	[ $$ended -eq 0 ] || { echo "tests/deploy/nspawn.py: ended with $$ended"; failed=1; }
	exit $$failed

# Two minutes each, the update seven, the fleet five to nine, and each a Debian to bootstrap first: a minute or two; emulated, by far more.
nspawn: .venv/.test debian ## boot the package, a fresh Debian and the image on a real systemd; make nspawn ON="--suite trixie"
	@($(call debian,$(NSPAWN) $(EMULATED)))
	failed=0
	for campaign in nspawn nspawn_update fresh image fleet; do
	    echo "--- tests/deploy/$$campaign.py"
	    $(PY) tests/deploy/$$campaign.py $(ON) && ended=0 || ended=$$?
	    [ $$ended -ne 77 ] || { echo "nspawn: NOT RUN: tests/deploy/$$campaign.py, for the reason above"; ended=0; }
	    [ $$ended -eq 0 ] || failed=1
	done
	exit $$failed

bench: .venv/.test ## measure: every tests/bench/bench_*.py, one after another
	@shopt -s nullglob
	benches=(tests/bench/bench_*.py)
	[ $${#benches[@]} -gt 0 ] || { echo "tests/bench: found no bench_*.py; want at least one." >&2; exit 1; }
	for bench in "$${benches[@]}"; do $(PY) "$$bench"; done

report: .venv/.test debian ## ours and the peers in one report, build/bench/report.md (18 minutes; REPORT=--quick)
	@$(PY) tests/bench/report.py $(REPORT)

hardware: .venv/.test debian ## tables, drawings and models to print (build/hardware), made anew where they are stale
	@$(PY) -m hardware.make

deb: .venv/.project ## the unit's Debian package (build/deb); make deb DEB="--arch arm64 --python 3.13"
	@$(PY) -m deploy.deb.build $(DEB)

image: .venv/.project ## the image's root, as far as it can be built here (build/image); make image ON="--arch amd64"
	@($(call debian,mmdebstrap $(if $(findstring amd64,$(ON)),,qemu-user-static arch-test)))
	$(PY) -m deploy.image.build $(ON)

format: .venv/.test ## put every file in the house's format
	@$(PY) -m ruff check --quiet --fix-only .
	$(PY) -m ruff format --quiet .

# Pins stay as they are unless a declaration asks for more; `make lock UPGRADE=--upgrade` takes the newest of everything.
lock: ## make deploy/lock/*.txt anew from pyproject.toml and deploy/lock/*.in (needs uv)
	@command -v $(UV) >/dev/null || { echo "uv: found nothing called $(UV); want uv. Run: make lock UV=/path/to/uv" >&2; exit 1; }
	export UV_CUSTOM_COMPILE_COMMAND="make lock"
	cd deploy/lock
	pin() { $(UV) pip compile --quiet $(UPGRADE) --universal --python-version 3.11 --generate-hashes --no-annotate "$$@"; }
	pin -o test.txt ../../pyproject.toml --extra station --extra live --extra postgres run.in test.in
	pin -o station.txt ../../pyproject.toml --extra station run.in
	pin -o run.txt ../../pyproject.toml run.in
	pin -o nodeps.txt --no-deps nodeps.in
	pin -o fleet.txt fleet.in

clean: ## remove everything that was made here
	@rm -rf .venv .demo build tests/out .pytest_cache .mypy_cache .ruff_cache .hypothesis ./*.egg-info
	find . -name __pycache__ -prune -exec rm -rf {} +

debian: # Debian's part of the tests
	@$(call debian,$(DEBIAN))

# python3.11 where there is one, else the newest; one that can make a venv before one that cannot.
.venv/.python:
	@pick() {
	    for python in python3.11 python3.15 python3.14 python3.13 python3.12 python3; do
	        "$$python" -c "import sys, $$1; sys.exit(sys.version_info < (3, 11))" 2>/dev/null && return
	    done
	    return 1
	}
	pick "venv, ensurepip" || { ($(call debian,python3 python3-venv)); hash -r; pick "venv, ensurepip"; } || {
	    echo "Python: found none of 3.11 or newer that can make a venv; want one. Debian: apt-get install python3-venv" >&2
	    exit 1
	}
	"$$python" -m venv --clear .venv
	touch $@

.venv/.station: deploy/lock/station.txt .venv/.python
	@echo "installing what the unit and the station need"
	$(INSTALL) -r deploy/lock/station.txt
	touch $@

# A plain path to this folder (compat), so that packages added later are found; setuptools is pinned in the lock.
.venv/.project: pyproject.toml .venv/.station
	@$(PIP) install -qq --no-deps --no-build-isolation --no-index --config-settings editable_mode=compat -e .
	touch $@

.venv/.test: deploy/lock/test.txt deploy/lock/nodeps.txt .venv/.project
	@echo "installing what the tests need"
	$(INSTALL) -r deploy/lock/test.txt
	$(INSTALL) --no-deps -r deploy/lock/nodeps.txt
	touch $@

# MicroPython itself, as WebAssembly, by its lock's integrity; from whichever registry this machine's npm is set to.
.venv/.node: tests/drivers/micropython/package-lock.json tests/drivers/micropython/package.json .venv/.python
	@($(call debian,$(NODE)))
	hash -r
	echo "installing MicroPython for the drivers' tests"
	mkdir -p .venv/node
	cp tests/drivers/micropython/package.json tests/drivers/micropython/package-lock.json .venv/node/
	npm ci --prefix .venv/node --silent --no-audit --no-fund --ignore-scripts
	touch $@

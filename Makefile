# make run    install Ingle and start it with the embedded broker and a simulated home, ready to type to
# make test   install Ingle with its test tools and run every check: ruff, mypy, pytest (tests, scenarios, README)
# make test-interleavings   1,000 random orders of timers, kills, set clocks and time zones (60 of them are in make test)
# make test-aarch64   the C core's own checks, cross-built for 64-bit ARM and run in an emulator (not part of make test)
# make test-firmware  the core alone on a bare Cortex-M4, cross-built and run in an emulator (make test has a short form of it)
# Both need Debian (or its like), Python >= 3.11, make and gcc; what else is missing is installed, by apt where we may.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMPS := $(VENV)/.stamps
COMPILED := CMakeLists.txt $(wildcard engine/kernels/*.[ch])

.PHONY: run test test-interleavings test-aarch64 test-firmware test-opencl check scenarios bench clean

run: $(STAMPS)/run
	$(BIN)/ingle --simulate demo

test: check
	$(BIN)/pytest

check: $(STAMPS)/dev
	$(BIN)/ruff check .
	MYPYPATH=$(VENV)/typing $(BIN)/mypy -p ingle.app -p ingle.engine -p ingle.skills -p ingle.knowledge

test-interleavings: $(STAMPS)/dev
	INTERLEAVINGS=1000 $(BIN)/pytest tests/test_interleavings.py

# Twice: a processor with the dot-product instructions, and one without.
test-aarch64:
	@command -v cmake qemu-aarch64 aarch64-linux-gnu-gcc >/dev/null || { echo "please install the Debian packages cmake gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user" >&2; exit 1; }
	cmake -S . -B build/aarch64 -DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR=aarch64 -DCMAKE_C_COMPILER=aarch64-linux-gnu-gcc -DINGLE_CHECK=ON
	cmake --build build/aarch64 --target ingle_check
	for cpu in max cortex-a53; do qemu-aarch64 -L /usr/aarch64-linux-gnu -cpu $$cpu build/aarch64/ingle_check || exit 1; done

test-firmware: $(STAMPS)/dev
	@command -v arm-none-eabi-gcc >/dev/null && command -v qemu-system-arm >/dev/null || { echo "please install the Debian packages gcc-arm-none-eabi libnewlib-arm-none-eabi qemu-system-arm" >&2; exit 1; }
	FIRMWARE=1 $(BIN)/pytest tests/test_firmware.py

# Matmuls on an OpenCL device, here the processor through PoCL, which takes a while to compile them (not part of make test).
test-opencl: $(STAMPS)/dev
	@ls /etc/OpenCL/vendors/*.icd >/dev/null 2>&1 || { echo "please install an OpenCL driver, such as the Debian package pocl-opencl-icd" >&2; exit 1; }
	$(BIN)/pip install --quiet --editable '.[dev,opencl]'
	$(BIN)/pytest tests/test_opencl.py

scenarios: $(STAMPS)/dev
	$(BIN)/ingle scenario tests/scenarios

bench: $(STAMPS)/dev
	$(BIN)/ingle bench

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Ingle needs Python 3.11 or newer; set PYTHON=..." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || $(MAKE) --no-print-directory debian-venv
	$(PYTHON) -m venv $(VENV)
	@mkdir -p $(STAMPS)

$(STAMPS)/run: $(BIN)/python pyproject.toml $(COMPILED)
	$(BIN)/pip install --quiet --editable '.[tui]'
	@touch $@

$(STAMPS)/dev: $(BIN)/python pyproject.toml $(COMPILED)
	@command -v mosquitto >/dev/null || test -x /usr/sbin/mosquitto || $(MAKE) --no-print-directory debian-mosquitto
	$(BIN)/pip install --quiet --editable '.[dev]'
	@# mypy reads folders, not import hooks: the rooms as the package they are installed as
	@mkdir -p $(VENV)/typing/ingle
	@for room in app engine skills knowledge; do ln -sfn "$(CURDIR)/$$room" $(VENV)/typing/ingle/$$room; done
	@touch $@

.PHONY: debian-venv debian-mosquitto
debian-venv debian-mosquitto: debian-%:
	@test "$$(id -u)" = 0 || { echo "please install the Debian package of $* (as root: apt-get install $(if $(filter venv,$*),python3-venv,$*))" >&2; exit 1; }
	apt-get update -qq
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(if $(filter venv,$*),python3-venv,$*) >/dev/null

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist

# What a newcomer would guess. Every target does its own set-up; nothing outside the checkout changes,
# except that root gets Debian's python3-venv, python3-dev and gcc where they are missing.

.PHONY: help demo test check format build tuned replay bench live e2e soak wheelhouse package lock clean
.DEFAULT_GOAL := help

help: ## list the targets
	@sed -n 's/^\([a-z0-9]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 14

demo: ## replay a small capture: what is detected, as CEF and as JSON
	@tools/demo

test: ## the unprivileged tests, on the compiled and on the plain build
	@tools/test $(ARGS)

check: ## lint, format and types
	@tools/bootstrap lint
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	@if command -v shellcheck >/dev/null; then tools/shell-files | xargs shellcheck; \
	  else echo 'check: shellcheck is missing, shell scripts are not checked' >&2; fi

format: ## let ruff write the format and the simple fixes
	@tools/bootstrap lint
	.venv/bin/ruff check --fix --exit-zero
	.venv/bin/ruff format

build: ## compile the scanner in place
	@tools/bootstrap test

tuned: ## compile the scanner in place as it is shipped: twice, the second time for traffic it has seen
	@tools/bootstrap tuned

replay: build ## events of one capture: make replay PCAP=file [ARGS='--format ecs']
	@test -n "$(PCAP)" || { echo 'replay: name a capture: make replay PCAP=file' >&2; exit 2; }
	@.venv/bin/maltrail-agent replay $(ARGS) $(PCAP)

bench: tuned ## what a packet costs
	.venv/bin/python -m bench $(ARGS)

live: tuned ## what the whole agent loses on a wire, and at which rate (root)
	.venv/bin/python -m bench.live $(ARGS)

e2e: ## three booted systemd hosts: Ansible, capture, CEF in rsyslog, upgrade (root)
	@tests/lab/e2e $(ARGS)

soak: ## the same host under load for two hours: make soak ARGS='--minutes 30' (root)
	@tests/lab/soak $(ARGS)

wheelhouse: ## build/wheelhouse: every wheel a host needs, with hashes; for the Ansible role
	@tools/wheelhouse

package: ## dist: wheels, source, .deb and bill of materials of this commit; ARGS='--ref v1.0.0 deb'
	@tools/package $(ARGS)

lock: ## pin the newest packages anew
	@tools/lock

clean: ## remove what was built, keep .lab (a cached Debian)
	rm -rf .venv .demo build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find agent outputs feeds \( -name '*.so' -o -name '*.c' \) -delete
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

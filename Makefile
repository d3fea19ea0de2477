# Two commands matter: `make run` and `make test`. The rest is for those who work on Voxgate.
.PHONY: run test build check bench bench-peers bench-gate clean help

help: ## This list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

run: ## Fresh machine to running server: installs, builds, fetches models, starts, speaks once
	@bash scripts/run.sh $(ARGS)

test: ## Everything that CI runs
	@bash scripts/test.sh

build: ## The release binary only
	cargo build --release --locked -p voxgate-cli

check: ## Formatting, lints and documentation; a few minutes the first time
	@bash scripts/test.sh lint

bench: build ## Speed of the local engines on this machine
	@bash scripts/bench.sh

bench-peers: build ## The same beside pip's piper-tts and kokoro-onnx, in one run
	@bash scripts/bench.sh --peers

bench-gate: ## What keys, limits and metering cost per request, beside LiteLLM's proxy
	@bash scripts/bench_gate.sh $(ARGS)

clean: ## Remove build output; models and data stay
	cargo clean

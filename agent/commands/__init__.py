"""The commands: one file, one command; `agent.cli` lists them."""

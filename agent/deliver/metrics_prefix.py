"""How the name of each metric of ours begins."""

PREFIX = "maltrail_agent_"

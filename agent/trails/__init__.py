"""The trail set: one immutable file of indicators; build it, open it, look things up."""

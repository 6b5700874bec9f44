"""The sending half of the agent: takes events from sense, queues, formats and sends them."""

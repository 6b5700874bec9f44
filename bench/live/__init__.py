"""The real processes on a real wire between two network namespaces, and what they lose. Root."""

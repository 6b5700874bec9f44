"""What received lines prove: gaps, duplicates and reorderings by sensor and run."""

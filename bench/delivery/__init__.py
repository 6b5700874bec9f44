"""Loads for deliver with real processes: everything dies again and again, nobody listens."""

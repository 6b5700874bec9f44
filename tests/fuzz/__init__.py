"""Coverage-guided fuzzing: atheris guides on the plain build, both builds must answer alike."""

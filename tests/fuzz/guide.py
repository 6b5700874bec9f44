"""Let atheris look for inputs that reach new code: `python -m tests.fuzz.guide TARGET DIR SECONDS`.

Runs on the plain build, whose every line it sees; what it keeps lies in DIR afterwards.
"""

import sys

import atheris

with atheris.instrument_imports(include=["agent"]):
    from tests.fuzz.answers import target

MAX_INPUT = 4096
SLOW_SECONDS = 20
MEMORY_MB = 2048


def main() -> None:
    """Fuzz one target; a failing input is written beside DIR and ends the process."""
    name, folder, seconds = sys.argv[1:4]
    asked = target(name)

    def one(data: bytes) -> None:
        asked.answer(data)

    atheris.Setup(
        [
            sys.argv[0],
            folder,
            f"-max_total_time={seconds}",
            f"-max_len={MAX_INPUT}",
            f"-timeout={SLOW_SECONDS}",
            f"-rss_limit_mb={MEMORY_MB}",
            f"-artifact_prefix={folder}-failed-",
            "-print_final_stats=1",
        ],
        one,
    )
    atheris.Fuzz()


if __name__ == "__main__":
    main()

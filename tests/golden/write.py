"""Write the golden files anew: python -m tests.golden.write, then read the difference.

They are what `replay` prints of the demo's capture in each format, with the version taken out.
"""

import io
from contextlib import redirect_stdout
from pathlib import Path

from agent import __version__
from agent.cli import main
from agent.commands.replay import FORMATS

FOLDER = Path(__file__).parent
DEMO = FOLDER.parents[1] / "demo"


def replayed(form: str) -> str:
    """Return what replay prints in one format."""
    said = io.StringIO()
    command = ["replay", "-c", str(FOLDER / "config.yaml"), "--format", form]
    with redirect_stdout(said):
        status = main([*command, "--trails", str(DEMO / "trails.csv"), str(DEMO / "demo.pcap")])
    assert status == 0
    return said.getvalue().replace(__version__, "VERSION")


def golden(form: str) -> Path:
    """Return the file of one format."""
    return FOLDER / f"demo.{form}"


if __name__ == "__main__":
    for name in FORMATS:
        golden(name).write_text(replayed(name), encoding="utf-8")

"""The output that the README tells people to write works as it stands there."""

import re
import types
from pathlib import Path

from tests.outputs.receivers import UdpReceiver
from tests.outputs.samples import EVENT, delivery

README = Path(__file__).resolve().parents[2] / "README.md"


def test_the_output_of_the_readme_works(receiver: UdpReceiver) -> None:
    """From its settings to a datagram."""
    found = re.search(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    module = types.ModuleType("recipe")
    exec(compile(found[1], "README.md", "exec"), module.__dict__)  # noqa: S102 - our own text
    output = module.Output(module.Config(address=receiver.address, word="look"))
    output.open()
    output.write([delivery(EVENT)])
    output.close()

    assert receiver.next() == b"look 10"

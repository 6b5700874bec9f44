"""The output that docs/extending.md tells people to write works as it stands there."""

from tests import documents
from tests.outputs.receivers import UdpReceiver
from tests.outputs.samples import EVENT, delivery


def test_the_output_that_people_are_told_to_write_works(receiver: UdpReceiver) -> None:
    """From its settings to a datagram."""
    module = documents.recipe("An output")
    output = module.Output(module.Config(address=receiver.address, word="look"))
    output.open()
    output.write([delivery(EVENT)])
    output.close()

    assert receiver.next() == b"look 10"

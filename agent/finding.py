"""What one line of `check` is."""

from typing import Literal, NamedTuple

Level = Literal["ok", "warning", "failure"]


class Finding(NamedTuple):
    """What was looked at, as `what; remedy`: what is not in order comes with what to do."""

    level: Level
    text: str

    @property
    def remedy(self) -> str:
        """What to do, empty where nothing is."""
        return "" if self.level == "ok" else self.text.partition("; ")[2]

    def document(self) -> dict[str, str]:
        """Return the finding for programs."""
        return {"level": self.level, "text": self.text, "remedy": self.remedy}

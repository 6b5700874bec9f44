"""maltrail-agent: a headless network sensor that forwards detections to a SIEM."""

__version__ = "0.1.0"

"""The real static trails: counts by kind as they are known from their publisher's own tools.

Those count what is written; we count what can match. The differences are rows, and each is named.
"""

import json
import os
from pathlib import Path

import pytest

from agent.cli import main

ROWS = 1_630_833

PUBLISHED = {
    "domain": 1_160_076 + 41,  # names, and single labels such as top-level domains
    "ip": 22_733 + 1_981,  # v4 and v6
    "ip-port": 279_349 + 13,
    "network": 1_092,
    "url": 59_087 + 14_303,  # of addresses and of names
    "path": 92_118,
    "pattern": 27,
}
MALFORMED = 13
"""Rows that are of no kind at all."""

NO_ADDRESS = {
    "213.165.60.118:22:443",
    "161.35.41.9:53:53",
    "31.76.252.47:443:443",
    "139.9.234.13:33:1099",
    "54.246.146.207:22:50050",
    "45.86.163.188:443:444",
    "46.8.120.153::8080",
    "194.147.140.156:508:508",
}
NO_PORT = {
    "18.197.239.109:66086",
    "111.230.30.197:65626",
    "103.124.104.118:79548",
    "192.119.74.238:69420",
    "209.141.41.58:67457",
    "37.49.228.204:96666",
    "3.6.115.64:90001",
    "178.236.246.50:80800",
}
"""Counted as ip-port there, as five digits look like a port."""

NO_KIND = {
    "182.86.133:8880",
    "91.109.190.5:660666",
    "147.185.221.18:525310",
    "13.231.199.195:500081",
    "43.206.152.100:500081",
}
LONG_LABEL = "lockbitapt280e8defa5377018b093b5b90de0f2957f7062144c83a09a56bba1fe4eda932ce.onion"
"""Counted as a domain there; no label of DNS has more than 63 characters."""

HOST_NETWORKS = 3
"""Networks of one address (/32), which are listed as addresses too."""

REPEATS = {"ip": HOST_NETWORKS, "ip-port": 2, "url": 1, "path": 4}
"""Rows that name a key again: a port with leading zeros, port 80 of http, runs of slashes."""


@pytest.mark.shared
def test_info_reproduces_the_known_counts_and_names_the_inert_rows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every row is a key, a repeat or inert, and each inert one is told by name."""
    data = Path(os.environ["MALTRAIL_SHARED"]) / "data/trails-static.csv.xz"
    file = str(tmp_path / "static.set")
    assert main(["trails", "build", "-o", file, str(data)]) == 0
    capsys.readouterr()

    assert main(["trails", "info", "--json", file]) == 0
    told = json.loads(capsys.readouterr().out)
    assert main(["trails", "info", file]) == 0
    text = capsys.readouterr().out

    assert told["counts"] == {
        "domain": PUBLISHED["domain"] - 1,
        "ip": PUBLISHED["ip"],
        "ip-port": PUBLISHED["ip-port"] - len(NO_PORT) - REPEATS["ip-port"],
        "network": PUBLISHED["network"] - HOST_NETWORKS,
        "url": PUBLISHED["url"] - REPEATS["url"],
        "path": PUBLISHED["path"] - REPEATS["path"],
        "pattern": PUBLISHED["pattern"],
    }
    assert told["repeats"] == REPEATS
    inert = {reason: set(rows["samples"]) for reason, rows in told["inert"].items()}
    assert inert == {
        "has a port above 65535": NO_PORT,
        "is no IPv6 address": NO_ADDRESS,
        "is no domain name, address, URL, path, hash or pattern": {*NO_KIND, LONG_LABEL},
    }
    assert len(NO_ADDRESS | NO_KIND) == MALFORMED
    everything = sum(rows["count"] for rows in told["inert"].values())
    assert told["keys"] + sum(told["repeats"].values()) + everything == ROWS
    assert sum(PUBLISHED.values()) + MALFORMED == ROWS
    for row in (*NO_ADDRESS, *NO_PORT, *NO_KIND, LONG_LABEL):
        assert row in text

"""Statuses for the tests of the page: all well, all wrong, and nothing but hostile names."""

import msgspec

from agent.deliver.status_document import (
    Answer,
    Detection,
    Interface,
    ListState,
    OutputState,
    Sense,
    Setting,
    Status,
    Told,
    Traffic,
    Updates,
)
from agent.link import Coverage, Missed

NOW = 1_800_000_000.0

SENSE = Sense(is_connected=True, version="1.0", told=NOW - 3)
TRAFFIC = Traffic(
    interfaces=(
        Interface(name="eth0", is_open=True, packets=9_000_000, dropped_kernel=210),
        Interface(name="eth1", is_open=True, packets=123),
    ),
    seconds=60.0,
    packets=24_731,
)
DETECTION = Detection(
    is_ready=True,
    canary_ok=True,
    canary_last_success=NOW - 31,
    set="0123456789ab",
    built=NOW - 7200,
    trails={"domain": 1_500_000, "ip": 42_000},
    own_trails=12,
    hits=77,
    is_compiled=True,
)
OUTPUT = OutputState(
    name="siem",
    type="syslog",
    to="siem.example.com:6514",
    is_connected=True,
    last_success=NOW - 4,
    sent=1234,
    last_seq=1234,
    journal="good",
)
UPDATES = Updates(
    ended=NOW - 600,
    last_good=NOW - 600,
    status="published",
    lists=(ListState(name="urlhaus", last_success=NOW - 600, trails=90_000),),
)
COVERAGE = Coverage(
    9_000_000,
    8_910_000,
    (Missed("TLS hellos whose destination is encrypted (ECH)", 12, 400, "leave the keys out"),),
)
TOLD = Told(
    time=NOW - 60,
    severity_id=10,
    class_id="trail-domain",
    info="asyncrat (malware)",
    trail="(www).evil.biz",
    source="10.0.0.5:40000",
    destination="[2001:db8::1]:53",
    protocol="UDP",
    direction="outbound",
    state="update",
    total=17,
)
STATUS = Status(
    sensor="sensor1.example.org",
    site="lab",
    version="1.0",
    time=NOW,
    started=NOW - 4000,
    level="good",
    answers=(
        Answer(key="traffic", question="Is it seeing traffic?", level="good", text="412 packets/s"),
        Answer(
            key="delivery",
            question="Is it delivering?",
            level="bad",
            text="siem is not open",
            remedy="look at it",
        ),
        Answer(key="trails", question="Is it current?", level="warning", text="3 days"),
        Answer(key="coverage", question="Can it read?", level="unknown", text="too early"),
    ),
    troubles=(),
    sense=SENSE,
    traffic=TRAFFIC,
    detection=DETECTION,
    outputs=(OUTPUT, msgspec.structs.replace(OUTPUT, name="hec", is_connected=False)),
    updates=UPDATES,
    coverage=COVERAGE,
    detections=tuple(msgspec.structs.replace(TOLD, severity_id=n) for n in (10, 8, 6, 3, 1)),
    notices=(Told(time=NOW - 9, severity_id=1, class_id="agent-start", info="started"),),
    settings=(
        Setting(key="http.status", value="true", is_default=False),
        Setting(key="http.metrics", value="true", is_default=True),
    ),
)


def filled(text: str) -> Status:
    """Return a status that says this wherever it says anything that is not ours."""
    return Status(
        sensor=text,
        site=text,
        version="1.0",
        time=NOW,
        started=NOW,
        level="bad",
        answers=(Answer(key="x", question="Is it?", level="bad", text=text, remedy=text),),
        troubles=(Told(time=NOW, severity_id=6, class_id="agent-degraded", info=text),),
        sense=Sense(version=text),
        traffic=Traffic(interfaces=(Interface(name=text),)),
        detection=Detection(reason=text, set=text, built=NOW, trails={text: 1}),
        outputs=(
            OutputState(
                name=text, type=text, to=text, last_error=text, lost={text: 1}, journal=text
            ),
        ),
        updates=Updates(
            ended=NOW,
            status=text,
            reason=text,
            lists=(ListState(name=text, failing=NOW, error=text),),
        ),
        coverage=Coverage(1, 1, (Missed(text, 1, 1, text),)),
        detections=(
            Told(
                time=NOW,
                severity_id=10,
                class_id=text,
                info=text,
                trail=text,
                source=text,
                destination=text,
            ),
        ),
        notices=(Told(time=NOW, severity_id=1, class_id=text, info=text),),
        settings=(Setting(key=text, value=text, is_default=False),),
    )


HOSTILE = (
    "<script>document.title='owned'</script>",
    "<img src=http://203.0.113.9/x onerror=document.title='owned'>",
    "\"><svg onload=document.title='owned'>",
    "'onmouseover='document.title=1' x='",
    "</td></table></style></title><script>document.title='owned'</script>",
    "<!--<link rel=stylesheet href=http://203.0.113.9/x.css>",
    "<meta http-equiv=refresh content='0;url=http://203.0.113.9/'>",
    "<style>*{display:none}</style><base href=http://203.0.113.9/>",
    "javascript:document.title='owned'",
    "$title ${body} {{7*7}} &lt;b&gt; &#60;i&#62;",
    "\u202egro.live\u2066 \x1b[31m \x00 \u2028",
)

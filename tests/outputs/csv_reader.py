"""Read our lines of comma-separated values as RFC 4180 has them, without the writer's code."""

COLUMNS = (
    "time,sensor,run_id,seq,event_id,class,severity_id,severity,src_ip,src_port,dst_ip,dst_port,"
    "proto,type,trail,info,reference,indicator,observed,where,direction,outcome,count,total,state,"
    "incident_id,set,interface"
)
_FORMULA = "=+-@"


class CsvError(ValueError):
    """The line is no row that every importer reads the same way."""


def read(line: str) -> dict[str, str]:
    """Return the values by column, marks against formulas taken off; raise CsvError."""
    names = COLUMNS.split(",")
    values = list(_values(line))
    if len(values) != len(names):
        raise CsvError(f"{len(values)} values, not {len(names)}")
    for value in values:
        if value.lstrip()[:1] in tuple(_FORMULA):
            raise CsvError(f"a spreadsheet would compute {value!r}")
    return {name: _plain(value) for name, value in zip(names, values, strict=True)}


def _plain(value: str) -> str:
    return value.removeprefix("'")


def _values(line: str) -> list[str]:
    values, at = [], 0
    while True:
        if line[at : at + 1] == '"':
            value, at = _quoted(line, at + 1)
        else:
            end = line.find(",", at)
            end = len(line) if end < 0 else end
            value, at = line[at:end], end
            if '"' in value:
                raise CsvError("a quote in a value without quotes")
        values.append(value)
        if at == len(line):
            return values
        if line[at] != ",":
            raise CsvError(f"expected a comma at {at}")
        at += 1


def _quoted(line: str, at: int) -> tuple[str, int]:
    value = ""
    while True:
        end = line.find('"', at)
        if end < 0:
            raise CsvError("a quote that is not closed")
        value += line[at:end]
        if line[end + 1 : end + 2] != '"':
            return value, end + 1
        value += '"'
        at = end + 2

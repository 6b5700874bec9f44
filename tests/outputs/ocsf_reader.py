"""Read OCSF 1.3 as strictly as a receiver could: classes, required fields, types, enumerations.

Source: schema.ocsf.io/1.3.0, classes 2004 (Detection Finding) and 6002 (Application Lifecycle),
without the writer's code.
"""

import ipaddress

from tests.outputs import json_reader

BASE: dict[str, type] = {
    "activity_id": int,
    "category_uid": int,
    "class_uid": int,
    "type_uid": int,
    "time": int,
    "severity_id": int,
    "metadata": dict,
}
"""What every class requires."""

REQUIRED: dict[int, dict[str, type]] = {
    2004: {"finding_info": dict, "evidences": list, "status_id": int, "count": int},
    6002: {"app": dict, "status_id": int},
}
OPTIONAL: dict[str, type] = {
    "activity_name": str,
    "category_name": str,
    "class_name": str,
    "type_name": str,
    "severity": str,
    "status": str,
    "message": str,
    "start_time": int,
    "end_time": int,
    "observables": list,
    "device": dict,
    "unmapped": dict,
}
CATEGORIES = {2004: 2, 6002: 6}
ACTIVITIES = {2004: {1, 2, 3}, 6002: {3, 4, 5, 99}}
STATUSES = {2004: {1, 2, 4}, 6002: {1, 2}}
SEVERITIES = {1: "Informational", 2: "Low", 3: "Medium", 4: "High", 5: "Critical"}
OBSERVABLES = {1, 2, 6, 8, 16}


class OcsfError(ValueError):
    """The line is no event of the schema."""


def read(line: str) -> dict[str, object]:
    """Return the document; raise OcsfError or JsonError."""
    document = json_reader.read(line)
    uid = document.get("class_uid")
    if not isinstance(uid, int) or uid not in REQUIRED:
        raise OcsfError(f"unknown class {uid}")
    needed = BASE | REQUIRED[uid]
    for key, kind in needed.items():
        if type(document.get(key)) is not kind:
            raise OcsfError(f"{key}: expected {kind.__name__}, found {document.get(key)!r}")
    for key in document.keys() - needed.keys():
        if type(document[key]) is not OPTIONAL.get(key):
            raise OcsfError(f"{key}: not of the class, or of another type")
    _check_numbers(document, uid)
    _check_metadata(document)
    if uid == 2004:
        _check_finding(document)
    return document


def at(document: object, path: str) -> object:
    """Return what stands there; nothing is an empty text."""
    for part in path.split("."):
        if isinstance(document, dict):
            document = document.get(part, "")
        elif isinstance(document, list) and part.isdecimal() and int(part) < len(document):
            document = document[int(part)]
        else:
            return ""
    return document


def _check_numbers(document: dict[str, object], uid: int) -> None:
    activity = document["activity_id"]
    if document["category_uid"] != CATEGORIES[uid] or activity not in ACTIVITIES[uid]:
        raise OcsfError("category or activity is not of the class")
    if document["type_uid"] != uid * 100 + int(str(activity)):
        raise OcsfError("type_uid is not class_uid * 100 + activity_id")
    if SEVERITIES.get(int(str(document["severity_id"]))) != document.get("severity"):
        raise OcsfError("severity does not name severity_id")
    if document["status_id"] not in STATUSES[uid]:
        raise OcsfError("status_id is not of the class")


def _check_metadata(document: dict[str, object]) -> None:
    if at(document, "metadata.version") != "1.3.0":
        raise OcsfError("metadata.version is not the schema's")
    if not at(document, "metadata.product.vendor_name"):
        raise OcsfError("metadata.product has no vendor")
    if at(document, "device.type_id") != 13 or "host" not in str(at(document, "metadata.profiles")):
        raise OcsfError("a device needs its type, and the profile host")


def _check_finding(document: dict[str, object]) -> None:
    for key in ("finding_info.uid", "finding_info.title", "finding_info.analytic.type_id"):
        if not at(document, key):
            raise OcsfError(f"{key} is required")
    for side in ("src_endpoint", "dst_endpoint"):
        found = at(document, f"evidences.0.{side}.ip")
        if found:
            ipaddress.ip_address(str(found))
    observables = document.get("observables", [])
    for one in observables if isinstance(observables, list) else []:
        if at(one, "type_id") not in OBSERVABLES or not at(one, "name") or not at(one, "value"):
            raise OcsfError(f"no observable: {one}")

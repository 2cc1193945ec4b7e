"""Validates events, an object a line on standard input, against the schema of OCSF itself; prints how many of each class."""
import collections
import json
import sys

import jsonschema
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

schemas, counts, wrong = {}, collections.Counter(), 0
for line in sys.stdin:
    event = json.loads(line)
    version = event["metadata"]["version"]
    if version not in schemas:
        raw = get_ocsf_schema(version=version)
        schemas[version] = (raw, OcsfJsonSchemaEmbedded(raw), {})
    raw, made, known = schemas[version]
    name = made.lookup_class_name_from_uid(event["class_uid"])
    if name not in known:
        known[name] = jsonschema.Draft202012Validator(made.get_class_schema(name))
    for error in known[name].iter_errors(event):
        wrong += 1
        print(f"{name}: {error.json_path}: {error.message}"[:400], file=sys.stderr)
    # What its JSON schema does not say: numbers are of the class's own list, and one of some fields is there.
    of_class = raw["classes"][name]
    for field in ("activity_id", "severity_id", "status_id"):
        if str(event[field]) not in of_class["attributes"][field]["enum"]:
            wrong += 1
            print(f"{name}: {field} {event[field]}", file=sys.stderr)
    if event["type_uid"] != event["class_uid"] * 100 + event["activity_id"] or event["category_uid"] != of_class["category_uid"]:
        wrong += 1
        print(f"{name}: type_uid, category_uid", file=sys.stderr)
    some = (of_class.get("constraints") or {}).get("at_least_one", [])
    if some and not any(field in event for field in some):
        wrong += 1
        print(f"{name}: none of {some}", file=sys.stderr)
    counts[event["class_uid"]] += 1
print(json.dumps(counts))
sys.exit(1 if wrong else 0)

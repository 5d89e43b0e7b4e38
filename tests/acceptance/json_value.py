"""Reads one JSON object from standard input and prints what the arguments ask for.

json_value.py value PATH...       each value on a line of its own; `a.b.0.c` walks objects and lists, `#` is a length
json_value.py rows PATH FIELD...  the objects of a list as lines of fields, parted by tabs; null is empty
json_value.py without FIELD...    the object with sorted keys and without these fields at any depth

Anything but exactly one JSON object on standard input ends with exit 1.
"""

import json
import sys


def walk(value, path):
    for step in path.split(".") if path else []:
        if step == "#":
            value = len(value)
        else:
            value = value[int(step)] if isinstance(value, list) else value[step]
    return value


def text(value):
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)


def without(value, fields):
    if isinstance(value, list):
        return [without(item, fields) for item in value]
    if isinstance(value, dict):
        return {key: without(item, fields) for key, item in value.items() if key not in fields}
    return value


def main():
    document = json.loads(sys.stdin.read())
    if not isinstance(document, dict):
        sys.exit("not an object")
    mode, arguments = sys.argv[1], sys.argv[2:]
    if mode == "value":
        print("\n".join(text(walk(document, path)) for path in arguments))
    elif mode == "rows":
        for row in walk(document, arguments[0]):
            print("\t".join(text(walk(row, field)) for field in arguments[1:]))
    elif mode == "without":
        print(json.dumps(without(document, set(arguments)), sort_keys=True))
    else:
        sys.exit(f"unknown mode {mode}")


main()

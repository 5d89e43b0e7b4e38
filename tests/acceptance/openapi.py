"""Fetches /openapi.json from the node of a data folder, or lists the routes of such a file.

openapi.py fetch DATA FILE   saves it
openapi.py routes FILE       prints `METHOD path`, sorted
"""

import json
import pathlib
import sys
import urllib.request


def fetch(data, file):
    node = json.loads(pathlib.Path(data, "node.json").read_text())
    request = urllib.request.Request(node["url"] + "/openapi.json", headers={"Authorization": "Bearer " + node["token"]})
    with urllib.request.urlopen(request) as answer:
        pathlib.Path(file).write_bytes(answer.read())


def routes(file):
    methods = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
    paths = json.loads(pathlib.Path(file).read_text())["paths"]
    print("\n".join(sorted(f"{name.upper()} {path}" for path, item in paths.items() for name in methods if name in item)))


{"fetch": fetch, "routes": routes}[sys.argv[1]](*sys.argv[2:])

"""Print the JSON Schema of every message, keyed by subject pattern: `python -m schemas [--prefix PREFIX]`."""

from __future__ import annotations

import argparse
import json
import sys

import msgspec

from schemas.subjects import TABLE, Space
from schemas.topology import Topology


def document(space: Space) -> dict[str, object]:
    """Give one JSON Schema document: `subjects` maps each subject pattern to its message's schema."""
    types = [*dict.fromkeys(row.message for row in TABLE), Topology]
    schemas, definitions = msgspec.json.schema_components(types, ref_template="#/$defs/{name}")
    by_type = dict(zip(types, schemas, strict=True))
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "DELLM messages",
        "subjects": {space.full(row.store, row.pattern): by_type[row.message] for row in TABLE},
        "topology": by_type[Topology],
        "$defs": definitions,
    }


def main() -> None:
    """Print the document."""
    parser = argparse.ArgumentParser(prog="python -m schemas", description=__doc__)
    parser.add_argument("--prefix", default="dellm", help="first token of every subject (default: %(default)s)")
    space = Space(parser.parse_args().prefix)
    json.dump(document(space), sys.stdout, indent=2)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()

"""Programs of others judge a release and read its files; run by tests/test_metadata.py in the validators' environment.

``python judges.py FOLDER`` prints one JSON object: judge → what it found.
"""

from __future__ import annotations

import json
import logging
import sys
from datetime import date, datetime
from pathlib import Path
from typing import Any

import cffconvert
import frictionless
import geopandas
import jsonschema
import mlcroissant
import pyarrow.parquet
import pyshacl
import rdflib

SHAPES = Path(__file__).parent / "dcat_ap.shapes.ttl"


def data_package(folder: Path) -> dict[str, Any]:
    """Let frictionless judge the descriptor and read every CSV; Parquet it reads through pandas, which loses nulls."""
    package = frictionless.Package(str(folder / "datapackage.json"))
    descriptor = [str(error) for error in frictionless.Package.metadata_validate(package.to_descriptor())]
    for resource in [each for each in package.resources if each.format != "csv"]:
        package.remove_resource(resource.name)
    report = package.validate()
    errors = report.flatten(["title", "message"])
    return {"errors": [*descriptor, *map(str, errors)], "read": len(report.tasks)}


def dcat_ap(folder: Path) -> dict[str, Any]:
    """Let pyshacl hold the catalogue against our shapes, and count what rdflib reads."""
    base = "https://data.example.org/releases/one/"
    graph = rdflib.Graph().parse(folder / "dcat.jsonld", format="json-ld", publicID=base)
    conforms, _, words = pyshacl.validate(graph, shacl_graph=str(SHAPES), allow_warnings=False)
    downloads = graph.objects(predicate=rdflib.DCAT.downloadURL)
    return {
        "conforms": conforms,
        "words": words,
        "downloads": sorted(str(each).removeprefix(base) for each in downloads),
    }


def croissant(folder: Path) -> dict[str, Any]:
    """Let mlcroissant check the document and load all clusters from it."""
    dataset = mlcroissant.Dataset(jsonld=str(folder / "croissant.json"))
    issues = dataset.metadata.ctx.issues
    records = [
        {name: value.decode() if isinstance(value, bytes) else str(value) for name, value in record.items()}
        for record in dataset.records("clusters")
    ]
    return {"errors": sorted(issues.errors), "warnings": sorted(issues.warnings), "clusters": records}


def citation(folder: Path) -> dict[str, Any]:
    """Let cffconvert validate the citation and write it as APA would."""
    held = cffconvert.Citation((folder / "CITATION.cff").read_text("utf-8"))
    held.validate()
    return {"apa": held.as_apalike().strip()}


def json_schemas(folder: Path) -> dict[str, Any]:
    """Let jsonschema check each schema, and every row of its table by it."""
    errors, rows = [], 0
    for path in sorted((folder / "schema").iterdir()):
        schema = json.loads(path.read_text("utf-8"))
        kind = jsonschema.validators.validator_for(schema)
        kind.check_schema(schema)
        validator = kind(schema, format_checker=kind.FORMAT_CHECKER)
        for row in pyarrow.parquet.read_table(folder / f"{schema['title']}.parquet").to_pylist():
            rows += 1
            plain = {name: _plain(value) for name, value in row.items()}
            errors += [f"{path.name}: {error.message}" for error in validator.iter_errors(plain)]
    return {"errors": errors, "rows": rows}


def geo_parquet(folder: Path) -> dict[str, Any]:
    """Let geopandas read the points."""
    found = {}
    for path in sorted(folder.glob("*.geo.parquet")):
        frame = geopandas.read_parquet(path)
        found[path.name] = {"crs": str(frame.crs), "points": [[point.x, point.y] for point in frame.geometry]}
    return found


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return f"{value.isoformat()}Z"
    return value.isoformat() if isinstance(value, date) else value


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    where = Path(sys.argv[1])
    judges = (data_package, dcat_ap, croissant, citation, json_schemas, geo_parquet)
    print(json.dumps({judge.__name__: judge(where) for judge in judges}))  # noqa: T201 - its result

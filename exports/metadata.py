"""What a release is, in the words of the standards: Data Package, DCAT-AP, schema.org and Croissant, CITATION.cff.

All of it is made from two things: the definition of the tables (`warehouse.schema`) and the manifest of the release. So
the documents agree with each other, and the same release gives the same bytes. Addresses are relative: wherever the
folder is served, they lead to its files.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic_core import to_json

from exports import integrity
from exports.files import DATABASE
from warehouse import schema
from warehouse.generate import never_null, row_schema

DATAPACKAGE = "datapackage.json"
DCAT = "dcat.jsonld"
CROISSANT = "croissant.json"
CITATION = "CITATION.cff"
README = "README.md"
NOTES = "RELEASE_NOTES.md"

NAME = "cluster-observatory"
TITLE = "Cluster Observatory"
DESCRIPTION = (
    "Industrial clusters of the world, from the observatories that map them, in one schema: clusters and cells, their "
    "figures, the rules that identify them, organisations, initiatives, claims, and the evidence of every row."
)
KEYWORDS = ("industrial clusters", "regional economics", "cluster policy", "open data", "provenance")
TERMS = "README.md#feeds-and-their-terms"
"""Where the terms of each feed stand, beside the files."""

_TERMS_WORDS = "Each row is under the terms of its feed_id."

_MEDIA_TYPES: Mapping[str, str] = MappingProxyType(
    {
        ".parquet": "application/vnd.apache.parquet",
        ".csv": "text/csv",
        ".json": "application/json",
        ".duckdb": "application/vnd.duckdb",
        ".md": "text/markdown",
    }
)
_FILE_TYPES: Mapping[str, str] = MappingProxyType({".parquet": "PARQUET", ".csv": "CSV", ".json": "JSON"})

_FRICTIONLESS_TYPES: Mapping[str, str] = MappingProxyType(
    {
        "VARCHAR": "string",
        "VARCHAR[]": "array",
        "BOOLEAN": "boolean",
        "INTEGER": "integer",
        "BIGINT": "integer",
        "DOUBLE": "number",
        "DATE": "date",
        "TIMESTAMP": "datetime",
    }
)
_CROISSANT_TYPES: Mapping[str, str] = MappingProxyType(
    {
        "VARCHAR": "sc:Text",
        "VARCHAR[]": "sc:Text",
        "BOOLEAN": "sc:Boolean",
        "INTEGER": "sc:Integer",
        "BIGINT": "sc:Integer",
        "DOUBLE": "sc:Float",
        "DATE": "sc:Date",
        "TIMESTAMP": "sc:DateTime",
    }
)

Document = dict[str, Any]


def documents(manifest: Mapping[str, Any]) -> dict[str, str]:
    """Return the documents that describe a release: file name below its folder → text.

    Args:
        manifest: that of the release; of its ``files`` only those that stand in it are described.
    """
    return {
        DATAPACKAGE: _json(_datapackage(manifest)),
        DCAT: _json(_dcat(manifest)),
        CROISSANT: _json(_croissant(manifest)),
        CITATION: _yaml(_citation(manifest)),
        **_row_schemas(),
    }


@cache
def _row_schemas() -> dict[str, str]:
    return {f"schema/{table.name}.schema.json": _json(row_schema(table)) for table in schema.TABLES.values()}


FILES = (DATAPACKAGE, DCAT, CROISSANT, CITATION, *(f"schema/{name}.schema.json" for name in schema.TABLES))
"""Names of the documents that every release has."""


def described(name: str) -> str:
    """Return what a document is, in words."""
    standards = {
        DATAPACKAGE: "The files and their columns, as a Data Package (version 2).",
        DCAT: "The release as a dataset of DCAT-AP, in JSON-LD.",
        CROISSANT: "The release as a Dataset of schema.org and Croissant 1.0, in JSON-LD.",
        CITATION: "How to cite the release, in the Citation File Format.",
    }
    return standards.get(name) or f"JSON Schema of one row of {name.removeprefix('schema/').partition('.')[0]}."


def stated(path: Path) -> list[tuple[str, str, str]]:
    """Return what one of `DATAPACKAGE`, `DCAT` and `CROISSANT` says: its name, a file, the file's SHA-256 in hex.

    Raises:
        ValueError, KeyError, TypeError, AttributeError: the document does not have the form that it is written in.
    """
    document = json.loads(path.read_text(encoding="utf-8"))
    if path.name == DATAPACKAGE:
        told = {each["path"]: each["hash"].removeprefix("sha256:") for each in document["resources"]}
    elif path.name == CROISSANT:
        told = {each["contentUrl"]: each["sha256"] for each in document["distribution"]}
    else:
        nodes = (each for each in document["@graph"] if "checksum" in each)
        told = {each["downloadURL"]: each["checksum"]["checksumValue"] for each in nodes}
    return [(path.name, name, digest) for name, digest in told.items()]


def credited(manifest: Mapping[str, Any]) -> list[Document]:
    """Return the feeds whose rows stand in a release, as its manifest has them, in order."""
    shown = {feed_id for table in manifest["tables"].values() for feed_id in table["feeds"]}
    return [feed for feed in manifest["feeds"] if feed["feed_id"] in shown]


def _title(manifest: Mapping[str, Any]) -> str:
    return ("DEMO DATA: " if manifest["synthetic"] else "") + TITLE


def _description(manifest: Mapping[str, Any]) -> str:
    demo = "DEMO DATA, made by replicas: nothing in it is a fact about the world. " if manifest["synthetic"] else ""
    return demo + DESCRIPTION


def _tabular(manifest: Mapping[str, Any]) -> Iterator[tuple[schema.Table, Document]]:
    return ((schema.TABLES[name], entry) for name, entry in manifest["tables"].items())


def _listed(manifest: Mapping[str, Any]) -> Iterator[Document]:
    """Yield the further data files, whose digest the manifest has."""
    return (entry for entry in manifest["files"] if "sha256" in entry and entry["file"] not in {README, NOTES})


# --- Data Package v2 (https://datapackage.org)


def _datapackage(manifest: Mapping[str, Any]) -> Document:
    return {
        "$schema": "https://datapackage.org/profiles/2.0/datapackage.json",
        "name": NAME,
        "id": f"urn:{NAME}:{manifest['profile']}:{manifest['release_id']}",
        "title": _title(manifest),
        "description": _description(manifest),
        "version": manifest["release_id"],
        "created": manifest["published_at"],
        "keywords": [*KEYWORDS],
        "licenses": [{"path": README, "title": _TERMS_WORDS}],
        "contributors": [{"title": TITLE, "roles": ["publisher"]}],
        "sources": [_source(feed) for feed in credited(manifest)],
        "resources": [
            *(_resource(table, entry, manifest) for table, entry in _tabular(manifest)),
            *(_plain_resource(entry) for entry in _listed(manifest)),
        ],
    }


def _source(feed: Mapping[str, Any]) -> Document:
    return {"title": f"{feed['feed_id']}: {feed['title']}"} | (
        {"path": feed["homepage_url"]} if _is_web(feed["homepage_url"]) else {}
    )


def _licence(feed: Mapping[str, Any]) -> Document:
    where = feed["licence_url"] if _is_web(feed["licence_url"]) else README
    return {"path": where, "title": f"{feed['feed_id']}: {feed['licence']}"}


def _resource(table: schema.Table, entry: Mapping[str, Any], manifest: Mapping[str, Any]) -> Document:
    feeds = [feed for feed in manifest["feeds"] if feed["feed_id"] in entry["feeds"]]
    keys = [
        {"fields": [column], "reference": {"resource": parent, "fields": [key]}}
        for child, column, parent, key in integrity.foreign_keys()
        if child == table.name
    ]
    return {
        "name": table.name,
        "path": entry["file"],
        "title": table.name,
        "description": table.description,
        "format": "parquet",
        "mediatype": _MEDIA_TYPES[".parquet"],
        "bytes": entry["bytes"],
        "hash": f"sha256:{entry['sha256']}",
        **({"licenses": [_licence(feed) for feed in feeds]} if feeds else {}),
        "schema": {
            "fields": [_field(table, column) for column in table.columns],
            "primaryKey": [*table.key],
            **({"foreignKeys": keys} if keys else {}),
        },
    }


def _field(table: schema.Table, column: schema.Column) -> Document:
    constraints: Document = {"required": True} if never_null(table, column) else {}
    if column.codes:
        constraints["enum"] = [*column.codes]
    return {
        "name": column.name,
        "type": _FRICTIONLESS_TYPES[column.type],
        "description": column.description,
        **({"constraints": constraints} if constraints else {}),
    }


def _plain_resource(entry: Mapping[str, Any]) -> Document:
    suffix = Path(entry["file"]).suffix
    fields: list[Document] = [{"name": name, "type": "string"} for name in entry.get("columns", ())]
    if suffix == ".csv" and "table" in entry:
        table = schema.TABLES[entry["table"]]
        fields = [_field(table, column) for column in table.columns]
    return {
        "name": entry["file"].removesuffix(suffix).replace("/", "-"),
        "path": entry["file"],
        "description": entry["description"],
        "format": suffix[1:],
        "mediatype": _MEDIA_TYPES[suffix],
        "bytes": entry["bytes"],
        "hash": f"sha256:{entry['sha256']}",
        **({"schema": {"fields": fields}} if fields else {}),
    }


# --- DCAT-AP 3 (https://semiceu.github.io/DCAT-AP/)

_EU = "http://publications.europa.eu/resource/authority"

_DCAT_CONTEXT: Mapping[str, Any] = MappingProxyType(
    {
        "dcat": "http://www.w3.org/ns/dcat#",
        "dct": "http://purl.org/dc/terms/",
        "foaf": "http://xmlns.com/foaf/0.1/",
        "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
        "spdx": "http://spdx.org/rdf/terms#",
        "xsd": "http://www.w3.org/2001/XMLSchema#",
        "title": {"@id": "dct:title", "@language": "en"},
        "description": {"@id": "dct:description", "@language": "en"},
        "keyword": {"@id": "dcat:keyword", "@language": "en"},
        "label": {"@id": "rdfs:label", "@language": "en"},
        "issued": {"@id": "dct:issued", "@type": "xsd:dateTime"},
        "modified": {"@id": "dct:modified", "@type": "xsd:dateTime"},
        "identifier": "dct:identifier",
        "version": "dcat:version",
        "publisher": {"@id": "dct:publisher", "@type": "@id"},
        "language": {"@id": "dct:language", "@type": "@id"},
        "theme": {"@id": "dcat:theme", "@type": "@id"},
        "accessRights": {"@id": "dct:accessRights", "@type": "@id"},
        "dataset": {"@id": "dcat:dataset", "@type": "@id"},
        "distribution": {"@id": "dcat:distribution", "@type": "@id"},
        "previousVersion": {"@id": "dcat:previousVersion", "@type": "@id"},
        "accessURL": {"@id": "dcat:accessURL", "@type": "@id"},
        "downloadURL": {"@id": "dcat:downloadURL", "@type": "@id"},
        "conformsTo": {"@id": "dct:conformsTo", "@type": "@id"},
        "license": {"@id": "dct:license", "@type": "@id"},
        "rights": {"@id": "dct:rights", "@type": "@id"},
        "seeAlso": {"@id": "rdfs:seeAlso", "@type": "@id"},
        "format": {"@id": "dct:format", "@type": "@id"},
        "mediaType": {"@id": "dcat:mediaType", "@type": "@id"},
        "byteSize": {"@id": "dcat:byteSize", "@type": "xsd:nonNegativeInteger"},
        "checksum": {"@id": "spdx:checksum"},
        "algorithm": {"@id": "spdx:algorithm", "@type": "@id"},
        "checksumValue": {"@id": "spdx:checksumValue", "@type": "xsd:hexBinary"},
        "name": "foaf:name",
    }
)


def _dcat(manifest: Mapping[str, Any]) -> Document:
    files = [
        *(_distribution(entry, table) for table, entry in _tabular(manifest)),
        *(_distribution(entry, None) for entry in _listed(manifest)),
        {
            "@id": "#file-observatory.duckdb",
            "@type": "dcat:Distribution",
            "title": DATABASE,
            "description": "All tables in one DuckDB file, with comments, macros and views.",
            "accessURL": DATABASE,
            "downloadURL": DATABASE,
            "mediaType": _iana(_MEDIA_TYPES[".duckdb"]),
            "license": TERMS,
        },
    ]
    dataset: Document = {
        "@id": "#dataset",
        "@type": "dcat:Dataset",
        "identifier": f"urn:{NAME}:{manifest['profile']}:{manifest['release_id']}",
        "title": _title(manifest),
        "description": _description(manifest),
        "keyword": [*KEYWORDS],
        "version": manifest["release_id"],
        "issued": manifest["published_at"],
        "modified": manifest["published_at"],
        "publisher": "#publisher",
        "language": f"{_EU}/language/ENG",
        "theme": f"{_EU}/data-theme/ECON",
        "accessRights": f"{_EU}/access-right/{'PUBLIC' if manifest['profile'] == 'public' else 'NON_PUBLIC'}",
        "distribution": [node["@id"] for node in files],
    }
    if manifest["previous"] is not None:
        dataset["previousVersion"] = f"../{manifest['previous']}/{DCAT}#dataset"
    rights = [
        {
            "@id": f"#terms-{feed['feed_id']}",
            "@type": "dct:RightsStatement",
            "label": "; ".join(filter(None, (feed["feed_id"], feed["licence"], feed["attribution"]))),
            **({"seeAlso": feed["licence_url"]} if _is_web(feed["licence_url"]) else {}),
        }
        for feed in credited(manifest)
    ]
    return {
        "@context": dict(_DCAT_CONTEXT),
        "@graph": [
            {
                "@id": "#catalogue",
                "@type": "dcat:Catalog",
                "title": _title(manifest),
                "description": _description(manifest),
                "publisher": "#publisher",
                "dataset": ["#dataset"],
            },
            dataset,
            {"@id": "#publisher", "@type": "foaf:Agent", "name": TITLE},
            {"@id": TERMS, "@type": "dct:LicenseDocument", "label": _TERMS_WORDS},
            *rights,
            *({"@id": f"schema/{name}.schema.json", "@type": "dct:Standard", "title": name} for name in schema.TABLES),
            *files,
        ],
    }


def _iana(media_type: str) -> str:
    return f"http://www.iana.org/assignments/media-types/{media_type}"


def _distribution(entry: Mapping[str, Any], table: schema.Table | None) -> Document:
    suffix = Path(entry["file"]).suffix
    return {
        "@id": f"#file-{entry['file']}",
        "@type": "dcat:Distribution",
        "title": entry["file"],
        "description": entry["description"],
        "accessURL": entry["file"],
        "downloadURL": entry["file"],
        "mediaType": _iana(_MEDIA_TYPES[suffix]),
        **({"format": f"{_EU}/file-type/{_FILE_TYPES[suffix]}"} if suffix in _FILE_TYPES else {}),
        "byteSize": str(entry["bytes"]),
        "checksum": {
            "@type": "spdx:Checksum",
            "algorithm": "spdx:checksumAlgorithm_sha256",
            "checksumValue": entry["sha256"],
        },
        "license": TERMS,
        **({"rights": [f"#terms-{feed_id}" for feed_id in entry["feeds"]]} if entry.get("feeds") else {}),
        **({"conformsTo": f"schema/{table.name}.schema.json"} if table else {}),
    }


# --- schema.org Dataset, and Croissant 1.0 (https://docs.mlcommons.org/croissant/docs/croissant-spec-1.0.html)

_CROISSANT_CONTEXT: Mapping[str, Any] = MappingProxyType(
    {
        "@language": "en",
        "@vocab": "https://schema.org/",
        "citeAs": "cr:citeAs",
        "column": "cr:column",
        "conformsTo": "dct:conformsTo",
        "cr": "http://mlcommons.org/croissant/",
        "rai": "http://mlcommons.org/croissant/RAI/",
        "data": {"@id": "cr:data", "@type": "@json"},
        "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
        "dct": "http://purl.org/dc/terms/",
        "equivalentProperty": "cr:equivalentProperty",
        "examples": {"@id": "cr:examples", "@type": "@json"},
        "extract": "cr:extract",
        "field": "cr:field",
        "fileProperty": "cr:fileProperty",
        "fileObject": "cr:fileObject",
        "fileSet": "cr:fileSet",
        "format": "cr:format",
        "includes": "cr:includes",
        "isLiveDataset": "cr:isLiveDataset",
        "jsonPath": "cr:jsonPath",
        "key": "cr:key",
        "md5": "cr:md5",
        "parentField": "cr:parentField",
        "path": "cr:path",
        "recordSet": "cr:recordSet",
        "references": "cr:references",
        "regex": "cr:regex",
        "repeated": "cr:repeated",
        "replace": "cr:replace",
        "samplingRate": "cr:samplingRate",
        "sc": "https://schema.org/",
        "separator": "cr:separator",
        "source": "cr:source",
        "subField": "cr:subField",
        "transform": "cr:transform",
    }
)


def dataset(manifest: Mapping[str, Any], base: str) -> Document:
    """Return what a search engine reads on the front page: a Dataset of schema.org, with its downloads.

    Args:
        manifest: the manifest of the release, as far as it is known.
        base: address of the release, as seen from the page.
    """
    said = _croissant(manifest)
    kept = ("description", "license", "creator", "publisher", "datePublished", "version", "keywords", "creditText")
    return {
        "@context": "https://schema.org/",
        "@type": "Dataset",
        "name": said["alternateName"],
        **{name: json.loads(json.dumps(said[name]).replace('"sc:', '"')) for name in kept},
        "isAccessibleForFree": True,
        "distribution": [
            {"@type": "DataDownload", "name": name, "contentUrl": f"{base}{name}", "encodingFormat": media_type}
            for name, media_type in (
                (DATABASE, _MEDIA_TYPES[".duckdb"]),
                *((entry["file"], _MEDIA_TYPES[".parquet"]) for _, entry in _tabular(manifest)),
            )
        ],
    }


def _croissant(manifest: Mapping[str, Any]) -> Document:
    day = manifest["published_at"][:10]
    *date, number = manifest["release_id"].split(".")
    licences = sorted({feed["licence_url"] for feed in credited(manifest) if _is_web(feed["licence_url"])})
    return {
        "@context": dict(_CROISSANT_CONTEXT),
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": NAME,
        "alternateName": _title(manifest),
        "description": _description(manifest),
        "url": "./",
        "license": licences or [TERMS],
        "creator": {"@type": "sc:Organization", "name": TITLE},
        "publisher": {"@type": "sc:Organization", "name": TITLE},
        "datePublished": day,
        # Croissant wants a semantic version: the day as its three numbers, the release of the day behind it.
        "version": f"{'.'.join(str(int(part)) for part in date)}+{number}",
        "keywords": [*KEYWORDS],
        "inLanguage": "en",
        "isAccessibleForFree": True,
        "creditText": "; ".join(feed["attribution"] for feed in credited(manifest) if feed["attribution"]),
        "citeAs": _bibtex(manifest),
        "distribution": [
            {
                "@type": "cr:FileObject",
                "@id": entry["file"],
                "name": entry["file"],
                "description": table.description,
                "contentUrl": entry["file"],
                "contentSize": f"{entry['bytes']} B",
                # The name by which readers of Croissant know Parquet.
                "encodingFormat": "application/x-parquet",
                "sha256": entry["sha256"],
            }
            for table, entry in _tabular(manifest)
        ],
        "recordSet": [_record_set(table, entry) for table, entry in _tabular(manifest)],
    }


def _record_set(table: schema.Table, entry: Mapping[str, Any]) -> Document:
    return {
        "@type": "cr:RecordSet",
        "@id": table.name,
        "name": table.name,
        "description": table.description,
        "key": [{"@id": f"{table.name}/{name}"} for name in table.key],
        "field": [
            {
                "@type": "cr:Field",
                "@id": f"{table.name}/{column.name}",
                "name": column.name,
                "description": column.description,
                "dataType": _CROISSANT_TYPES[column.type],
                **({"repeated": True} if column.type.endswith("[]") else {}),
                "source": {"fileObject": {"@id": entry["file"]}, "extract": {"column": column.name}},
            }
            for column in table.columns
        ],
    }


def _bibtex(manifest: Mapping[str, Any]) -> str:
    return (
        f"@misc{{{NAME}-{manifest['release_id']}, title = {{{_title(manifest)}}}, author = {{{{{TITLE}}}}}, "
        f"year = {{{manifest['published_at'][:4]}}}, version = {{{manifest['release_id']}}}, "
        f"note = {{Profile {manifest['profile']}}}}}"
    )


# --- Citation File Format 1.2 (https://citation-file-format.github.io)


def _citation(manifest: Mapping[str, Any]) -> Document:
    references = [
        {
            "type": "data",
            "title": feed["title"] or feed["feed_id"],
            "authors": [{"name": feed["publisher"] or feed["feed_id"]}],
            **({"url": feed["homepage_url"]} if _is_web(feed["homepage_url"]) else {}),
            "notes": "; ".join(filter(None, (f"Feed {feed['feed_id']}", feed["licence"], feed["attribution"]))),
        }
        for feed in credited(manifest)
    ]
    return {
        "cff-version": "1.2.0",
        "message": "If you use this dataset, cite it, and the feeds whose rows you use.",
        "type": "dataset",
        "title": _title(manifest),
        "abstract": _description(manifest),
        "authors": [{"name": TITLE}],
        "version": manifest["release_id"],
        "date-released": manifest["published_at"][:10],
        "keywords": [*KEYWORDS],
        **({"references": references} if references else {}),
    }


def _yaml(value: Mapping[str, Any]) -> str:
    return "\n".join(_yaml_lines(value)) + "\n"


def _yaml_lines(value: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines of a mapping in YAML, of which JSON's strings are a part."""
    for key, held in value.items():
        if isinstance(held, str):
            yield f"{key}: {json.dumps(held, ensure_ascii=False)}"
        else:
            yield f"{key}:"
            for item in held:
                lines = [json.dumps(item, ensure_ascii=False)] if isinstance(item, str) else [*_yaml_lines(item)]
                yield from (f"{'    ' if number else '  - '}{line}" for number, line in enumerate(lines))


def _is_web(address: str | None) -> bool:
    return address is not None and address.startswith(("https://", "http://")) and " " not in address


def _json(value: object) -> str:
    return to_json(value, indent=2).decode() + "\n"  # as json.dumps writes it, in a tenth of the time

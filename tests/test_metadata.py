"""What the standards' documents say of a release is true of it, and the standards' own validators accept it."""

from __future__ import annotations

import csv
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import duckdb
import pytest
from test_release import Rows, cluster, provenance, publish, read, reseal, world

from exports import files, metadata, release
from exports.verify import verify
from warehouse import schema
from warehouse.schema import literal

ROOT = Path(__file__).parent.parent
JUDGES = ROOT / ".venv-validators"


FEED_AND_PROOF = {"feed_id": "x.cells"} | provenance()


def credited_world() -> Rows:
    """Return the small world with terms, a code that a feed names, and texts that a spreadsheet would run."""
    rows = world()
    rows["feeds"][0] |= {
        "licence": "CC BY 4.0",
        "licence_url": "https://creativecommons.org/licenses/by/4.0/",
        "attribution": '© "Office" of X: cite it',
    }
    rows["sources"][0] |= {"publisher": "Office of X", "homepage_url": "https://x.example/"}
    rows["codes"] = [
        {"code_list": "product_class", "code": "micro", "feed_id": "x.cells", "name": "=1+1", "definition": "Small."}
    ]
    for row in rows["codes"]:
        row |= {"document_id": rows["documents"][0]["document_id"], "harvest_id": rows["harvests"][0]["harvest_id"]}
    rows["clusters"][0] |= {"themes": ["a", "b"], "latitude": -1.5, "longitude": 2e-7}
    rows["clusters"][1] |= {"latitude": 3.0}
    rows["regions"] = [{"region_id": "r:1", "latitude": 52.123456789012345, "longitude": -179.9} | FEED_AND_PROOF]
    texts = ["=1+1", "+1", "-1", "@a", "\tx", "\rx", "\nx", "'=1", "'s-Hertogenbosch", "a=b", "", '"q", r', "＝1"]
    rows["resources"] = [
        {"resource_id": f"{number:02}", "name": text, "feed_ids": ["=x", "y"]} | FEED_AND_PROOF
        for number, text in enumerate(texts)
    ] + [{"resource_id": "99"} | FEED_AND_PROOF]
    return rows


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a public release of that world."""
    return publish(credited_world(), tmp_path_factory.mktemp("published"), profile="public")


@pytest.fixture(scope="module")
def verdicts(folder: Path) -> dict[str, Any]:
    """Return what the validators say of the release."""
    if not (JUDGES / "ready").exists():
        pytest.skip("needs the validators in an environment of their own: run `make validators`")
    command = [str(JUDGES / "bin" / "python"), str(ROOT / "tests" / "judges.py"), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.validators
def test_frictionless_accepts_the_data_package(folder: Path, verdicts: dict[str, Any]) -> None:
    assert verdicts["data_package"] == {"errors": [], "read": len([*folder.rglob("*.csv")])}


@pytest.mark.validators
def test_pyshacl_accepts_the_catalogue(folder: Path, verdicts: dict[str, Any]) -> None:
    found = verdicts["dcat_ap"]
    assert found["conforms"], found["words"]
    data = {name for name in release.listing(folder) if name.endswith((".parquet", ".csv", ".duckdb"))} - {
        files.CONSOLE
    }
    assert set(found["downloads"]) == data


@pytest.mark.validators
def test_mlcroissant_loads_the_clusters(verdicts: dict[str, Any]) -> None:
    found = verdicts["croissant"]
    assert (found["errors"], found["warnings"]) == ([], [])
    assert [row["clusters/cluster_id"] for row in found["clusters"]] == ["x.cells:one", "x.cells:two"]
    assert found["clusters"][0]["clusters/latitude"] == "-1.5"


@pytest.mark.validators
def test_cffconvert_accepts_the_citation(verdicts: dict[str, Any]) -> None:
    assert verdicts["citation"]["apa"] == "Cluster Observatory (2026). Cluster Observatory (version 2026.01.02.1)."


@pytest.mark.validators
def test_every_row_satisfies_its_json_schema(folder: Path, verdicts: dict[str, Any]) -> None:
    assert verdicts["json_schemas"] == {"errors": [], "rows": release.read_manifest(folder)["totals"]["rows"]}


@pytest.mark.validators
def test_geopandas_reads_the_points(verdicts: dict[str, Any]) -> None:
    """Rows without a whole point are left out; a number in scientific notation is a number."""
    assert verdicts["geo_parquet"] == {
        "clusters.geo.parquet": {"crs": "OGC:CRS84", "points": [[2e-7, -1.5]]},
        "regions.geo.parquet": {"crs": "OGC:CRS84", "points": [[-179.9, 52.123456789012345]]},
    }


def test_geoparquet_says_what_it_is(folder: Path) -> None:
    with duckdb.connect() as connection:
        path = literal(str(folder / "clusters.geo.parquet"))
        notes = dict(connection.execute(f"SELECT key, value FROM parquet_kv_metadata({path})").fetchall())
    told = json.loads(notes[b"geo"])
    assert (told["version"], told["primary_column"]) == ("1.0.0", "geometry")
    assert told["columns"]["geometry"]["encoding"] == "WKB"
    assert json.loads(notes[b"columns"])["kind"] == schema.CLUSTERS.by_name["kind"].description


def test_no_cell_of_a_csv_is_a_formula_and_nothing_is_lost(folder: Path) -> None:
    """One apostrophe is added, and whoever takes it away has what the table says."""
    with (folder / "csv" / "resources.csv").open(encoding="utf-8", newline="") as lines:
        cells = list(csv.DictReader(lines))
    assert not [value for row in cells for value in row.values() if value[:1] in set("=+-@\t\r\n＝＋－＠")]
    names = [re.sub("^'(?='*[=+\\-@\t\r\n＝＋－＠])", "", row["name"]) for row in cells]
    assert names == [name or "" for (name,) in read(folder, "resources", "name")]
    assert cells[8]["name"] == "'s-Hertogenbosch"
    assert cells[0]["feed_ids"] == '["=x","y"]'
    raw = (folder / "csv" / "resources.csv").read_text("utf-8")
    assert '10,x.cells,"",' in raw  # an empty text
    assert "99,x.cells,," in raw  # nothing
    assert {path.stem for path in (folder / "csv").iterdir()} == {table.name for table in files.SMALL}


def test_the_note_tells_what_changed(tmp_path: Path) -> None:
    first = publish(world(), tmp_path, 1)
    assert (first / "RELEASE_NOTES.md").read_text("utf-8").splitlines()[2:6] == [
        "The first release of its profile.",
        "",
        "- `census`: 1 rows",
        "- `clusters`: 2 rows",
    ]
    rows = world()
    rows["clusters"] = [cluster("one", name="new", themes=["a"]), cluster("three")]
    rows["observations"].pop()
    assert (
        (publish(rows, tmp_path, 2) / "RELEASE_NOTES.md").read_text("utf-8")
        == """\
# Release 2026.01.02.2

What differs from release 2026.01.02.1. Every cell stands in the table `changes`.

- `clusters`: 1 rows added, 1 rows removed, 1 rows changed (2 cells)
- `observations`: 1 rows removed

By feed:

- `x.cells`: 5 entries, 5 of them by the source alone

Ids (`id_ledger`):

- 1 retired
"""
    )
    assert "Nothing." in (publish(rows, tmp_path, 3) / "RELEASE_NOTES.md").read_text("utf-8")


def test_the_data_package_describes_every_column(folder: Path) -> None:
    package = json.loads((folder / metadata.DATAPACKAGE).read_text("utf-8"))
    resources = {resource["name"]: resource for resource in package["resources"]}
    for table in schema.TABLES.values():
        held = resources[table.name]["schema"]
        assert [(field["name"], field["description"]) for field in held["fields"]] == [
            (column.name, column.description) for column in table.columns
        ]
        assert held["primaryKey"] == list(table.key)
    assert {"fields": ["cluster_id"], "reference": {"resource": "clusters", "fields": ["cluster_id"]}} in resources[
        "observations"
    ]["schema"]["foreignKeys"]


def test_terms_stand_by_every_file(folder: Path) -> None:
    """A file names the feeds whose terms hold for it; our own facts name none; what is computed names all."""
    manifest = release.read_manifest(folder)
    assert {name: entry["feeds"] for name, entry in manifest["tables"].items() if entry["rows"]} == {
        "sources": [],
        "feeds": [],
        "harvests": [],
        "regions": ["x.cells"],
        "clusters": ["x.cells"],
        "resources": ["x.cells"],
        "observations": ["x.cells"],
        "codes": ["x.cells"],
        "documents": ["x.cells"],
        "census": ["x.cells"],
        "id_ledger": ["x.cells"],
        "changes": ["x.cells"],
    }
    assert [feed["feed_id"] for feed in metadata.credited(manifest)] == ["x.cells"]
    package = json.loads((folder / metadata.DATAPACKAGE).read_text("utf-8"))
    [clusters] = [resource for resource in package["resources"] if resource["name"] == "clusters"]
    assert clusters["licenses"] == [
        {"path": "https://creativecommons.org/licenses/by/4.0/", "title": "x.cells: CC BY 4.0"}
    ]
    citation = (folder / metadata.CITATION).read_text("utf-8")
    assert 'notes: "Feed x.cells; CC BY 4.0; © \\"Office\\" of X: cite it"' in citation
    assert "x.shut" not in citation


def test_code_lists_hold_the_codes_and_what_a_feed_says_of_them(folder: Path) -> None:
    made = {path.stem for path in (folder / "codes").iterdir()}
    assert made == set(files.code_lists())
    assert {"clusters.kind", "initiatives.kind", "obs_status", "route"} < made
    with (folder / "codes" / "product_class.csv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert [row["code"] for row in rows] == list(schema.CLUSTERS.by_name["product_class"].codes)
    assert rows[0] == {"code": "micro", "name": "'=1+1", "definition": "Small.", "used_by": rows[0]["used_by"]}
    assert rows[0]["used_by"] == "clusters.product_class clusters_closed.product_class"


def test_a_demo_is_called_so_everywhere(tmp_path: Path) -> None:
    made = publish(world(), tmp_path, demo=True)
    for name in (metadata.DATAPACKAGE, metadata.DCAT, metadata.CROISSANT, metadata.CITATION):
        assert "DEMO DATA" in (made / name).read_text("utf-8")


def test_verify_compares_the_documents_with_the_files(tmp_path: Path) -> None:
    """A document that speaks of other bytes is found, also where every checksum agrees."""
    made = publish(credited_world(), tmp_path, profile="public")
    assert verify(made, tmp_path / "nowhere") == []
    path = made / metadata.CROISSANT
    before, true = release.sha256(path), release.sha256(made / "claims.parquet")
    path.write_text(path.read_text("utf-8").replace(true, "0" * 64), "utf-8")
    reseal(made)
    says = "it says that the SHA-256 of"
    assert verify(made, tmp_path / "nowhere") == [
        f"manifest.json: {says} croissant.json is {before}, it is {release.sha256(path)}",
        f"croissant.json: {says} claims.parquet is {'0' * 64}, it is {true}",
    ]
    path.write_text("{}", "utf-8")
    reseal(made)
    assert "croissant.json: not as this software writes it" in verify(made, tmp_path / "nowhere")[0]
    (made / metadata.DCAT).unlink()
    reseal(made)
    assert "dcat.jsonld: the file is missing" in verify(made, tmp_path / "nowhere")

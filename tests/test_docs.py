"""What the documentation names is there: links, paths, commands, options, feeds."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from typer.core import TyperGroup

from cli import app
from crawlers.source import feeds

ROOT = Path(__file__).parent.parent
PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *(page for room in ("crawlers", "docs", "normalizers", "replicas") for page in (ROOT / room).rglob("*.md")),
    ]
)
ALL_PAGES = pytest.mark.parametrize("page", PAGES, ids=[str(path.relative_to(ROOT)) for path in PAGES])

_LINK = re.compile(r"\]\(([^)\s]+)\)")
_PATH = re.compile(r"`((?:[\w.-]+/)*[\w.-]+\.(?:py|sql|csv|toml|md)|(?:[\w.-]+/)+)`")
_OF_A_HOME = {
    "RELEASE_NOTES.md",
    "archive/",
    "archive/releases/",
    "logs/",
    "observatory.toml",
    "published/",
    "staging/",
}
_COMMAND = re.compile(r"(?:^|\n)    (?:\.venv/bin/)?observatory ([^\n#]+)|`(?:\.venv/bin/)?observatory ([^`]+)`")


def text(page: Path) -> str:
    """Return the text of a page."""
    return page.read_text("utf-8")


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", text(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@ALL_PAGES
def test_links_lead_somewhere(page: Path) -> None:
    for link in _LINK.findall(text(page)):
        if link.startswith(("https://", "http://")):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), f"{page.name}: {link}"
        assert target.is_relative_to(ROOT), f"{page.name}: {link} leaves the repository"
        assert not anchor or anchor in anchors(target), f"{page.name}: {link}"


@ALL_PAGES
def test_named_files_exist(page: Path) -> None:
    for name in _PATH.findall(text(page)):
        if name in _OF_A_HOME or name == "source.toml" or name.startswith("demo/"):
            continue
        places = [ROOT / name, page.parent / name, ROOT / "normalizers" / "reference" / name]
        assert any(place.exists() for place in places), f"{page.name}: {name}"


def commands(page: Path) -> Iterator[list[str]]:
    """Yield the words of every observatory command that a page names, without the name of the command itself."""
    for block, inline in _COMMAND.findall(text(page)):
        yield shlex.split(block or inline)


@ALL_PAGES
def test_named_commands_and_options_exist(page: Path) -> None:
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    for name, *words in commands(page):
        assert name in group.commands, f"{page.name}: observatory {name}"
        options = {option for parameter in group.commands[name].params for option in parameter.opts}
        for word in words:
            assert not word.startswith("--") or word in options, f"{page.name}: observatory {name} {word}"


def test_commands_are_found_at_all() -> None:
    found = {words[0] for page in PAGES for words in commands(page)}
    assert found >= {"harvest", "sources", "status", "sql", "trace", "verify"}


@ALL_PAGES
def test_named_make_targets_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z0-9.-]+):", text(ROOT / "Makefile"), re.MULTILINE))
    named = re.findall(r"(?:^    |`)make ([a-z0-9. -]+?)(?:`|\s*(?:#|$))", text(page), re.MULTILINE)
    assert {target for words in named for target in words.split()} <= targets


def test_readme_states_the_terms_of_every_feed() -> None:
    rows = re.findall(
        r"^\| \[([\w.]+)\]\((\S+)\) \|.*\| ([^|]+) \| (yes|no)\b[^|]*?(\w+) \|[^|]+\|$",
        text(ROOT / "README.md"),
        re.MULTILINE,
    )
    assert [feed_id for feed_id, *_ in rows] == sorted(feeds(), reverse=True)
    for feed_id, page, routes, public, terms in rows:
        feed = feeds()[feed_id]
        assert (ROOT / page).exists()
        assert routes.split(", ") == list(feed.routes)
        assert (public, terms) == (
            "yes" if feed.redistribution in {"open", "attribution"} else "no",
            feed.redistribution,
        )


def test_repository_pages_name_no_machine() -> None:
    for page in PAGES:
        assert not re.search(r"/(?:work|home|root|Users)/", text(page)), page.name


def test_licence_is_the_apache_licence() -> None:
    licence = text(ROOT / "LICENSE")
    assert len(licence.encode()) == 11_358
    assert "Version 2.0, January 2004" in licence
    assert "APPENDIX: How to apply the Apache License to your work." in licence

"""The site in a real browser: what a visitor sees, does and hears of. Nothing but loopback is reached.

`make browser` builds what it needs; the browser is Debian's chromium, or the one that CHROMIUM names.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from playwright.sync_api import Browser, Page, Route, expect, sync_playwright
from test_serve import start
from test_site import SHOWN, publish

from exports import files, release
from exports.site import build

pytestmark = pytest.mark.browser

CONSOLE = Path(build.__file__).parent / "console"
AXE = CONSOLE / "node_modules" / "axe-core" / "axe.min.js"
CHROMIUM = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)

LOOKS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light", "viewport": {"width": 1280, "height": 900}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1280, "height": 900}},
    "phone": {"color_scheme": "light", "viewport": {"width": 390, "height": 844}, "has_touch": True},
}
HOSTILE = f"cluster.html?id={quote('global:open.feed:<b>')}"
RICH = f"cluster.html?id={quote('global:open.feed:000')}"
PAGES = (
    *("index.html", "categories.html", "countries.html", "sources.html", "health.html", "claims.html"),
    *("resources.html", "search.html?q=cheese", "console.html", "dictionary.html", "download.html"),
    *("categories/bcd-1.html", "countries/IN.html", "sources/open.html", RICH, HOSTILE),
)

STATUS = {
    "generated_at": "2026-01-02T00:00:00Z",
    "feeds": [
        {
            "feed_id": "open.feed",
            "health": "stale",
            "reason": "nobody looked",
            "last_success_at": "2026-01-01T00:00:00Z",
            "evidence_at": "2020-01-01T00:00:00Z",
        }
    ],
}

JUDGE = "axe.run({exclude: ['tbody tr:nth-child(n+9)']}, {resultTypes: ['violations']})"
"""The first rows of a table stand for the others."""


@dataclass(slots=True)
class Visit:
    """A page of the site, and what went wrong while it was open.

    Attributes:
        page: the browser's page.
        root: address of the site.
        errors: what the page wrote to its console as an error, and what it threw.
        outside: addresses beyond this machine that it asked for; all were refused.
        bytes: how much it was sent, in bytes as they travel.
    """

    page: Page
    root: str
    errors: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)
    bytes: int = 0

    def go(self, name: str) -> Page:
        """Open a page, and wait until it is quiet."""
        self.page.goto(self.root + name)
        self.page.wait_for_load_state("networkidle")
        return self.page


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    missing = [
        what
        for there, what in (
            (CHROMIUM, "no chromium: install Debian's, or name one in CHROMIUM"),
            (AXE.is_file() and CONSOLE.joinpath("built").is_dir(), "the console is not built: run `make console`"),
        )
        if not there
    ]
    if missing:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("; ".join(missing))
    quiet = ("gpu", "quic", "background-networking", "component-update", "sync")
    with sync_playwright() as playwright:
        # Without a sandbox, for CI is root; what it opens is ours.
        chromium = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--no-first-run", *(f"--disable-{part}" for part in quiet)]
        )
        yield chromium
        chromium.close()


@dataclass(frozen=True, slots=True)
class Served:
    """A release that is served, and the address of its site."""

    folder: Path
    root: str


def served(home: Path) -> Iterator[Served]:
    """Publish the small world of `test_site`, and serve it."""
    folder = publish(home / "published")
    (home / "published" / "status.json").write_text(json.dumps(STATUS), "utf-8")
    process, told = start(home)
    try:
        yield Served(folder, f"{told['url']}site/")
    finally:
        process.terminate()
        process.communicate(timeout=20)


@pytest.fixture(scope="module")
def site(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:  # noqa: ARG001  # it skips
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(build, "ENGINE", CONSOLE / "built")
        yield from served(tmp_path_factory.mktemp("home"))


def visiting(browser: Browser, root: str, look: str = "light") -> Iterator[Visit]:
    """Open a page in a context of its own that reaches this machine alone."""
    context = browser.new_context(**LOOKS[look])
    visit = Visit(context.new_page(), root)

    def gate(route: Route) -> None:
        if urlsplit(route.request.url).hostname == "127.0.0.1":
            route.continue_()
        else:
            visit.outside.append(route.request.url)
            route.abort()

    context.route("**/*", gate)
    visit.page.on("console", lambda message: visit.errors.append(message.text) if message.type == "error" else None)
    visit.page.on("pageerror", lambda error: visit.errors.append(str(error)))
    visit.page.on("dialog", lambda dialog: visit.errors.append(f"a dialog: {dialog.message}"))

    def sent(response: Any) -> None:  # noqa: ANN401  # playwright's
        visit.bytes += int(response.headers.get("content-length", "0"))

    visit.page.on("response", sent)
    yield visit
    context.close()


@pytest.fixture
def visit(browser: Browser, site: Served) -> Iterator[Visit]:
    yield from visiting(browser, site.root)


@pytest.mark.parametrize("look", LOOKS)
def test_every_page_is_without_faults(browser: Browser, site: Served, tmp_path: Path, look: str) -> None:
    """No error, nothing from elsewhere, no serious fault that axe finds, no page wider than the screen."""
    [visit] = visits = list(visiting_all(browser, site.root, look, tmp_path))
    assert [one.outside for one in visits] == [[]]
    assert visit.errors == []


def visiting_all(browser: Browser, root: str, look: str, folder: Path) -> Iterator[Visit]:
    """Open every page in one look, and judge it."""
    rules = AXE.read_text("utf-8")
    for visit in visiting(browser, root, look):
        for number, name in enumerate(PAGES):
            page = visit.go(name)
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{name} is wider than {look}"
            page.evaluate(rules)
            found = page.evaluate(JUDGE)["violations"]
            faults = [
                f"{one['id']}: {one['help']}, such as {one['nodes'][0]['html'][:200]}"
                for one in found
                if one["impact"] in {"serious", "critical"}
            ]
            assert faults == [], f"{name} in {look}"
            page.screenshot(path=folder / f"{number:02}.png")
        yield visit


def test_the_map_shows_clusters_and_filters_change_counts(visit: Visit) -> None:
    page = visit.go("index.html")
    assert visit.bytes < 1_000_000
    count, country = page.locator("#count"), page.locator("[name=country_code]")
    india = page.locator("#map [data-country=IN]")
    assert (count.inner_text(), page.locator("#placed").inner_text()) == ("506", "1")
    [point] = page.locator("#points circle").all()
    assert (point.get_attribute("cx"), point.get_attribute("cy")) == ("218", "77")
    expect(page.locator("#map [data-country=US]")).to_have_attribute("class", "s4")
    country.select_option("IN")
    expect(count).to_have_text("1")
    expect(page.locator("#placed")).to_have_text("0")
    assert page.locator("#points circle").count() == 0
    expect(page.locator("#map [data-country=US]")).to_have_attribute("class", "s0")
    assert india.locator("title").text_content() == "India <i>: 1"
    expect(page.locator("#found caption")).to_have_text("1 cluster as filtered")
    assert visit.bytes < 5_000_000
    page.get_by_role("button", name="Show all").click()
    expect(count).to_have_text("506")
    expect(page.locator("#found table")).to_have_count(0)
    page.locator("[name=rules]").select_option("rule.one")
    page.locator("[name=hub_category_id]").select_option("bcd:1")
    expect(count).to_have_text("505")
    expect(page.locator("#found tbody tr")).to_have_count(50)
    page.get_by_role("button", name="Show all").click()
    india.dispatch_event("click")
    expect(count).to_have_text("1")
    assert country.input_value() == "IN"
    # The address keeps the filters: Back undoes the last one, and a link to them can be shared.
    assert page.url.endswith("index.html?country_code=IN")
    page.go_back()
    expect(count).to_have_text("506")
    assert country.input_value() == ""
    visit.go("index.html?country_code=US&kind=surveyed")
    expect(count).to_have_text("0")
    expect(page.locator("#found")).to_have_text("No cluster as filtered.")
    assert page.locator("[name=kind]").input_value() == "surveyed"
    assert visit.errors == []


def test_hostile_names_are_text(visit: Visit) -> None:
    page = visit.go(HOSTILE)
    assert page.locator("h1").text_content() == SHOWN.replace("��", "\x00\x1b").replace("\x00", "\ufffd") or SHOWN
    shown = page.locator("h1").text_content() or ""
    assert shown.startswith("<script>alert(\"1\")</script> & 'quoted' {{ 7 * 7 }}")
    assert page.locator("main script, main b, main i").count() == 0
    page.goto(f"{visit.root}cluster.html?id={quote('<img src=x onerror=alert(1)>')}")
    expect(page.locator("#cluster")).to_contain_text("This release has no cluster <img src=x onerror=alert(1)>")
    page.goto(f"{visit.root}search.html?q={quote('<img src=x onerror=alert(1)>')}")
    expect(page.locator("#found")).to_contain_text("No cluster for “<img src=x onerror=alert(1)>”")
    assert page.locator("main img").count() == 0
    page.goto(visit.root + "search.html?q=quoted")
    expect(page.locator("#found tbody a")).to_contain_text("<script>")
    expect(page.get_by_role("status")).to_have_text("1 cluster for “quoted”")
    page.goto(visit.root + "search.html?q=Chéese+plcae")
    expect(page.locator("#found")).to_contain_text("Did you mean place?")
    page.get_by_role("link", name="place", exact=True).click()
    expect(page.locator("#found caption")).to_have_text("505 clusters for “cheese place”, the first 50 of them")
    assert visit.errors == []


def test_a_number_is_one_click_from_its_evidence(visit: Visit) -> None:
    page = visit.go(RICH)
    first = page.locator("tbody tr").first
    cells = first.locator("th, td").all_inner_texts()
    assert cells[:6] == ["employment", "2015", "1,234", "persons", "A", "stated"]
    first.get_by_text("evidence").click()
    expect(first.locator("dd")).to_have_text(["https://source.example/data.json", "2026-01-01T12:30:00Z", "a1" * 32])
    page.get_by_text("charts over time").click()
    expect(page.locator("svg.chart")).to_have_attribute("aria-label", "employment: 2015 1,234, 2016 0.3")
    # Beside another cluster: values of the same indicator, unit, method and period, and of these alone.
    page.get_by_role("button", name="Compare with another cluster").click()
    page.locator("select[name=with]").select_option("global:open.feed:001")
    page.get_by_role("button", name="Compare", exact=True).click()
    row = page.locator("#compared tbody tr")
    expect(row).to_have_count(1)
    assert row.locator("th, td").all_inner_texts() == ["employment", "2016", "0.3", "7", "persons", "stated"]
    assert visit.errors == []


def ask(page: Page, sql: str) -> tuple[str, list[list[str]]]:
    """Run a statement in the console; return what the page says of it, and the cells of the answer."""
    page.locator("textarea").fill(sql)
    page.get_by_role("button", name="Run").click()
    page.locator("[type=submit]:enabled").wait_for(timeout=60_000)
    rows = page.locator("#answer tbody tr").all()
    return page.locator("#state").inner_text(), [row.locator("th, td").all_inner_texts() for row in rows]


def test_the_console_answers_in_sql(visit: Visit) -> None:
    page = visit.go("console.html")
    said, rows = ask(page, "SELECT country_code, count(*) FROM global_clusters GROUP BY ALL ORDER BY ALL")
    assert re.fullmatch(r"2 rows, in \d+\.\d s\.", said)
    assert rows == [["IN", "1"], ["US", "505"]]
    _, rows = ask(
        page,
        "SELECT NULL, true, DATE '2020-01-02', TIMESTAMP '2020-01-02 03:04:05', ['a', NULL], {'k': 'v'}, "
        "sum(9007199254740993), 1.50::DECIMAL(9, 2), '<b>', 'the same' AS twice, 2 AS twice",
    )
    assert rows == [
        [
            *("null", "true", "2020-01-02", "2020-01-02 03:04:05", "[a, NULL]", "{'k': v}"),
            *("9007199254740992", "1.5", "<b>", "the same", "2"),
        ]
    ]
    said, rows = ask(page, "FROM range(100000)")
    assert (said.partition(", in")[0], len(rows)) == ("1,000 rows, the first ones: there are more", 1000)
    assert visit.errors == []


@pytest.mark.parametrize(
    ("sql", "answer"),
    [
        ("FROM read_parquet('a.parquet')", "no files, no network, no extensions"),
        ("FROM 'https://elsewhere.example/a.csv'", "no files, no network, no extensions"),
        ("LOAD icu", "no files, no network, no extensions"),
        ("SET enable_external_access = true", "the configuration has been locked"),
        ("DELETE FROM clusters", "read-only"),
        ("SELEC 1", 'Parser Error: syntax error at or near "SELEC"'),
        ("", "no statements"),
    ],
)
def test_the_console_says_what_it_does_not_do(console: Visit, sql: str, answer: str) -> None:
    said, rows = ask(console.page, sql)
    assert (said, rows) == ("The database does not take this:", [])
    expect(console.page.locator("#answer")).to_contain_text(answer)
    assert console.outside == []


@pytest.fixture(scope="module")
def console(browser: Browser, site: Served) -> Iterator[Visit]:
    for visit in visiting(browser, site.root):
        visit.go("console.html")
        yield visit


def test_every_question_is_a_click_away(console: Visit) -> None:
    page = console.page
    questions = page.locator("#questions li")
    assert questions.count() == 20
    for question in questions.all():
        question.locator("summary").click()
        question.get_by_role("button", name="Ask this").click()
        page.locator("[type=submit]:enabled").wait_for(timeout=60_000)
        assert re.fullmatch(r"\d+ rows?, in \d+\.\d s\.", page.locator("#state").inner_text()), question.inner_text()
    assert console.outside == []


def test_a_query_can_be_stopped(console: Visit) -> None:
    page = console.page
    page.locator("textarea").fill(
        "SELECT count(*) FROM range(1000000) AS a, range(1000000) AS b WHERE a.range + b.range = 7"
    )
    page.locator("textarea").press("Control+Enter")
    page.get_by_role("button", name="Stop").click()
    expect(page.locator("#state")).to_have_text("Stopped.")
    assert ask(page, "SELECT 42")[1] == [["42"]]


def test_a_download_is_what_the_checksums_say(visit: Visit, site: Served, tmp_path: Path) -> None:
    page = visit.go("download.html")
    lines = (site.folder / release.CHECKSUMS).read_text("utf-8").splitlines()
    sums = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    for name in ("clusters.parquet", files.DATABASE):
        with page.expect_download() as started:
            page.get_by_role("link", name=name, exact=True).first.click()
        path = tmp_path / name
        started.value.save_as(path)
        assert hashlib.sha256(path.read_bytes()).hexdigest() == sums[name]
    row = page.locator("#files tr", has_text="clusters.parquet").last
    assert sums["global_clusters.parquet"] in page.locator("#files").inner_text()
    assert row.locator("code").last.inner_text() in sums.values()
    assert page.locator(".base").first.inner_text() == site.root.removesuffix("site/")
    expect(page.locator("[data-size-of]")).to_have_text(re.compile(r"[\d.]+ MB"))
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy: Citation").click()
    expect(page.get_by_text("Copied.")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == page.locator("pre[aria-label=Citation]").inner_text()


def test_the_site_is_walked_by_key(visit: Visit) -> None:
    page = visit.go("index.html")
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    assert page.url.endswith("#main")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="What is counted, and how")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_text("Notes on this release")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.locator("[name=country_code]")).to_be_focused()
    page.keyboard.press("I")  # as a keyboard chooses: by the first letter
    expect(page.locator("#count")).to_have_text("1")


def test_health_is_that_of_the_moment(browser: Browser, site: Served) -> None:
    """The state of the sources is read beside the release; without it the page says of when it is."""
    for visit in visiting(browser, site.root):
        page = visit.go("health.html")
        expect(page.locator("#as-of")).to_contain_text("Read from status.json")
        cells = page.locator("tr[data-feed='open.feed'] td").all_inner_texts()
        assert cells[0] == "stale: nobody looked"
        assert re.fullmatch(r"[\d,]+ days", cells[1])
        assert cells[2] == "Open & good"
        assert visit.errors == []
        page.route("**/status.json", lambda route: route.fulfill(status=404))
        visit.go("health.html")
        expect(page.locator("#as-of")).to_contain_text("There is no status.json beside the release")


def test_without_the_engine_the_console_says_how_to_get_it(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build, "ENGINE", CONSOLE / "not-built")
    for bare in served(tmp_path_factory.mktemp("bare")):
        for visit in visiting(browser, bare.root):
            page = visit.go("console.html")
            expect(page.locator("#console-missing")).to_contain_text("`make console`")
            assert not page.locator("#console").is_visible()
            assert page.locator("#questions li").count() == 20
            assert [error for error in visit.errors if "404" not in error] == []

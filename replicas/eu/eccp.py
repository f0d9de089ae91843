"""The cluster platform on a local server: quirks that were seen, profiles whose layout and people are invented."""

from __future__ import annotations

from dataclasses import dataclass, field

from replicas.server import Replica, Request, Response

PEOPLE = ("Jane Roe", "jane.roe@cluster.example", "+34 93 555 01 23", "Ana Author")
"""Invented; none of these may leave the archive."""

DEBUG = "<!-- THEME DEBUG -->\n<!-- BEGIN CUSTOM TEMPLATE OUTPUT -->\n"
SUFFIX = " | European Cluster Collaboration Platform"

ORGANISATIONS = (
    (
        "48151",
        "example-textile-cluster",
        "Example Textile Cluster",
        "Spain: Catalonia",
        "1.240",
        "2008",
        "Textile Manufacturing",
    ),
    ("48152", "muster-automotive", "Muster Automotive", "Germany: Bayern", "85", "1999", "Automotive"),
    ("48153", "exemple-mode", "Exemple Mode Luxembourg", "Belgium: Luxembourg", "17", "2015", "Apparel"),
    ("48154", "attica-maritime", "Attica Maritime", "Greece: Attica", "60", "2011", "Water Transportation"),
    ("48155", "nowhere-plastics", "Nowhere Plastics", "Poland: Ebro Valley", "12", "2020", "Plastics"),
    ("48156", "serbian-cluster", "Serbian Cluster", "Serbia", "44", "2007", "Furniture"),
    ("48158", "two-sofias", "Two Sofias", "Bulgaria: Sofia", "25", "2016", "Furniture"),
    ("48157", "listed-only", "Listed Only", "Italy: Lombardia", "31", "2012", "Furniture"),
)
"""Node, slug, name, place, members, year, sector."""

BY_SLUG = {row[1]: row for row in ORGANISATIONS}


MORE = {
    "example-textile-cluster": (
        ("Number of SMEs", "1.100"),
        ("Number of large companies", "90"),
        ("Number of research organisations", "50"),
        ("Emerging industries", "Creative industries"),
        ("Cluster label", "Invented label, gold"),
    )
}
"""Slug → what its profile says beside what all profiles say."""

PARTNERSHIP = (
    ("Country: Region", "Spain: Catalonia"),
    ("Type of partnership", "Invented partnership for internationalisation"),
    ("Partnership origin", "Invented call"),
    ("Partnership duration (months)", "24"),
    ("Number of partners", "6"),
    ("Number of planned exchanges", ""),
    ("Number of SMEs involved", "1.300"),
    ("Total budget", "€ 498.000"),
    ("EU contribution", "373.500"),
    ("Summary and objectives", "Ask Jane Roe."),
    ("Sectoral/industrial focus", "Food; Packaging"),
)
"""The fields of a partnership; it stands under two addresses."""


@dataclass(slots=True)
class Platform:
    """The server's behaviour.

    Attributes:
        robots: the text of /robots.txt, which forbids the login as sites of this kind do.
        base_path: what stands before every path.
        removed: slugs that are gone.
        lastmod: slug → when the sitemap says it was changed.
    """

    robots: str | None = "User-agent: *\nDisallow: /user/login\nDisallow: /admin/\n"
    base_path: str = ""
    removed: set[str] = field(default_factory=set)
    lastmod: dict[str, str] = field(default_factory=dict)

    def respond(self, request: Request) -> Response:  # noqa: PLR0911  # one return per kind of page
        """Answer as the platform does."""
        match request.segments:
            case ["sitemap.xml"]:
                return self._sitemap(request.query.get("page"))
            case ["content", "members-only"]:
                return Response(b"", 302, headers={"Location": "/user/login?destination=/content/members-only"})
            case ["content", "news-of-today"] | ["cluster-networks", "about"]:  # of the latter no page is a profile
                return _page(
                    "News of today", "<article data-history-node-id='9'><p>Submitted by Ana Author</p></article>"
                )
            case ["eu-cluster-partnerships", "escp4x", "invented-partnership"] | ["escp-4x-profiles", "invented"]:
                return _page("Invented Partnership", _article("52001", "Invented Partnership", PARTNERSHIP))
            case ["cluster-organisations"]:
                return _page("Cluster organisations", _list(request.query.get("page", "0,0")))
            case ["content", slug] if slug not in self.removed and slug in BY_SLUG:
                return _page(BY_SLUG[slug][2], _profile(*BY_SLUG[slug]))
        return Response(b"", 404, "text/html")

    def _sitemap(self, page: str | None) -> Response:
        namespace = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'
        if page is None:
            parts = "".join(f"<sitemap><loc>http://default/sitemap.xml?page={part}</loc></sitemap>" for part in (1, 2))
            return _xml(f"<sitemapindex {namespace}>{parts}</sitemapindex>")
        slugs = [row[1] for row in ORGANISATIONS if row[1] not in {"listed-only", *self.removed}]
        half = slugs[::2] if page == "1" else [*slugs[1::2], "members-only", "news-of-today"]
        urls = [(f"http://default/content/{slug}", self.lastmod.get(slug, "2026-01-01T08:00Z")) for slug in half]
        urls.append(("https://impr-0001.eccp.hosted-temp.com/content/staging-copy", "2026-04-04T08:00Z"))
        if page == "2":
            paths = (
                "eu-cluster-partnerships/escp4x/invented-partnership",
                "escp-4x-profiles/invented",
                "cluster-networks/about",
            )
            urls += [(f"http://default/{path}", "2026-01-01T08:00Z") for path in paths]
        urls.append(("http://default/user/17", "2026-04-04T08:00Z"))
        told = "".join(f"<url><loc>{loc}</loc><lastmod>{at}</lastmod></url>" for loc, at in urls)
        return _xml(f"<urlset {namespace}>{told}</urlset>")


def _xml(text: str) -> Response:
    return Response(f'{DEBUG}<?xml version="1.0" encoding="UTF-8"?>\n{text}'.encode(), media_type="application/xml")


def _page(title: str, main: str) -> Response:
    head = f"<head><title>{title}{SUFFIX}</title></head>"
    text = f"{DEBUG}<!DOCTYPE html><html>{head}<body><h1>{title}</h1>{main}</body></html>"
    return Response(text.encode(), media_type="text/html; charset=UTF-8")


def _list(page: str) -> str:
    shown = {"0,0": ORGANISATIONS[:2], "0,1": ORGANISATIONS[2:5], "0,2": ORGANISATIONS[5:]}.get(page, ())
    links = "".join(f'<a href="/content/{row[1]}">{row[2]}</a>' for row in shown)
    pagers = "".join(f'<a href="?page=0%2C{number}">{number}</a>' for number in range(3))
    return links + pagers + '<a href="https://elsewhere.example/content/x">elsewhere</a>'


def _profile(  # one per column of the list
    node: str, slug: str, name: str, place: str, members: str, year: str, sector: str
) -> str:
    own = (
        ("Country: Region", place),
        ("Year founded", year),
        ("Number of members", members),
        ("Sectoral industries", sector),
        ("Website", f'<a href="https://{slug}.example/">https://{slug}.example/</a>'),
        *MORE.get(slug, ()),
    )
    return _article(node, name, own)


def _article(node: str, name: str, own: tuple[tuple[str, str], ...]) -> str:
    """Return an article with fields, and with people in all places where they may stand."""
    person, email, phone, author = PEOPLE
    of_people = (
        ("Languages of the team", f"English; write to {email}"),
        ("Contact name", person),
        ("E-mail", email),
        ("Phone", phone),
    )
    fields = "".join(
        f'<div class="field"><div class="field__label">{label}</div><div class="field__item">{value}</div></div>'
        for label, value in (*own, *of_people)
    )
    return (
        f'<article data-history-node-id="{node}"><p class="submitted">Submitted by {author} on 04 April 2026</p>'
        f'{fields}<div class="field field--contact"><dl><dt>{person}</dt><dd>Manager of {name}</dd></dl></div>'
        f"<dl><dt>{person}</dt><dd>{phone}</dd></dl></article>"
    )


def replica() -> Replica[Platform]:
    """Make a replica of the platform, to be entered as a context."""
    return Replica(Platform())

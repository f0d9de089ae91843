"""SAMEEEKSHA on a local server: addresses, labels and figures that were seen, sentences and HTML of our own.

Each profile stands in another layout: as the table that its text suggests, as a definition list, as lines of label and
value. What the pages say of a cluster is retold; three more clusters are invented.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape

from replicas.server import Replica, Request, Response

Pairs = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Profile:
    """An article on a cluster.

    Attributes:
        title: its heading.
        introduction: sentences before the labels.
        pairs: labels and values, in order.
        source: the line on the year of the data; empty where there is none.
        layout: how it is written: `table`, `definitions` or `lines`.
        itemid: the menu item of its address.
    """

    title: str
    introduction: str
    pairs: Pairs
    source: str = ""
    layout: str = "table"
    itemid: str = "502"


PROFILES: Mapping[str, Profile] = {
    "127": Profile(
        "Morbi ceramics cluster (Gujarat)",
        "Morbi makes tiles and sanitary ware. There are 459 operational units in the cluster. The cluster provides "
        "direct employment to about 68,000 people.",
        (
            ("Products manufactured", "Wall tiles, floor tiles, vitrified tiles, and sanitary ware"),
            ("Number of MSMEs", "450"),
            ("Main fuels", "Electricity, Natural gas, charcoal, and lignite"),
            ("Production & turnover", "5.28 million tonnes per year; about Rs 100 billion (USD 2.2 billion)"),
            ("Total energy consumption (toe)", "1093900"),
            ("Leading industry association(s)", ""),
        ),
        "Data pertains to 2010-11, collected primarily under an invented programme",
    ),
    "130": Profile(
        "Kolhapur foundry cluster (Maharashtra)",
        "Foundries of Kolhapur cast iron for vehicles. There are around 300 foundry units in the cluster.",
        (
            ("Products manufactured", "Ferrous (iron) castings"),
            ("Number of MSMEs", ""),
            ("Main fuels", "Coke; electricity"),
            ("Production & turnover", "600,000 tonnes of castings annually"),
            ("Total energy consumption (toe)", ""),
        ),
        "Data pertains to 2011-12, collected primarily under an invented programme",
        layout="definitions",
    ),
    "132": Profile(
        "Solapur textile cluster (Maharashtra)",
        "Solapur weaves bed sheets and towels. There are about 600 units in the cluster; around 350 units are "
        "integrated, 250 units only weave.",
        (
            ("Products manufactured", "Cotton bed sheets (chaddars) and towels"),
            ("Number of MSMEs", ""),
            ("Main fuels", "Wood and biomass; Electricity"),
            ("Production & turnover", "162 million metres of fabric annually"),
            ("Total energy consumption (toe)", ""),
        ),
        "Data pertains to 2010-11, collected primarily under an invented programme",
    ),
    "148": Profile(
        "Ahmedabad chemicals cluster (Gujarat)",
        "Dyes and chemicals are made in Ahmedabad. There are about 750 dyes and chemical manufacturing units in the "
        "cluster, at Vatva (600 units), GIDC Naroda (100 units) and Odhav (50 units). The cluster provides employment "
        "to about two lakh people.",
        (
            ("Products manufactured", "Organic and inorganic chemicals including dyes and dye intermediates"),
            ("Number of MSMEs", "750"),
            ("Energy consumption", "High"),
            ("Main fuels", "Natural gas, light diesel oil, furnace oil, coal, wood, electricity"),
            ("Production & turnover", "Rs 11,000 crores (i.e. Rs 110 billion) per year"),
            ("Total energy consumption (toe)", "144,624 toe (including NG—105,872 toe; electricity—26,529 toe)"),
        ),
        "Data pertains to 2019–20, collected primarily under an invented programme",
        layout="lines",
    ),
    "233": Profile(
        "Rajkot forging cluster (Gujarat)",
        "Rajkot forges parts for machines. There is a cluster of about 140 MSME forging units. The total turnover is "
        "estimated at over 0.4 billion rupees (4000 crores). The cluster provides employment to about 15000 people "
        "directly or indirectly.",
        (
            ("Products manufactured", "Closed die forgings, ring rolling forgings"),
            ("Number of MSMEs", ""),
            ("Main fuels", "Furnace oil (FO); electricity; natural gas (NG)"),
            ("Production & turnover", "Rs 4000 crores (40 billion)"),
            ("Total energy consumption (toe)", ""),
        ),
    ),
    "259": Profile(
        "Agra foundry cluster (Uttar Pradesh)",
        "Foundries of Agra cast parts for engines. At one time there were over 100 foundry units, of which only about "
        "80 are presently in operation. The foundries provide direct employment to about 3000 people.",
        (
            ("Products manufactured", "Iron, steel and alloy castings for engineering industries"),
            ("Number of MSMEs", "80"),
            ("Energy consumption", "Low"),
            ("Main fuels", "Electricity; natural gas (NG); graphite"),
            ("Production & turnover", "0.11 million tpa; 5.5 billion rupees (550 crores)"),
            ("Total energy consumption (toe)", "10,310"),
        ),
        itemid="499",
    ),
    "267": Profile(
        "Rajkot auto components cluster (Gujarat)",
        "Rajkot makes parts for vehicles. There are about 160 MSME units in the cluster, of which 80 are micro.",
        (
            ("Products manufactured", "Auto components like crankshafts and gear shifter shafts"),
            ("Number of MSME", "160"),
            ("Energy consumption", "Low"),
            ("Main fuels", "Electricity"),
            ("Annual Production", "210 million auto component pieces per annum"),
            ("Total energy consumption (toe)", "2590"),
            ("Cluster manual", "https://sameeeksha.example/pdf/clusterprofile/invented.pdf"),
        ),
        "Data pertains to 2017–18, collected primarily under an invented project",
        itemid="499",
    ),
    "901": Profile(
        "Hubli Dharwad invented cluster (Karnataka)",
        "An invented cluster whose page contradicts itself. Its turnover is estimated at over 0.4 billion rupees "
        "(4000 crores).",
        (
            ("Products manufactured", "Invented goods"),
            ("Number of MSMEs", "1,58,128"),
            ("Main fuels", "n/a"),
            ("Production & turnover", "NaN% tonnes"),
            ("Total energy consumption (toe)", "--"),
        ),
        layout="lines",
    ),
    "902": Profile(
        "Nowhere nagar brass cluster (Orissa)",
        "A second invented cluster. About 1.6 lakh people find employment there.",
        (
            ("Products manufactured", "Brass"),
            ("Number of MSMEs", "50 to 60"),
            ("Main fuels", "Coal"),
            ("Turnover", "Rs. 20 crore"),
            ("Total energy consumption (toe)", "1,240"),
            ("Name of the moon", "Chandra"),
        ),
        "Data pertains to 2018-19",
    ),
}
"""Article → what it says; 127 to 267 are retold from pages that were seen, 901 and on are invented."""


@dataclass(slots=True)
class Site:
    """The server's behaviour: article 42 lists the profiles, with the parameters of its links in any order.

    Attributes:
        profiles: the articles that are there.
    """

    profiles: dict[str, Profile] = field(default_factory=lambda: dict(PROFILES))
    robots: str | None = "User-agent: *\nDisallow: /administrator/\n"
    base_path: str = ""

    def respond(self, request: Request) -> Response:
        """Answer an article, whatever the order of its parameters and whatever its menu item."""
        query = request.query
        number = query.get("id", "").split(":")[0]
        if request.path != "/index.php" or query.get("option") != "com_content" or query.get("view") != "article":
            return Response(b"", 404, "text/html")
        if number == "42":
            return _html(page("Cluster profiles", f"<ul>{self._links()}</ul>"))
        if number == "43":
            return _html(page("About the platform", "<p>An invented text on energy.</p>"))
        return _html(article(self.profiles[number])) if number in self.profiles else Response(b"", 404, "text/html")

    def _links(self) -> str:
        links = []
        for place, (number, profile) in enumerate(self.profiles.items()):
            in_order = f"option=com_content&view=article&id={number}&Itemid={profile.itemid}"
            other = f"Itemid=502&id={number}:alias&option=com_content&view=article"
            links += [f'<li><a href="/index.php?{escape(in_order if place % 2 else other)}">{profile.title}</a></li>']
        links.append(
            '<li><a href="/index.php?option=com_content&amp;view=article&amp;id=43&amp;Itemid=1">About</a></li>'
        )
        links.append('<li><a href="http://elsewhere.example/index.php?option=com_content&amp;id=7">Elsewhere</a></li>')
        return "".join(links)


def article(profile: Profile) -> str:
    """Return the page of a profile."""
    pairs = [(escape(label), escape(value)) for label, value in profile.pairs]
    match profile.layout:
        case "definitions":
            told = "<dl>" + "".join(f"<dt>{label}</dt><dd>{value}</dd>" for label, value in pairs) + "</dl>"
        case "lines":
            told = "<div>" + "<br>".join(f"<strong>{label}:</strong> {value}" for label, value in pairs) + "</div>"
        case _:
            told = "".join(f"<tr><td><strong>{label}</strong></td><td>{value}</td></tr>" for label, value in pairs)
            told = f"<table>{told}</table>"
    source = f"<p><em>Source: {escape(profile.source)}.</em></p>" if profile.source else ""
    return page(profile.title, f"<h2>Introduction</h2><p>{escape(profile.introduction)}</p>{told}{source}")


def page(title: str, main: str) -> str:
    """Return a page of the site, with a menu and a footer that name a body and no person."""
    menu = '<a href="/index.php?option=com_content&amp;view=article&amp;id=42&amp;Itemid=502">Cluster profiles</a>'
    return (
        f"<!DOCTYPE html><html><head><title>{escape(title)}</title></head><body><div>{menu}</div>"
        f'<h1>{escape(title)}</h1>{main}<div id="footer">Secretary, invented street 1</div></body></html>'
    )


def _html(text: str) -> Response:
    return Response(text.encode(), media_type="text/html; charset=utf-8")


def replica(app: Site | None = None) -> Replica[Site]:
    """Return a server of the replica, to be entered as a context."""
    return Replica(app or Site())

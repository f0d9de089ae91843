// What the pages do beyond HTML: filters, search, a cluster, honest ages. Text from outside is only ever set as text.
"use strict";
(() => {
const root = document.body.dataset.root;
const get = async (path) => {
  const answer = await fetch(path);
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${answer.statusText}`);
  return answer.json();
};
const data = (name) => get(`${root}data/${name}`);

const element = (name, attributes, ...children) => {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) made.setAttribute(key, value);
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
};
const drawn = (name, attributes, ...children) => {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
};
const link = (address, words) => {
  try {
    const url = new URL(address);
    if (url.protocol === "http:" || url.protocol === "https:")
      return element("a", { href: url.href, rel: "noopener noreferrer nofollow" }, words || address);
  } catch { /* no address: shown as text */ }
  return document.createTextNode(words || address);
};
const number = (value) => value === null || value === undefined ? "–"
  : typeof value === "number" ? value.toLocaleString("en", Math.abs(value) < 1000 ? { maximumSignificantDigits: 4 } : { maximumFractionDigits: 2 }) : String(value);
const clusterLink = (id, name) => element("a", { href: `${root}cluster.html?id=${encodeURIComponent(id)}` }, name || id);
const table = (caption, heads, rows) => element("div", { class: "wide", tabindex: "0" }, element("table", {},
  element("caption", {}, caption),
  element("thead", {}, element("tr", {}, ...heads.map((head) => element("th", { scope: "col" }, head)))),
  element("tbody", {}, ...rows.map(([first, ...rest]) => element("tr", {}, element("th", { scope: "row" }, first), ...rest.map((cell) => element("td", {}, cell === null ? "–" : cell)))))));
const failed = (place, error) => place.replaceChildren(element("p", { class: "note", role: "alert" }, `This cannot be shown: ${error.message}. The page needs the files in data/, over HTTP.`));

// What scrolls can be reached by key; what does not is no stop on the way.
const reach = () => { for (const wide of document.querySelectorAll(".wide")) wide.scrollWidth > wide.clientWidth ? wide.setAttribute("tabindex", "0") : wide.removeAttribute("tabindex"); };
reach();
addEventListener("resize", reach);

// The same as fnv1a in exports/site/text.py.
const fnv1a = (text) => {
  let value = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) value = Math.imul(value ^ byte, 0x01000193) >>> 0;
  return value;
};

// A text with a button that copies it; where the browser gives no clipboard, it is selected for the visitor's own keys.
const copying = (text) => {
  const button = element("button", { type: "button", class: "copy" }, "Copy");
  const state = element("span", { role: "status", class: "hint" });
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text.textContent);
      state.textContent = " Copied.";
    } catch {
      getSelection().selectAllChildren(text);
      state.textContent = " Selected: copy it with Ctrl + C.";
    }
  });
  return element("p", { class: "act" }, button, state);
};
const quotable = (words) => {
  const text = element("code", {}, words);
  return element("div", {}, element("pre", { class: "wrap" }, text), copying(text));
};
for (const text of document.querySelectorAll("pre.copied")) {
  const copied = copying(text);
  copied.querySelector("button").setAttribute("aria-label", `Copy: ${text.getAttribute("aria-label")}`);
  text.after(copied);
}

const SHOWN = 50;
const showList = async (place, found, block, words) => {
  const shown = found.slice(0, SHOWN);
  const blocks = new Map();
  for (const position of shown) {
    const name = Math.floor(position / block);
    if (!blocks.has(name)) blocks.set(name, data(`list/${name}.json`));
  }
  const rows = [];
  for (const position of shown) {
    const [id, name, country, category] = (await blocks.get(Math.floor(position / block)))[position % block];
    rows.push([clusterLink(id, name), country, category]);
  }
  const more = found.length > SHOWN ? `, the first ${SHOWN} of them` : "";
  place.replaceChildren(rows.length ? table(`${number(found.length)} ${found.length === 1 ? "cluster" : "clusters"} ${words}${more}`, ["Cluster", "Country", "Category"], rows) : element("p", { class: "note" }, `No cluster ${words}.`));
};

// Front page -----------------------------------------------------------------------------------------------------------
const filters = document.getElementById("filters");
if (filters) {
  filters.hidden = false;
  const found = document.getElementById("found");
  const map = document.getElementById("map");
  const shades = map.dataset.shades.split(" ").map(Number);
  const shade = (count) => shades.filter((least) => count >= least).length;
  const [least, growth, most] = map.dataset.sizes.split(" ").map(Number);
  const radius = (count) => Math.min(most, least + growth * Math.sqrt(count)).toFixed(1);
  const fields = [...filters.elements].filter((one) => one.name);
  let index = null;
  let turn = 0;
  const chosen = () => [...new FormData(filters)].filter(([, value]) => value);
  // The address keeps the filters, so that a link can be shared, and Back undoes the last one.
  const read = () => {
    const asked = new URLSearchParams(location.search);
    for (const one of fields) {
      const value = asked.get(one.name) || "";
      if (value && ![...one.options].some((option) => option.value === value)) one.append(new Option(`${value} (not in this release)`, value));
      one.value = value;
    }
  };
  const note = () => {
    const query = new URLSearchParams(chosen()).toString();
    if (query !== location.search.slice(1)) history.pushState(null, "", query ? `?${query}` : location.pathname);
    apply();
  };
  const apply = async () => {
    const mine = ++turn;
    try {
      index = index || data("index.json");
      const { block, values, columns } = await index;
      const wanted = chosen();
      const allowed = wanted.map(([name, value]) => [columns[name], new Set([...values[name].keys()].filter((code) =>
        name === "rules" ? values[name][code].includes(value) : values[name][code] === value))]);
      const counts = new Map();
      const places = new Map();
      const positions = [];
      for (let position = 0; position < columns.kind.length; position++) {
        if (!allowed.every(([column, codes]) => codes.has(column[position]))) continue;
        positions.push(position);
        const country = values.country_code[columns.country_code[position]];
        counts.set(country, (counts.get(country) || 0) + 1);
        const spot = values.place[columns.place[position]];
        if (spot) places.set(spot, (places.get(spot) || 0) + 1);
      }
      if (mine !== turn) return;
      document.getElementById("count").textContent = number(positions.length);
      for (const path of document.querySelectorAll("#map [data-country]")) {
        const count = counts.get(path.dataset.country) || 0;
        path.setAttribute("class", `s${shade(count)}`);
        const title = path.querySelector("title");
        title.textContent = title.textContent.replace(/: [^:]*$/, `: ${number(count)}`);
      }
      let placed = 0;
      document.getElementById("points").replaceChildren(...[...places].map(([[cx, cy], count]) => {
        placed += count;
        return drawn("circle", { class: "point", cx, cy, r: radius(count) }, drawn("title", {}, document.createTextNode(number(count))));
      }));
      document.getElementById("placed").textContent = number(placed);
      if (wanted.length) await showList(found, positions, block, "as filtered"); else found.replaceChildren();
    } catch (error) { index = null; failed(found, error); }
  };
  map.addEventListener("click", (event) => {
    const country = event.target.closest("[data-country]")?.dataset.country;
    if (!country || ![...filters.elements.country_code.options].some((option) => option.value === country)) return;
    filters.elements.country_code.value = country;
    note();
  });
  filters.addEventListener("change", note);
  filters.addEventListener("submit", (event) => event.preventDefault());
  filters.addEventListener("reset", () => setTimeout(() => { for (const one of fields) one.value = ""; note(); }));
  addEventListener("popstate", () => { read(); apply(); });
  read();
  if (chosen().length) apply();
}

// Search ---------------------------------------------------------------------------------------------------------------
const search = document.getElementById("search");
if (search) {
  const found = document.getElementById("found");
  // How many letters to change, add, drop or swap with a neighbour: none, one, or 2 for "more".
  const distance = (one, other) => {
    if (Math.abs(one.length - other.length) > 2) return 3;
    let before = [], last = [], row = [...Array(other.length + 1).keys()];
    for (let i = 1; i <= one.length; i++) {
      before = last; last = row; row = [i];
      for (let j = 1; j <= other.length; j++) {
        row[j] = Math.min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (one[i - 1] !== other[j - 1]));
        if (i > 1 && j > 1 && one[i - 1] === other[j - 2] && one[i - 2] === other[j - 1]) row[j] = Math.min(row[j], before[j - 2] + 1);
      }
    }
    return row[other.length];
  };
  const alike = async (word, shards) => {
    const near = shards.filter((shard) => shard[0] === word[0]);
    const most = word.length > 5 ? 2 : 1;
    const held = (await Promise.all(near.map((name) => data(`search/${name}.json`)))).flatMap((shard) => Object.entries(shard));
    return held.map(([other, where]) => [distance(word, other), -where.length, other]).filter(([far]) => far <= most)
      .sort(([far, count, other], [far2, count2, other2]) => far - far2 || count - count2 || (other < other2 ? -1 : 1)).slice(0, 5).map(([, , other]) => other);
  };
  const run = async (text) => {
    const words = text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase().split(/[^\p{L}\p{N}]+/u).filter(Boolean);
    if (!words.length) { found.replaceChildren(); return; }
    try {
      const { block, shards } = await data("search.json");
      let positions = null;
      let unknown = null;
      for (const word of words) {
        const head = (word.match(/^[a-z0-9]{1,2}/) || ["other"])[0];
        const names = shards.filter((shard) => shard === head || (word.length === 1 && shard.startsWith(head)));
        const hits = new Set();
        for (const shard of await Promise.all(names.map((name) => data(`search/${name}.json`))))
          for (const [candidate, where] of Object.entries(shard)) if (candidate.startsWith(word)) where.forEach((one) => hits.add(one));
        if (!hits.size) unknown = unknown || word;
        positions = positions ? positions.filter((one) => hits.has(one)) : [...hits].sort((one, other) => one - other);
      }
      await showList(found, positions, block, `for “${text}”`);
      document.getElementById("told").textContent = found.querySelector("caption, p").textContent;  // all rows would be too much to hear
      if (!unknown) return;
      const others = await alike(unknown, shards);
      if (others.length) found.append(element("p", {}, "Did you mean ", ...others.flatMap((other, position) =>
        [position ? ", " : "", element("a", { href: `?q=${encodeURIComponent(words.map((word) => word === unknown ? other : word).join(" "))}` }, other)]), "?"));
    } catch (error) { failed(found, error); }
  };
  const asked = new URLSearchParams(location.search).get("q") || "";
  search.elements.q.value = asked;
  run(asked);
  search.addEventListener("submit", (event) => {
    event.preventDefault();
    history.replaceState(null, "", `?q=${encodeURIComponent(search.elements.q.value)}`);
    run(search.elements.q.value);
  });
}

// One cluster ----------------------------------------------------------------------------------------------------------
const evidence = (paper, locator) => {
  if (!paper) return document.createTextNode("–");
  const facts = [["address", link(paper.url)], ["retrieved", paper.retrieved_at], ["archived", paper.archived_at],
    ["SHA-256 of the document", element("code", {}, paper.sha256 || "–")], ["in the archive", paper.warc_file && `${paper.warc_file}, byte ${paper.warc_offset}`], ["place in it", locator]];
  return element("details", { class: "evidence" }, element("summary", {}, "evidence"),
    element("dl", {}, ...facts.filter(([, value]) => value).flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)])));
};
const chart = (name, points) => {
  const values = points.map(([, value]) => value);
  const low = Math.min(0, ...values), high = Math.max(...values, low + 1e-9);
  const at = points.map(([period, value], position) => [20 + position * 380 / (points.length - 1), 100 - (value - low) / (high - low) * 80, period, value]);
  return drawn("svg", { class: "chart", viewBox: "0 0 420 125", role: "img", "aria-label": `${name}: ${points.map(([period, value]) => `${period} ${number(value)}`).join(", ")}` },
    drawn("line", { x1: 20, y1: 100, x2: 400, y2: 100 }),
    drawn("polyline", { points: at.map(([x, y]) => `${x},${y}`).join(" ") }),
    ...at.map(([x, y, period, value]) => drawn("circle", { cx: x, cy: y, r: 3 }, drawn("title", {}, document.createTextNode(`${period}: ${number(value)}`)))),
    drawn("text", { x: 20, y: 12 }, document.createTextNode(`highest ${number(Math.max(...values))}`)),
    drawn("text", { x: 400, y: 12, "text-anchor": "end" }, document.createTextNode(`newest ${number(values[values.length - 1])}`)),
    drawn("text", { x: 16, y: 104, "text-anchor": "end" }, document.createTextNode(number(low))),
    ...[at[0], at[at.length - 1]].map(([x, , period], last) => drawn("text", { x, y: 118, "text-anchor": last ? "end" : "start" }, document.createTextNode(period))));
};
// Two clusters side by side: only values of the same indicator, unit, method and period, for no others compare.
const valuesOf = (cluster) => new Map(cluster.members.flatMap((member) => member.lines.flatMap(([, period, told, values]) =>
  told.map((one, position) => [`${String(one).padStart(6, "0")} ${period}`, values[position]]))));
const sideBySide = (one, other, otherId, series) => {
  const first = valuesOf(one), second = valuesOf(other);
  const rows = [...first.keys()].filter((key) => second.has(key)).sort().map((key) => {
    const { indicator, unit_kind, unit_measure, method } = series[Number(key.slice(0, 6))];
    return [indicator + (unit_kind === "_Z" ? "" : `, ${unit_kind}`), key.slice(7), number(first.get(key)), number(second.get(key)), unit_measure, element("code", {}, method)];
  });
  return element("section", { id: "compared" }, element("h2", {}, "Beside ", clusterLink(otherId, other.name)), rows.length
    ? table("Values of the same indicator, unit, method and period", ["Indicator", "Period", one.name, other.name, "Unit", "Method"], rows)
    : element("p", { class: "note" }, "Nothing to compare: no value of both has the same indicator, unit, method and period."));
};
const chooser = (id, cluster, beside) => {
  const where = element("div", {});
  const button = element("button", { type: "button" }, "Compare with another cluster of its category");
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      const { block, values, columns } = await data("index.json");
      const category = values.hub_category_id.indexOf(cluster.category_id);
      const positions = columns.hub_category_id.flatMap((code, position) => code === category ? [position] : []);
      const names = [...new Set(positions.map((position) => Math.floor(position / block)))];
      const blocks = new Map(await Promise.all(names.map(async (name) => [name, await data(`list/${name}.json`)])));
      const options = positions.map((position) => blocks.get(Math.floor(position / block))[position % block]).filter(([other]) => other !== id)
        .map(([other, name, country]) => element("option", { value: other }, `${name}${country ? ` (${country})` : ""}`));
      const select = element("select", { name: "with" }, ...options);
      if (options.some((option) => option.value === beside)) select.value = beside;
      where.replaceChildren(options.length ? element("form", { class: "filters", action: "cluster.html" }, element("input", { type: "hidden", name: "id", value: id }),
        element("label", {}, "Compare with ", select), element("button", {}, "Compare")) : element("p", {}, "No other cluster has this category."));
      where.querySelector("select")?.focus();
    } catch (error) { failed(where, error); }
  });
  where.append(button);
  return where;
};
const place = document.getElementById("cluster");
if (place) (async () => {
  const asked = new URLSearchParams(location.search);
  const id = asked.get("id");
  const beside = asked.get("with");
  if (!id) { place.replaceChildren(element("p", {}, "The address names no cluster: it ends in ?id= and the id of one.")); return; }
  try {
    const { shards, series } = await data("clusters.json");
    const { papers, clusters } = await data(`clusters/${fnv1a(id) % shards}.json`);
    const cluster = Object.hasOwn(clusters, id) ? clusters[id] : null;
    if (!cluster) { place.replaceChildren(element("p", { class: "note" }, `This release has no cluster ${id}. The table id_ledger says what became of ids that were published before.`)); return; }
    document.title = document.title.replace(/^[^–]*/, `${cluster.name} `);
    document.querySelector("h1").textContent = cluster.name;
    const facts = element("dl", { class: "facts" });
    const fact = (name, ...value) => facts.append(element("dt", {}, name), element("dd", {}, ...value));
    fact("id", element("code", {}, id));
    fact("country", cluster.country ? element("a", { href: `${root}${cluster.country_page}` }, cluster.country) : "–");
    fact("region", cluster.region || "–");
    fact("category", element("a", { href: `${root}categories/${cluster.category_page}.html` }, cluster.category || "none of the hub"));
    fact("kind of its best evidence", cluster.kind || "–");
    fact("counted", cluster.in_total === false ? "in no total: it is named where statistical cells are counted, and no link says which cell it is" : "in the totals of its country and of the world");
    const others = new URLSearchParams();
    if (cluster.country) others.set("country_code", cluster.country);
    if (cluster.category_id) others.set("hub_category_id", cluster.category_id);
    fact("beside it", element("a", { href: `${root}index.html?${others}` }, `all clusters of ${cluster.category_id ? "this category" : "this country"}${cluster.category_id && cluster.country ? " in this country" : ""}, on the map`));
    let compared = null;
    if (beside) {
      const there = (await data(`clusters/${fnv1a(beside) % shards}.json`)).clusters;
      compared = Object.hasOwn(there, beside) ? sideBySide(cluster, there[beside], beside, series)
        : element("p", { class: "note" }, `This release has no cluster ${beside} to compare with.`);
    }
    const parts = cluster.members.map((member) => {
      const section = element("section", {}, element("h2", {}, `${member.name || member.id}, in ${member.feed}`));
      const about = element("dl", { class: "facts" });
      const tell = (name, ...value) => about.append(element("dt", {}, name), element("dd", {}, ...value));
      tell("feed", member.feed);
      tell("id in the feed", element("code", {}, member.id));
      tell("kind", member.kind || "–");
      if (member.product) tell("product", member.product);
      if (member.category) tell("its own category", member.category);
      if (member.url) tell("stated at", link(member.url));
      if (member.citation) tell("cite", member.citation);
      for (const { rule, periods } of member.rules) tell(`accepted by ${rule}`, periods.join(", "));
      tell("evidence", evidence(papers[member.paper], member.locator));
      section.append(about);
      const grouped = new Map();
      for (const [paper, period, told, values, status] of member.lines) told.forEach((number_, position) => {
        if (!grouped.has(number_)) grouped.set(number_, []);
        grouped.get(number_).push([period, values[position], status ? status[position] : "A", paper]);
      });
      const rows = [];
      const charts = [];
      for (const [number_, points] of [...grouped].sort(([one], [other]) => one - other)) {
        const { indicator, unit_kind, unit_measure, method } = series[number_];
        const name = indicator + (unit_kind === "_Z" ? "" : `, ${unit_kind}`);
        points.sort(([one], [other]) => one < other ? -1 : 1);
        for (const [period, value, status, paper] of points)
          rows.push([name, period, number(value), unit_measure, status, element("code", {}, method), evidence(papers[paper])]);
        const drawable = points.filter(([, value]) => typeof value === "number");
        if (drawable.length > 1 && unit_measure !== "boolean") charts.push(element("figure", {}, element("figcaption", {}, `${name} (${unit_measure || "no unit"}; ${method})`), chart(name, drawable)));
      }
      if (charts.length) section.append(element("details", {}, element("summary", {}, `${charts.length} charts over time`), ...charts));
      if (rows.length) section.append(table(`Values of ${member.id}`, ["Indicator", "Period", "Value", "Unit", "Status", "Method", "Evidence"], rows));
      return section;
    });
    place.replaceChildren(facts, ...(cluster.category_id ? [chooser(id, cluster, beside)] : []), ...(compared ? [compared] : []), element("p", {}, `${parts.length === 1 ? "One row" : `${parts.length} rows`} of the feeds make this cluster. Status is SDMX: A normal, E estimated, O missing, Q suppressed, B break, P provisional. Values of different methods are not comparable. `, element("a", { href: `${root}dictionary.html#observations` }, "What the columns mean"), "."), ...parts,
      element("section", {}, element("h2", {}, "Cite it"), quotable(`Cluster Observatory. ${cluster.name} (${id}), release ${document.body.dataset.release}. Data of ${[...new Set(cluster.members.map((member) => member.feed))].join(", ")}. ${location.href}`)));
  } catch (error) { failed(place, error); }
})();

// SQL ------------------------------------------------------------------------------------------------------------------
const sql = document.getElementById("console");
if (sql) (async () => {
  const state = document.getElementById("state");
  const answer = document.getElementById("answer");
  const { sql: text, stop } = sql.elements;
  const run = sql.querySelector("[type=submit]");
  let engine;
  try {
    engine = await import(new URL(`${root}console/console.js`, location.href));
  } catch {
    const missing = document.getElementById("console-missing");
    missing.textContent = "This copy of the site was made without the console's engine, a part that is built apart: whoever publishes it runs `make console` once, and every release after that has it. All else works; the questions below can be asked of the database on the download page.";
    missing.hidden = false;
    return;
  }
  sql.hidden = false;
  const buttons = [...document.querySelectorAll("#questions button")];
  for (const button of buttons) button.disabled = false;
  let open = null;
  let turn = 0;
  const end = (words) => { state.textContent = words; run.disabled = false; stop.disabled = true; };
  const ask = async () => {
    const mine = ++turn;
    run.disabled = true;
    stop.disabled = false;
    answer.replaceChildren();
    state.textContent = open ? "Running…" : "Loading the database engine, 35 MB, once…";
    const begun = performance.now();
    try {
      open = open || engine.open(new URL(root + sql.dataset.database, location.href).href);
      const database = await open;
      if (mine !== turn) return;
      state.textContent = "Running…";
      const { columns, rows, cut } = await database.run(text.value);
      if (mine !== turn) return;
      end(`${number(rows.length)} ${rows.length === 1 ? "row" : "rows"}${cut ? ", the first ones: there are more" : ""}, in ${((performance.now() - begun) / 1000).toFixed(1)} s.`);
      answer.replaceChildren(columns.length ? table("Answer", columns, rows.map((row) => row.map((cell) => cell === null ? element("span", { class: "null" }, "null") : cell))) : "");
    } catch (error) {
      if (mine !== turn) return;
      if (open) await open.catch(() => { open = null; });
      end("The database does not take this:");
      answer.replaceChildren(element("pre", { class: "note", role: "alert" }, sentence(error.message)));
    }
  };
  // What is not in the browser's DuckDB it would fetch from elsewhere, which this page does not let it do.
  const sentence = (text_) => {
    let message = text_;
    try {
      const { exception_type, exception_message } = JSON.parse(text_);
      if (exception_message) message = `${exception_type} Error: ${exception_message}`;
    } catch { /* it is a sentence already */ }
    return /extension|file system operations are disabled|configuration has been locked/i.test(message)
    ? `${message.split("\n")[0]}\n\nHere are tables and views only: no files, no network, no extensions. For these, take the database from the download page.` : message;
  };
  sql.addEventListener("submit", (event) => { event.preventDefault(); if (!run.disabled) ask(); });
  text.addEventListener("keydown", (event) => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); sql.requestSubmit(); } });
  stop.addEventListener("click", async () => {
    turn++;
    const running = open;
    open = null;
    end("Stopped.");
    (await running.catch(() => null))?.close();
  });
  for (const button of buttons) button.addEventListener("click", () => {
    text.value = button.closest("details").querySelector("code").textContent;
    text.scrollIntoView({ block: "center" });
    text.focus();
    if (!run.disabled) ask();
  });
})();

// The address of the release, for those who copy ---------------------------------------------------------------------
const address = document.getElementById("address");
if (address && location.protocol !== "file:") {
  const base = new URL(`${root}../`, location.href).href;
  address.querySelector("code").textContent = base;
  address.hidden = false;
  for (const span of document.querySelectorAll(".base")) span.textContent = base;
}

for (const cell of document.querySelectorAll("[data-size-of]"))
  fetch(cell.dataset.sizeOf, { method: "HEAD" }).then((answer) => {
    const bytes = Number(answer.headers.get("content-length"));
    if (answer.ok && bytes) cell.textContent = `${number(Math.round(bytes / 100000) / 10)} MB`;
  }).catch(() => { /* the size stays untold */ });

// Honest ages ----------------------------------------------------------------------------------------------------------
const health = document.getElementById("health");
if (health) (async () => {
  const many = (count, unit) => `${number(count)} ${unit}${count === 1 ? "" : "s"}`;
  const age = (since) => {
    const hours = (Date.now() - Date.parse(since)) / 3600000;
    return hours < 0 ? "in the future: this clock or that one is wrong" : hours < 48 ? many(Math.floor(hours), "hour") : many(Math.floor(hours / 24), "day");
  };
  const tell = (row, since) => { row.querySelector(".age").textContent = since ? age(since) : "–"; };
  for (const row of health.tBodies[0].rows) {
    const time = row.querySelector("time");
    tell(row, time && time.dateTime);
  }
  const note = document.getElementById("as-of");
  // Beside the folder of the release; where the release is the root of a host, that is the root itself.
  const status = await get(`${root}../../status.json`).catch(() => null);
  if (!status) { note.textContent = `${note.textContent.split(". ")[0]}. There is no status.json beside the release: this is the state then, and the age of the last success now.`; return; }
  note.textContent = `Read from status.json, made ${status.generated_at} (${age(status.generated_at)} ago). The age is that of the newest evidence.`;
  for (const feed of status.feeds) {
    const row = [...health.tBodies[0].rows].find((one) => one.dataset.feed === feed.feed_id);
    if (!row) continue;
    row.querySelector(".state").textContent = feed.health + (feed.reason ? `: ${feed.reason}` : "");
    row.querySelector(".state").className = `state ${feed.health}`;
    row.querySelector(".last").textContent = feed.last_success_at || "never";
    tell(row, feed.evidence_at);
  }
})();
})();

// DuckDB in the page, on the console's database alone: it reads by ranges, sends nothing, and has no file, network or extension.
import * as duckdb from "@duckdb/duckdb-wasm";

const MOST_ROWS = 1000;
const SAFE = [
  "SET autoinstall_known_extensions = false",
  "SET autoload_known_extensions = false",
  "SET enable_external_access = false",
  "SET lock_configuration = true",
];

// Arrow's Type: what a value is to be read as.
const DATE = 8, TIMESTAMP = 10, LIST = 12, STRUCT = 13, MAP = 17, FIXED_LIST = 16;

/** Return a value as text, as DuckDB would write it; null as it is. */
const shown = (value, type) => {
  if (value === null || value === undefined) return null;
  switch (type.typeId) {
    case DATE: return new Date(value).toISOString().slice(0, 10);
    case TIMESTAMP: return new Date(value).toISOString().replace("T", " ").replace(/\.?0*Z$/, "");
    case LIST: case FIXED_LIST: return `[${[...value].map((one) => shown(one, type.children[0].type) ?? "NULL").join(", ")}]`;
    case STRUCT: return `{${type.children.map(({ name, type: inner }) => `'${name}': ${shown(value[name], inner) ?? "NULL"}`).join(", ")}}`;
    case MAP: return JSON.stringify(value);
    default: return String(value);
  }
};

/**
 * Open a database in a worker of its own.
 *
 * @param {string} address - of the DuckDB file.
 * @returns {Promise<{run: function(string): Promise<{columns: string[], rows: (string|null)[][], cut: boolean}>, close: function(): void}>}
 *   `run` answers one statement with at most 1,000 rows, and says whether there are more.
 */
export const open = async (address) => {
  const here = (name) => new URL(name, import.meta.url).href;
  const worker = new Worker(here("duckdb-browser-eh.worker.js"));
  try {
    const engine = new duckdb.AsyncDuckDB(new duckdb.VoidLogger(), worker);
    await engine.instantiate(here("duckdb-eh.wasm"));
    await engine.registerFileURL("console.duckdb", address, duckdb.DuckDBDataProtocol.HTTP, false);
    await engine.open({ path: "console.duckdb", accessMode: duckdb.DuckDBAccessMode.READ_ONLY, query: { castDecimalToDouble: true }, filesystem: { reliableHeadRequests: true, forceFullHTTPReads: false } });
    const connection = await engine.connect();
    for (const setting of SAFE) await connection.query(setting);
    return { run: (sql) => answer(connection, sql), close: () => worker.terminate() };
  } catch (error) {
    worker.terminate();
    throw error;
  }
};

const answer = async (connection, sql) => {
  const reader = await connection.send(sql, true);
  await reader.open();
  const columns = reader.schema.fields;
  const rows = [];
  for await (const batch of reader) {
    const vectors = columns.map((_, position) => batch.getChildAt(position));
    for (let row = 0; row < batch.numRows; row++) {
      if (rows.length === MOST_ROWS) {
        await connection.cancelSent();
        return { columns: columns.map(({ name }) => name), rows, cut: true };
      }
      rows.push(columns.map(({ type }, position) => shown(vectors[position].get(row), type)));
    }
  }
  return { columns: columns.map(({ name }) => name), rows, cut: false };
};

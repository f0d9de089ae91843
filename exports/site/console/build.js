// Bundle the console, and put the engine beside it, in built/. Made aside and renamed, so that built/ is whole or absent.
import { copyFileSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { buildSync } from "esbuild";

const made = "built.tmp";
rmSync(made, { recursive: true, force: true });
mkdirSync(made);
const { metafile } = buildSync({
  entryPoints: ["console.js"],
  outfile: `${made}/console.js`,
  bundle: true,
  format: "esm",
  metafile: true,
  minify: true,
  target: "es2022",
});
const engine = "node_modules/@duckdb/duckdb-wasm";
for (const name of ["duckdb-browser-eh.worker.js", "duckdb-eh.wasm"]) copyFileSync(`${engine}/dist/${name}`, `${made}/${name}`);

// Whose work the bundle holds, and under what terms.
const folders = new Set(Object.keys(metafile.inputs).map((path) => path.match(/^.*node_modules\/(?:@[^/]+\/)?[^/]+/)?.[0]).filter(Boolean));
const notices = [...folders].sort().map((folder) => {
  const { name, version, license } = JSON.parse(readFileSync(`${folder}/package.json`, "utf8"));
  const texts = readdirSync(folder).filter((file) => /^(licen[cs]e|notice)/i.test(file)).sort();
  return [`${name} ${version}: ${license}`, ...texts.map((file) => readFileSync(`${folder}/${file}`, "utf8").trim())].join("\n\n");
});
writeFileSync(`${made}/NOTICE.txt`, `${notices.join("\n\n----\n\n")}\n`);
rmSync("built", { recursive: true, force: true });
renameSync(made, "built");

// Builds the page and the widgets into src/rung/lab/static. The same sources give the same bytes.
//   node build.mjs          writes the bundle
//   node build.mjs --check  builds into a temporary folder, and compares with what is committed
import { build, transform } from "esbuild";
import { mkdtempSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const here = dirname(fileURLToPath(import.meta.url));
const committed = join(here, "..", "src", "rung", "lab", "static");
const mostBytes = 100 * 1024;
const check = process.argv.includes("--check");
const out = check ? mkdtempSync(join(tmpdir(), "rung-web-")) : committed;

const common = {
  bundle: true,
  minify: true,
  format: "esm",
  target: ["es2022"],
  charset: "utf8",
  legalComments: "none",
  absWorkingDir: here,
  tsconfig: join(here, "tsconfig.json"),
  loader: { ".css": "css" },
  logLevel: "warning",
  // esbuild would name the file that a lit comment comes from; nothing of this machine may stand in the bundle.
  sourcemap: false,
  write: true,
};

mkdirSync(out, { recursive: true });
await build({ ...common, entryPoints: { app: "src/app.ts" }, outdir: out });
// A widget draws in a shadow root: its stylesheet is a text in the module, and what is said of the page is said of it.
const shadow = {
  name: "shadow",
  setup(build) {
    build.onLoad({ filter: /\.css$/ }, async ({ path }) => {
      const text = readFileSync(path, "utf8")
        .replace(/:root((?:\[[^\]]*\]|:not\([^)]*\))+)/g, ":host($1)")
        .replaceAll(":root", ":host");
      const { code } = await transform(text, { loader: "css", minify: true, target: common.target });
      return { contents: code.trim(), loader: "text" };
    });
  },
};
await build({ ...common, entryPoints: { widget: "src/widget.ts" }, outdir: out, plugins: [shadow] });

const files = ["app.js", "app.css", "widget.js"];
let bad = false;
// What a reader of the page loads; the widgets are a bundle of their own, held to the same limit.
for (const [name, parts] of [
  ["page", ["app.js", "app.css"]],
  ["widgets", ["widget.js"]],
]) {
  const sizes = parts.map((file) => [file, gzipSync(readFileSync(join(out, file)), { level: 9 }).length]);
  const total = sizes.reduce((sum, [, size]) => sum + size, 0);
  const text = sizes.map(([file, size]) => `${file} ${(size / 1024).toFixed(1)}`).join(", ");
  console.log(`${name}: ${(total / 1024).toFixed(1)} KB gzipped (${text})`);
  if (total > mostBytes) {
    console.error(`${name}: more than ${mostBytes / 1024} KB gzipped`);
    bad = true;
  }
}

if (check) {
  const differs = files.filter((file) => {
    try {
      return !readFileSync(join(out, file)).equals(readFileSync(join(committed, file)));
    } catch {
      return true;
    }
  });
  rmSync(out, { recursive: true });
  if (differs.length) {
    console.error(`src/rung/lab/static is not what web/ builds (${differs.join(", ")}); run: make web, and commit it`);
    bad = true;
  }
}
process.exit(bad ? 1 : 0);

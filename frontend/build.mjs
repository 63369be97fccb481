// Builds webui/static/vendor from the locked packages: `node build.mjs [folder]`. The same lock gives the same bytes.
import { build } from "esbuild";
import { createHash } from "node:crypto";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";

const here = path.dirname(fileURLToPath(import.meta.url));
const modules = path.join(here, "node_modules");
const target = path.resolve(process.argv[2] ?? path.join(here, "..", "webui", "static", "vendor"));

const scripts = [
  { file: "htmx.js", from: "htmx.org", code: 'export { default } from "htmx.org";' },
  {
    file: "wavesurfer.js",
    from: "wavesurfer.js",
    code: `export { default as WaveSurfer } from "wavesurfer.js";
           export { default as Hover } from "wavesurfer.js/plugins/hover";
           export { default as Timeline } from "wavesurfer.js/plugins/timeline";`,
  },
];
const fonts = ["latin", "latin-ext", "cyrillic"].map((subset) => ({
  file: `inter-${subset}.woff2`,
  from: "@fontsource-variable/inter",
  path: `files/inter-${subset}-wght-normal.woff2`,
}));

async function bundle({ code }) {
  const result = await build({
    stdin: { contents: code, resolveDir: here, loader: "js" },
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    charset: "utf8",
    legalComments: "none",
    write: false,
    nodePaths: [modules],
  });
  return result.outputFiles[0].contents;
}

async function sprite(names) {
  const symbols = await Promise.all(
    [...names].sort().map(async (name) => {
      const svg = await readFile(path.join(modules, "lucide-static", "icons", `${name}.svg`), "utf8");
      const shapes = svg.slice(svg.indexOf(">", svg.indexOf("<svg")) + 1, svg.lastIndexOf("</svg>"));
      return `<symbol id="${name}" viewBox="0 0 24 24">${shapes.replace(/\s+/g, " ").trim()}</symbol>`;
    }),
  );
  return `<svg xmlns="http://www.w3.org/2000/svg">\n${symbols.join("\n")}\n</svg>\n`;
}

async function describe(name, files) {
  const about = JSON.parse(await readFile(path.join(modules, name, "package.json"), "utf8"));
  const sums = files.map(({ file, bytes }) => [file, createHash("sha256").update(bytes).digest("hex")]);
  return { name, version: about.version, licence: about.license, sha256: Object.fromEntries(sums) };
}

async function licence(name) {
  for (const file of ["LICENSE", "LICENSE.md", "LICENSE.txt"]) {
    try {
      return await readFile(path.join(modules, name, file), "utf8");
    } catch (error) {
      if (error.code !== "ENOENT") throw error;
    }
  }
  throw new Error(`${name} has no licence file`);
}

const outputs = [];
for (const script of scripts) outputs.push({ ...script, bytes: await bundle(script) });
for (const font of fonts) outputs.push({ ...font, bytes: await readFile(path.join(modules, font.from, font.path)) });
const names = JSON.parse(await readFile(path.join(here, "icons.json"), "utf8"));
outputs.push({ file: "icons.svg", from: "lucide-static", bytes: Buffer.from(await sprite(names)) });

const packages = [...new Set(outputs.map((output) => output.from))].sort();
const list = [];
const licences = [];
for (const name of packages) {
  list.push(await describe(name, outputs.filter((output) => output.from === name)));
  licences.push(`${name}\n${"=".repeat(name.length)}\n\n${(await licence(name)).trim()}\n`);
}

await rm(target, { recursive: true, force: true });
await mkdir(target, { recursive: true });
for (const { file, bytes } of outputs) await writeFile(path.join(target, file), bytes);
await writeFile(path.join(target, "LICENCES.txt"), licences.join("\n\n"));
await writeFile(path.join(target, "VENDOR.json"), `${JSON.stringify(list, null, 2)}\n`);

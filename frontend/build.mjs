/* Bundles scripts and styles into dist/, which Django serves under /static/. `--watch` builds again on every change. */
import { cp, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, gzipSync } from "node:zlib";
import * as esbuild from "esbuild";

const watching = process.argv.includes("--watch");

/** xterm.js writes <style> elements and style attributes, which the console's Content-Security-Policy forbids. The same
    goes by the CSS object model, which it allows. A version in which these places look otherwise does not build. */
const sheets = fileURLToPath(new URL("src/terminal/sheets.ts", import.meta.url));
const xtermByObjectModel = {
  name: "xterm-by-object-model",
  setup(build) {
    build.onLoad({ filter: /@xterm\/xterm\/lib\/xterm\.mjs$/ }, async ({ path }) => {
      const found = { sheets: 0, attributes: 0 };
      const contents = (await readFile(path, "utf8"))
        .replace(/[\w$.]+\.createElement\("style"\)/g, () => { found.sheets += 1; return "styleSheetElement()"; })
        .replace(/([\w$]+)\.setAttribute\("style",(`[^`]*`)\)/g, (_all, element, text) => {
          found.attributes += 1;
          return `${element}.style.cssText=${text}`;
        });
      if (found.sheets < 3 || found.attributes < 1) throw new Error(`xterm.js looks otherwise: ${JSON.stringify(found)}`);
      return { contents: `import { styleSheetElement } from ${JSON.stringify(sheets)};\n${contents}` };
    });
  },
};

/** CodeMirror writes its styles into a <style> element, which the policy forbids too; in a shadow root it adopts a sheet. So
    it does on the page. */
const codemirrorByObjectModel = {
  name: "codemirror-by-object-model",
  setup(build) {
    build.onLoad({ filter: /style-mod\/src\/style-mod\.js$/ }, async ({ path }) => {
      const written = await readFile(path, "utf8");
      const contents = written.replace("if (!root.head && root.adoptedStyleSheets", "if (root.adoptedStyleSheets");
      if (contents === written) throw new Error("style-mod looks otherwise");
      return { contents };
    });
  },
};

const options = {
  entryPoints: [
    { in: "src/main.ts", out: "console" },
    { in: "styles/main.css", out: "console" },
    { in: "src/terminal/main.ts", out: "terminal" },
    { in: "src/terminal/terminal.css", out: "terminal" },
    { in: "src/yaml/main.ts", out: "yaml" },
  ],
  outdir: "dist",
  bundle: true,
  minify: !watching,
  sourcemap: watching,
  format: "esm",
  splitting: true, // what several share, and what comes later, are chunks: nothing is loaded twice
  chunkNames: "chunks/[name]-[hash]",
  target: ["es2022", "chrome123", "firefox121", "safari17.5"],
  loader: { ".woff2": "file" },
  assetNames: "fonts/[name]", // base.html asks for one by its name
  plugins: [xtermByObjectModel, codemirrorByObjectModel],
  logLevel: "info",
};

/** Beside each text its compressed forms, which the server hands out as they are. */
async function compress() {
  const names = (await readdir("dist", { recursive: true })).filter((name) => /\.(js|css|svg)$/.test(name));
  await Promise.all(names.map(async (name) => {
    const text = await readFile(`dist/${name}`);
    await Promise.all([writeFile(`dist/${name}.br`, brotliCompressSync(text)), writeFile(`dist/${name}.gz`, gzipSync(text, { level: 9 }))]);
  }));
}

await rm("dist", { recursive: true, force: true });
await mkdir("dist", { recursive: true });
await cp("images", "dist/images", { recursive: true });

if (watching) {
  const context = await esbuild.context(options);
  await context.watch();
} else {
  await esbuild.build(options);
  await compress();
}

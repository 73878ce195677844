/* Bundles scripts and styles into dist/, which Django serves under /static/. `--watch` builds again on every change. */
import { cp, mkdir, rm } from "node:fs/promises";
import * as esbuild from "esbuild";

const watching = process.argv.includes("--watch");

const options = {
  entryPoints: [
    { in: "src/main.ts", out: "console" },
    { in: "styles/main.css", out: "console" },
  ],
  outdir: "dist",
  bundle: true,
  minify: !watching,
  sourcemap: watching,
  format: "esm",
  target: ["es2022", "chrome123", "firefox121", "safari17.5"],
  loader: { ".woff2": "file" },
  assetNames: "fonts/[name]-[hash]",
  logLevel: "info",
};

await rm("dist", { recursive: true, force: true });
await mkdir("dist", { recursive: true });
await cp("images", "dist/images", { recursive: true });

if (watching) {
  const context = await esbuild.context(options);
  await context.watch();
} else {
  await esbuild.build(options);
}

// The page's style and script. The script is bundled from TypeScript when the page is first asked for.
import { join } from "node:path";

export interface Asset {
  /** Holds a hash of the content, so that whoever has the file never asks again. */
  file: string;
  type: string;
  text: string;
}

export interface Assets {
  style: Asset;
  script: Asset;
}

export async function readAssets(dir: string): Promise<Assets> {
  const style = await Bun.file(join(dir, "page.css")).text();
  const script = await bundled(join(dir, "page.client.ts"));
  return {
    style: { file: `page-${hashOf(style)}.css`, type: "text/css; charset=utf-8", text: style },
    script: { file: `page-${hashOf(script)}.js`, type: "text/javascript; charset=utf-8", text: script },
  };
}

async function bundled(entry: string): Promise<string> {
  const { outputs } = await Bun.build({ entrypoints: [entry], target: "browser", minify: true });
  const [script] = outputs;
  if (!script) throw new Error(`Bundling ${entry} gave no script.`);
  return script.text();
}

function hashOf(text: string): string {
  return new Bun.CryptoHasher("sha256").update(text).digest("hex").slice(0, 12);
}

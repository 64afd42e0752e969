// Random lives of services: written, broken, mended, deployed, reloaded, unloaded, rolled back. A model says what must be
// live after each step, and requests run all the while.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { cleanUp, type Reef, startReef } from "./reef.js";

const LIVES = 6;
const STEPS_MAX = 14;
const KEPT_MAX = 5;
const KINDS = ["good", "syntax", "throws", "nameless", "rejects", "fails its test"] as const;
type Kind = (typeof KINDS)[number];
type Step =
  | { do: "write"; kind: Kind }
  | { do: "deploy" | "reload" | "reload all" | "unload" }
  | { do: "rollback" };

let reef: Reef;
beforeAll(async () => {
  reef = await startReef();
});
afterAll(cleanUp);

/** What a folder holds; two writes are never the same content. */
interface Content {
  version: number;
  kind: Kind;
}

/** What has to be true of one service, worked out from the contract alone (spec §5.2, §6.1, §6.2). */
class Model {
  folder: Content | undefined;
  live: Content | undefined;
  isDisabled = false;
  kept: Content[] = [];
  pin: { to: Content; from: Content } | undefined;

  /** Whether it answers as a success. */
  step(step: Step): boolean {
    if (step.do === "rollback") return this.#rollback();
    if (step.do === "unload") return this.#unload();
    if (step.do === "reload all") return this.#reloadAll();
    if (step.do === "write") return true;
    return step.do === "deploy" ? this.#deploy() : this.#reload();
  }

  #deploy(): boolean {
    if (this.folder?.kind !== "good") return false;
    const newest = this.live ? [this.live, this.folder] : [this.folder];
    this.kept = [...this.kept.filter((one) => !newest.includes(one)), ...new Set(newest)].slice(-KEPT_MAX);
    this.#goLive(this.folder);
    this.pin = undefined;
    return true;
  }

  #reload(): boolean {
    if (!this.folder || !comesUp(this.folder)) return false;
    this.#goLive(this.folder);
    this.pin = undefined;
    return true;
  }

  #reloadAll(): boolean {
    if (this.isDisabled || !this.folder) return true;
    if (this.pin && this.pin.from !== this.folder) this.pin = undefined;
    const standing = this.pin ? this.pin.to : this.folder;
    if (comesUp(standing)) this.#goLive(standing);
    return true;
  }

  #unload(): boolean {
    if (!this.live) return false;
    this.live = undefined;
    this.isDisabled = true;
    return true;
  }

  #rollback(): boolean {
    if (!this.folder) return false;
    const place = this.live ? this.kept.indexOf(this.live) : -1;
    const to = place === -1 ? this.kept.at(-1) : this.kept[place - 1];
    if (!to || to === this.live) return false;
    const from = this.pin && this.pin.to === this.live ? this.pin.from : (this.live ?? this.folder);
    this.#goLive(to);
    this.pin = { to, from };
    return true;
  }

  #goLive(content: Content): void {
    this.live = content;
    this.isDisabled = false;
  }
}

/** A failing test keeps a service from being deployed, not from being loaded. */
const comesUp = ({ kind }: Content) => kind === "good" || kind === "fails its test";

function filesOf(name: string, { version, kind }: Content): Record<string, string> {
  const init = kind === "rejects" ? 'init: () => Promise.reject(new Error("no")),' : "";
  return {
    "index.ts": `import { Hono } from "hono";
import { inner } from "./lib/inner.js";
${kind === "throws" ? 'throw new Error("at import");' : ""}
const routes = new Hono().get("/", (c) => c.json({ outer: ${version}, inner }));
export default { ${kind === "nameless" ? "" : `name: "${name}",`} ${init} routes };`,
    "lib/inner.ts": `export const inner = ${kind === "syntax" ? "(" : version};`,
    [`${name}.test.ts`]: `import { expect, test } from "bun:test";
test("it", () => expect(${kind === "fails its test" ? 1 : 2}).toBe(2));`,
  };
}

async function write(name: string, content: Content): Promise<void> {
  for (const [path, text] of Object.entries(filesOf(name, content))) {
    const file = join(reef.servicesDir, name, path);
    await mkdir(join(file, ".."), { recursive: true });
    await writeFile(file, text);
  }
}

async function carryOut(name: string, step: Exclude<Step, { do: "write" }>): Promise<boolean> {
  const calls = {
    deploy: ["POST", "/services/deploy", { name }],
    reload: ["POST", `/services/reload/${name}`],
    "reload all": ["POST", "/services/reload"],
    unload: ["DELETE", `/services/${name}`],
    rollback: ["POST", `/services/${name}/rollback`],
  } as const;
  const [method, path, body] = calls[step.do];
  const response = await reef.fetch(path, { method, ...(body && { body: JSON.stringify(body) }) });
  expect([await response.text(), response.status]).toEqual([expect.any(String), expect.any(Number)]);
  expect(response.status).toBeLessThan(500);
  return response.ok;
}

/** Asks for a service again and again. No answer mixes two versions, and none is a 5xx. */
function ask(name: string) {
  const seen = { isOver: false, answers: 0 };
  const done = (async () => {
    while (!seen.isOver) {
      const response = await reef.fetch(`/${name}`);
      seen.answers++;
      if (response.status === 404) continue;
      const { outer, inner } = (await response.json()) as { outer: number; inner: number };
      expect([response.status, outer]).toEqual([200, inner]);
    }
  })();
  return {
    async end(): Promise<number> {
      seen.isOver = true;
      await done;
      return seen.answers;
    },
  };
}

const steps = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: fc.constantFrom(...KINDS).map((kind): Step => ({ do: "write", kind })) },
    { weight: 3, arbitrary: fc.constant<Step>({ do: "write", kind: "good" }) },
    { weight: 4, arbitrary: fc.constant<Step>({ do: "deploy" }) },
    {
      weight: 6,
      arbitrary: fc
        .constantFrom("reload" as const, "reload all" as const, "unload" as const, "rollback" as const)
        .map((verb): Step => ({ do: verb })),
    },
  ),
  { minLength: 4, maxLength: STEPS_MAX },
);

let lives = 0;
let versions = 0;

test("whatever happens to a service, what must be live is live, and no request notices (spec §5.3, §6)", async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (taken) => {
      const name = `life-${++lives}`;
      const model = new Model();
      const asking = [ask(name), ask(name)];
      for (const step of [{ do: "write", kind: "good" } as const, ...taken]) {
        if (step.do === "write") {
          model.folder = { version: ++versions, kind: step.kind };
          await write(name, model.folder);
          continue;
        }
        const expected = model.step(step);
        expect([step.do, await carryOut(name, step)]).toEqual([step.do, expected]);
        const answer = await (await reef.fetch(`/${name}`)).json();
        const { version } = model.live ?? {};
        expect(answer).toEqual(
          version === undefined ? { error: "not found" } : { outer: version, inner: version },
        );
      }
      for (const one of asking) expect(await one.end()).toBeGreaterThan(0);
      await reef.fetch(`/services/${name}`, { method: "DELETE" });
    }),
    { numRuns: LIVES, endOnFailure: true },
  );
}, 240_000);

// Can this reef run a seed, which seeds does it know, and what became of those that were installed.
import { type Static, Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import { type Context, Hono } from "hono";
import { ReefError } from "#core/errors.js";
import { readBody } from "#core/http.js";
import type { ServiceContext } from "#core/types.js";
import { capabilitiesOf } from "./manifest.js";
import { RegisterBody, type Seed, type Seeds, UpdateBody } from "./seeds.js";

const CAPABILITIES_REQUIRED = "capabilities array required";

const CheckBody = Type.Object({
  capabilities: Type.Array(Type.String({ minLength: 1, maxLength: 200 }), {
    minItems: 1,
    maxItems: 1_000,
    errorMessage: CAPABILITIES_REQUIRED,
  }),
});

/** What the installer says of the seeds that were named when something was installed. */
const Installed = Type.Object({
  seeds: Type.Array(
    Type.Object({ seed: Type.String(), services: Type.Array(Type.String()), installedAt: Type.String() }),
  ),
});
type InstalledSeed = Static<typeof Installed>["seeds"][number];

export function createSeedRoutes(ctx: ServiceContext, seeds: Seeds): Hono {
  return new Hono()
    .post("/check", (c) => check(c, ctx))
    .post("/seeds/register", async (c) => {
      const seed = await seeds.register(await readBody(c, RegisterBody));
      return c.json({ action: "registered", seed }, 201);
    })
    .patch("/seeds/:hash", async (c) => {
      const seed = await seeds.update(c.req.param("hash"), await readBody(c, UpdateBody));
      return c.json({ action: "updated", seed });
    })
    .get("/conformance", async (c) => c.json(await conformance(ctx, seeds)));
}

async function check(c: Context, ctx: ServiceContext): Promise<Response> {
  const { capabilities } = await readBody(c, CheckBody);
  const substrate = capabilitiesOf(ctx.getModules(), ctx.config);
  const { met, missing } = compared(capabilities, substrate);
  return c.json({ canGerminate: missing.length === 0, met, missing, substrate });
}

async function conformance(ctx: ServiceContext, seeds: Seeds) {
  const substrate = capabilitiesOf(ctx.getModules(), ctx.config);
  const entries = (await installedSeeds(ctx)).map((installed) =>
    conformanceOf(installed, seeds.find(installed.seed), substrate),
  );
  const timestamp = new Date().toISOString();
  return {
    v: "seed-spec/0.5",
    type: "conformance.manifest",
    timestamp,
    seeds: entries,
    count: entries.length,
  };
}

function conformanceOf(
  { seed, services, installedAt }: InstalledSeed,
  known: Seed | undefined,
  substrate: string[],
) {
  const wanted = [...(known?.requiredCapabilities ?? []), ...(known?.optionalCapabilities ?? [])];
  return {
    name: known?.name ?? seed,
    content_hash: known?.contentHash ?? seed,
    version_label: known?.versionLabel ?? null,
    conformanceLevel: known?.conformance ?? null,
    services,
    installedAt,
    capabilities: {
      implemented: compared(wanted, substrate).met,
      missing: compared(known?.requiredCapabilities ?? [], substrate).missing,
    },
    testResults: known?.testResults ?? null,
    lastVerified: known?.lastVerified ?? null,
  };
}

/** Each capability once. */
function compared(wanted: readonly string[], substrate: readonly string[]) {
  const names = [...new Set(wanted)];
  return {
    met: names.filter((name) => substrate.includes(name)),
    missing: names.filter((name) => !substrate.includes(name)),
  };
}

/** None where there is no installer. */
async function installedSeeds(ctx: ServiceContext): Promise<InstalledSeed[]> {
  const response = await ctx.fetch("/installer/seeds");
  if (response.status === 404) return [];
  if (!response.ok)
    throw new ReefError("upstream_failed", `GET /installer/seeds answered ${response.status}`);
  return Value.Parse(Installed, await response.json()).seeds;
}

// The services of `examples/services`, as they are found there.
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { ServiceModule } from "../../src/core/types.js";
import { ROOT } from "../flow/reef.js";

export const SERVICES_DIR = join(ROOT, "examples/services");

/** Names of folders; each is the name of its service too. */
export function serviceNames(): string[] {
  return readdirSync(SERVICES_DIR)
    .filter((name) => existsSync(join(SERVICES_DIR, name, "index.ts")))
    .sort();
}

export async function serviceNamed(name: string): Promise<ServiceModule> {
  return (await import(join(SERVICES_DIR, name, "index.ts"))).default;
}

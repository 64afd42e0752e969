// A real reef with services of `examples/services`, copied into a folder of its own as the README says.
import { cpSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { type Reef, type ReefOptions, ROOT, startReef, temporaryFolder } from "../flow/reef.js";

/** `cleanUp` of `tests/flow/reef.ts` ends it. No pi is kept warm unless `env` says so. */
export function startReefWith(services: readonly string[], options: ReefOptions = {}): Promise<Reef> {
  const servicesDir = join(temporaryFolder("reef-fleet-"), "services");
  mkdirSync(servicesDir);
  for (const name of services) copyService(name, servicesDir);
  return startReef({ servicesDir, ...options, env: { REEF_WARM: "0", ...options.env } });
}

export function copyService(name: string, servicesDir: string): void {
  cpSync(join(ROOT, "examples/services", name), join(servicesDir, name), { recursive: true });
}

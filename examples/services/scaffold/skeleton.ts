// The files of a new service.
import { behaviorsFile } from "./behaviors-file.js";
import { indexFile } from "./index-file.js";
import { jsonStoreFile } from "./json-store-file.js";
import type { Plan } from "./plan.js";
import { readmeFile } from "./readme-file.js";
import { routesFile } from "./routes-file.js";
import { sqliteStoreFile } from "./sqlite-store-file.js";
import { testFile } from "./test-file.js";
import { toolsFile } from "./tools-file.js";

export interface SkeletonFile {
  /** `<name>/index.ts`. */
  path: string;
  content: string;
}

export function skeleton(plan: Plan): SkeletonFile[] {
  const store = plan.store === "json" ? jsonStoreFile : sqliteStoreFile;
  const files: [isWanted: boolean, name: string, write: (plan: Plan) => string][] = [
    [true, "index.ts", indexFile],
    [plan.routes.length > 0, "routes.ts", routesFile],
    [plan.store !== undefined, "store.ts", store],
    [plan.hasTools, "tools.ts", toolsFile],
    [plan.hasBehaviors, "behaviors.ts", behaviorsFile],
    [true, `${plan.name}.test.ts`, testFile],
    [plan.hasReadme, "README.md", readmeFile],
  ];
  return files
    .filter(([isWanted]) => isWanted)
    .map(([, name, write]) => ({ path: `${plan.name}/${name}`, content: write(plan) }));
}

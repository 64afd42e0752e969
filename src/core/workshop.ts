// Where service folders become modules that can be started: finds the folders, stages copies of them and imports those.
import { existsSync } from "node:fs";
import { mkdir, realpath } from "node:fs/promises";
import { basename, join } from "node:path";
import { type Archive, openArchive } from "./archive.js";
import { createImporter, IMPORT_MS, scanServices } from "./discover.js";
import { messageOf, ReefError } from "./errors.js";
import { scanImports } from "./imports.js";
import { STOCK_SERVICES } from "./names.js";
import type { Folder } from "./problems.js";
import { openRecords, type Records } from "./records.js";
import { type CopyOptions, openStage, type Stage, type StagedCopy } from "./stage.js";
import type { Log, ServiceModule } from "./types.js";

export interface WorkshopOptions {
  servicesDir: string;
  stockDir?: string;
  dataDir: string;
  log: Log;
}

export interface StageOptions extends Pick<CopyOptions, "packages"> {
  /** Copies this version from the archive, instead of the service folder itself. */
  kept?: string;
}

export interface Workshop {
  readonly records: Records;
  readonly archive: Archive;
  /** All service folders, reef's own first, each in name order; `broken` are links that lead nowhere. */
  scan(): Promise<{ folders: Folder[]; broken: Folder[] }>;
  find(folderName: string): Folder | undefined;
  isStock(folder: Folder): boolean;
  /** True for what a folder outside reef's own package may not be called. */
  isStockName(name: string): boolean;
  /** A copy whose files parse and import what they may. Rejects with the problem's text. */
  stage(folder: Folder, options?: StageOptions): Promise<StagedCopy>;
  again(copy: StagedCopy): Promise<StagedCopy>;
  importModule(copy: StagedCopy, limitMs?: number): Promise<ServiceModule>;
  retire(copy: StagedCopy): Promise<void>;
  /** A copy of a folder that is no service yet, for one look at it. */
  stageLoose(path: string): Promise<StagedCopy>;
  placeIn: Stage["placeIn"];
}

export async function openWorkshop({
  servicesDir,
  stockDir,
  dataDir,
  log,
}: WorkshopOptions): Promise<Workshop> {
  await mkdir(servicesDir, { recursive: true });
  const separate = stockDir !== undefined && (await realpath(stockDir)) !== (await realpath(servicesDir));
  const roots = [...(separate ? [{ dir: stockDir, stock: true }] : []), { dir: servicesDir, stock: false }];
  const stage = await openStage(join(dataDir, "live"));
  const importModule = createImporter();
  const records = await openRecords(dataDir, log);
  const archive = await openArchive(dataDir, records);

  return {
    records,
    archive,
    async scan() {
      const found = { folders: [] as Folder[], broken: [] as Folder[] };
      for (const { dir, stock } of roots) {
        const { candidates, broken } = await scanServices(dir);
        found.folders.push(...candidates.map((candidate) => ({ ...candidate, stock })));
        found.broken.push(...broken.map((folder) => ({ folder, path: join(dir, folder), stock })));
      }
      return found;
    },
    find(folderName) {
      if (folderName !== basename(folderName) || folderName.startsWith(".")) return undefined;
      return roots
        .map(({ dir, stock }) => ({ folder: folderName, path: join(dir, folderName), stock }))
        .find(({ path }) => existsSync(join(path, "index.ts")));
    },
    isStock: ({ folder, stock }) => stock || (!separate && STOCK_SERVICES.includes(folder)),
    isStockName: (name) => separate && existsSync(join(stockDir, name, "index.ts")),
    stage(folder, { packages, kept } = {}) {
      if (kept === undefined) return staged(stage, folder.path, { packages });
      const from = archive.find(folder.folder, kept);
      if (from === undefined)
        throw new ReefError("not_found", `No version ${kept} of "${folder.folder}" is kept`);
      return staged(stage, from, { packages: "copy", of: folder.path, hash: kept });
    },
    stageLoose: (path) => staged(stage, path, { packages: "link" }),
    again: stage.again,
    importModule: (copy, limitMs = IMPORT_MS) => importModule(copy, limitMs),
    retire: stage.retire,
    placeIn: stage.placeIn,
  };
}

async function staged(stage: Stage, from: string, options: CopyOptions): Promise<StagedCopy> {
  const copy = await stage.copy(from, options).catch((error) => {
    if (error instanceof ReefError) throw error;
    throw new ReefError("bad_request", `import error: ${messageOf(error)}`, {}, { cause: error });
  });
  try {
    await scanImports(copy);
    return copy;
  } catch (error) {
    await stage.retire(copy);
    throw error;
  }
}

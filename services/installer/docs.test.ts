// What is written about the installer, held against what it does.
import { expect, test } from "bun:test";
import { join } from "node:path";
import { createTestHarness } from "#core/testing.js";
import installer from "./index.js";
import {
  ENTRIES_MAX,
  FETCH_MS,
  FILE_BYTES_MAX,
  JOBS_MAX,
  PACKAGES_MS,
  PACKED_BYTES_MAX,
  UNPACKED_BYTES_MAX,
} from "./limits.js";

const readme = await Bun.file(join(import.meta.dir, "README.md")).text();

test("every route is documented, and the README has a curl line for each", async () => {
  const harness = await createTestHarness({ services: [installer] });
  const routes = harness.ctx.getModule("installer")?.routes?.routes ?? [];
  const names = routes.map(({ method, path }) => `${method} ${path}`);
  await harness.cleanup();
  expect(names.toSorted()).toEqual(Object.keys(installer.routeDocs).toSorted());
  for (const { method, path } of routes)
    expect(readme).toContain(`curl ${method === "GET" ? "" : "-X POST "}$REEF/installer${path} `);
});

test("the README tells the limits that there are", () => {
  const rows = readme.split("\n").filter((line) => line.startsWith("| "));
  const told = (limit: string) =>
    rows
      .find((row) => row.startsWith(`| ${limit} `))
      ?.split("|")[2]
      ?.trim();
  const mib = (bytes: number) => `${bytes / 1024 / 1024} MiB`;
  expect(FETCH_MS).toBe(PACKAGES_MS);
  expect({
    time: told("fetching, and installing packages"),
    entries: told("files and folders"),
    file: told("one file"),
    files: told("all files"),
    archive: told("an archive"),
    jobs: told("installs, updates, removals at once"),
  }).toEqual({
    time: `${FETCH_MS / 1000} s each`,
    entries: ENTRIES_MAX.toLocaleString("en"),
    file: mib(FILE_BYTES_MAX),
    files: mib(UNPACKED_BYTES_MAX),
    archive: `${mib(PACKED_BYTES_MAX)} packed`,
    jobs: String(JOBS_MAX),
  });
});

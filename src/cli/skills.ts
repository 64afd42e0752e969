// `reef skills`: the skills of reef's package, or of a folder, and their publication to SkillHub.
import { messageOf } from "../core/errors.js";
import { type Call, type Command, DONE, FAILED, JSON_OPTION, UsageError } from "./command.js";
import { type Connection, ServerError } from "./connection.js";
import { PACKAGE_SKILLS, readSkills, type SkillFile } from "./skill-files.js";
import { oneLine, plain, table } from "./text.js";

const NAMES_MAX = 200;
const DESCRIPTION_CHARS_MAX = 90;

export const skills: Command = {
  name: "skills",
  about: "list the skills that reef comes with, or publish them to SkillHub",
  positionals: "<list|publish> [name…]",
  takes: [1, NAMES_MAX + 1],
  options: {
    dir: { type: "string", value: "<folder>", about: "take the skills of this folder: <name>/SKILL.md" },
    by: { type: "string", value: "<name>", about: 'who publishes (else "operator")' },
    json: JSON_OPTION,
  },
  detail:
    "Without names, publish takes all of them. What the hub already has is left as it is, so that publishing again after an update of reef sends agents only what changed. A skill that was disabled in the hub stays disabled.",
  run,
};

/** What the hub has of a skill. */
interface Published {
  version: number;
  content: string;
  enabled: boolean;
}

/** What happened to one of them; `unchanged` was there already. */
interface Outcome {
  name: string;
  state?: "published" | "updated" | "unchanged";
  version?: number;
  error?: string;
}

async function run(call: Call): Promise<number> {
  const [action = "", ...names] = call.args;
  if (action !== "list" && action !== "publish")
    throw new UsageError(`skills takes list or publish. Received: "${action}"`);
  const files = chosen(await readSkills(call.options.text("dir") ?? PACKAGE_SKILLS), names);
  await requireHub(call.server);
  return action === "list" ? list(call, files) : publishAll(call, files);
}

/** Looked up before anything is done. */
function chosen(files: readonly SkillFile[], names: readonly string[]): readonly SkillFile[] {
  if (names.length === 0) return files;
  return names.map((name) => {
    const file = files.find((one) => one.name === name);
    if (file) return file;
    throw new UsageError(
      `there is no skill "${name}"; there are ${files.map((one) => one.name).join(", ") || "none"}`,
    );
  });
}

async function requireHub(server: Connection): Promise<void> {
  const found = await orAbsent(server.api("GET", "/skills/manifest"));
  if (found === undefined)
    throw new Error("the server has no SkillHub; enable it with: reef fleet enable skills");
}

async function list({ server, options, terminal: { out } }: Call, files: readonly SkillFile[]) {
  const rows: { name: string; state: string; description: string }[] = [];
  for (const file of files) {
    const { name, description } = file;
    rows.push({ name, state: stateOf(file, await publishedAs(server, name)), description });
  }
  if (options.flag("json")) out.write(`${JSON.stringify({ skills: rows, count: rows.length }, null, 2)}\n`);
  else for (const line of table(cellsOf(rows))) out.write(`${line}\n`);
  return DONE;
}

function cellsOf(rows: readonly { name: string; state: string; description: string }[]): string[][] {
  const cells = rows.map(({ name, state, description }) => [
    plain(name),
    state,
    oneLine(description, DESCRIPTION_CHARS_MAX),
  ]);
  return [["NAME", "IN THE HUB", "WHEN TO USE IT"], ...cells];
}

function stateOf(file: SkillFile, published: Published | undefined): string {
  if (!published) return "-";
  const differs = published.content === file.content ? "" : ", differs";
  return `version ${published.version}${differs}${published.enabled ? "" : ", disabled"}`;
}

async function publishAll(call: Call, files: readonly SkillFile[]): Promise<number> {
  const { options, terminal } = call;
  const publishedBy = options.text("by")?.trim() || "operator";
  const outcomes: Outcome[] = [];
  for (const file of files) {
    const outcome = await publish(call.server, file, publishedBy);
    outcomes.push(outcome);
    if (!options.flag("json")) show(call, outcome);
  }
  if (options.flag("json")) terminal.out.write(`${JSON.stringify(outcomes)}\n`);
  return outcomes.some(({ error }) => error !== undefined) ? FAILED : DONE;
}

/** One that fails keeps no other back. */
async function publish(server: Connection, file: SkillFile, publishedBy: string): Promise<Outcome> {
  const { name } = file;
  try {
    const before = await publishedAs(server, name);
    const { version } = await server.api<Published>("POST", "/skills/items", { ...file, publishedBy });
    if (!before) return { name, state: "published", version };
    return { name, state: version === before.version ? "unchanged" : "updated", version };
  } catch (error) {
    if (!(error instanceof ServerError)) throw error;
    return { name, error: messageOf(error) };
  }
}

function publishedAs(server: Connection, name: string): Promise<Published | undefined> {
  return orAbsent(server.api<Published>("GET", `/skills/items/${encodeURIComponent(name)}`));
}

async function orAbsent<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof ServerError && error.status === 404) return undefined;
    throw error;
  }
}

function show({ terminal: { out, err } }: Call, { name, state, version, error }: Outcome): void {
  if (error !== undefined) err.write(`${plain(`${name}: ${error}`)}\n`);
  else out.write(`${state} ${plain(name)} (version ${version})\n`);
}

// Brings a machine's skills and extensions in step with the SkillHub: says what it has, and does what it is told.
import { join } from "node:path";
import { messageOf } from "../core/errors.js";
import { hashOf } from "./skills-file.js";
import { createHubFolder, type Held, isItemName } from "./skills-folder.js";
import { keepLoader, TAKEN_NAMES } from "./skills-loader.js";
import { HUB, ownExtensions, ownSkills } from "./skills-own.js";
import { type HubRemote, HubUnavailable, type ItemType, type Update } from "./skills-remote.js";

/** The hub takes no longer reports. */
const ITEMS_MAX = 1_000;
/** The last one finds nothing to do, and so tells the hub what there is now. */
const ROUNDS_MAX = 3;

export interface Outcome {
  type: ItemType;
  name: string;
  /** `left alone`: the machine has one of that name by itself. */
  state: "installed" | "updated" | "removed" | "unchanged" | "left alone" | "failed";
  /** Of a failure. */
  reason?: string;
}

export interface SkillSync {
  /**
   * Undefined when the server has no SkillHub. Rejects when it cannot be asked, and what was done until then stays. One
   * item that fails keeps no other back.
   */
  run(): Promise<Outcome[] | undefined>;
}

/** `agentDir` is pi's own folder. Ends between two items when `signal` aborts. */
export function createSkillSync(remote: HubRemote, agentDir: string, signal: AbortSignal): SkillSync {
  const folders = {
    skill: createHubFolder(join(agentDir, "skills", HUB), () => "SKILL.md"),
    extension: createHubFolder(join(agentDir, "extensions", HUB), (name) => `${name}.ts`),
  };

  async function readHeld(): Promise<Record<ItemType, Held[]>> {
    const [skill, extension] = await Promise.all([folders.skill.read(), folders.extension.read()]);
    return { skill: skill.slice(0, ITEMS_MAX), extension: extension.slice(0, ITEMS_MAX) };
  }

  /** What somebody has made under a name of the hub's goes before the hub's. */
  async function makeWay(own: Own, outcomes: Outcomes): Promise<void> {
    const held = await readHeld();
    for (const type of TYPES)
      for (const { name } of held[type].filter((one) => own[type].has(one.name)))
        await outcomes.attempt({ type, name }, async () => {
          await folders[type].remove(name);
          return "left alone";
        });
  }

  async function apply(update: Update, held: Held[], own: Own): Promise<Outcome["state"] | undefined> {
    const { type, name, action } = update;
    if (!isItemName(name)) throw new Error("this is no name of an item");
    if (own[type].has(name)) return "left alone";
    const isHeld = held.some((one) => one.name === name);
    if (action === "remove") {
      if (!isHeld) return undefined;
      await folders[type].remove(name);
      return "removed";
    }
    if (!isHeld && held.length >= ITEMS_MAX) throw new Error(`there are ${ITEMS_MAX} ${type}s already`);
    const item = await remote.read(type, name);
    if (!item) return undefined;
    checkHash(item, update);
    await folders[type].write(item);
    if (!isHeld) held.push(item);
    return isHeld ? "updated" : "installed";
  }

  async function round(own: Own, outcomes: Outcomes): Promise<"done" | "go on" | "no hub"> {
    const held = await readHeld();
    const updates = await remote.sync(held);
    if (!updates) return "no hub";
    const before = outcomes.changes();
    for (const update of updates.filter((one) => !outcomes.has(one))) {
      signal.throwIfAborted();
      await outcomes.attempt(update, () => apply(update, held[update.type], own));
    }
    return outcomes.changes() > before ? "go on" : "done";
  }

  return {
    async run() {
      const outcomes = createOutcomeList();
      const [skill, extension] = await Promise.all([ownSkills(agentDir), ownExtensions(agentDir)]);
      const own = { skill, extension: new Set([...extension, ...TAKEN_NAMES]) };
      await makeWay(own, outcomes);
      for (let n = 0; n < ROUNDS_MAX; n++) {
        const state = await round(own, outcomes);
        if (state === "no hub") return undefined;
        if (state === "done") break;
      }
      const held = await readHeld();
      const names = held.extension.map(({ name }) => name);
      if (names.length > 0 || outcomes.list().some(({ type }) => type === "extension"))
        await keepLoader(folders.extension.path, names);
      return [...outcomes.list(), ...outcomes.unchanged(held)];
    },
  };
}

const TYPES: readonly ItemType[] = ["skill", "extension"];

const CHANGED: ReadonlySet<Outcome["state"]> = new Set(["installed", "updated", "removed"]);

type Own = Record<ItemType, ReadonlySet<string>>;
type Named = Pick<Outcome, "type" | "name">;

interface Outcomes {
  has(item: Named): boolean;
  /** Keeps what became of an item. What fails is this one alone, unless nobody can be asked any more. */
  attempt(item: Named, work: () => Promise<Outcome["state"] | undefined>): Promise<void>;
  list(): Outcome[];
  /** How many items are not what they were. */
  changes(): number;
  unchanged(held: Record<ItemType, Held[]>): Outcome[];
}

function createOutcomeList(): Outcomes {
  const found = new Map<string, Outcome>();
  const keyOf = ({ type, name }: Named) => `${type} ${name}`;
  const put = ({ type, name }: Named, rest: Pick<Outcome, "state" | "reason">) =>
    found.set(keyOf({ type, name }), { type, name, ...rest });
  return {
    has: (item) => found.has(keyOf(item)),
    async attempt(item, work) {
      try {
        const state = await work();
        if (state) put(item, { state });
      } catch (error) {
        if (error instanceof HubUnavailable) throw error;
        put(item, { state: "failed", reason: messageOf(error) });
      }
    },
    list: () => [...found.values()],
    changes: () => [...found.values()].filter(({ state }) => CHANGED.has(state)).length,
    unchanged: (held) =>
      TYPES.flatMap((type) =>
        held[type].map(({ name }): Outcome => ({ type, name, state: "unchanged" })),
      ).filter((item) => !found.has(keyOf(item))),
  };
}

/** A hub that has gone on meanwhile has another hash, which is then the one to go by. */
function checkHash({ content, hash, version }: Held & { content: string }, update: Update): void {
  const isSame = update.hash === undefined || version !== update.version || update.hash === hash;
  if (hashOf(content) !== hash || !isSame) throw new Error("its content has not the hash that the hub names");
}

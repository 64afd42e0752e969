// The ledger of commits as agents use it.
import type { ExtensionAPI } from "@mariozechner/pi-coding-agent";
import { Type } from "typebox";
import { jsonAnswer, listToolAnswer, type ToolAnswer, toolAnswer } from "#core/http.js";
import type { FleetClient } from "#core/types.js";
import type { Commit } from "./commit.js";

interface Page {
  commits: Commit[];
  count: number;
  cursor: string | null;
  total: number;
}

/** Spread in, for pi's own type of a tool does not know annotations. */
const READ_ONLY = { annotations: { readOnly: true } };

export function registerTools(pi: ExtensionAPI, client: FleetClient): void {
  pi.registerTool({
    name: "commits_record",
    label: "Commits: record",
    description:
      "Records a snapshot of a VM, so that it is found again. vers_vm_commit is recorded by itself; use this for snapshots taken otherwise.",
    parameters: Type.Object({
      commitId: Type.String({ description: "The snapshot's id" }),
      vmId: Type.String({ description: "The VM that it was taken of" }),
      label: Type.Optional(Type.String({ description: "What it is, in a few words" })),
      tags: Type.Optional(
        Type.Array(Type.String(), {
          description: "Such as golden, stable, broken, wip, backup, rollback-point",
        }),
      ),
      agent: Type.Optional(Type.String({ description: "Who took it; you, when left out" })),
    }),
    execute: (_id, { agent = client.agentName, ...commit }) =>
      toolAnswer(
        client,
        async () => jsonAnswer(client, "commit", await client.api("POST", "/commits", { agent, ...commit })),
        {
          advice: ({ status }) =>
            status === 409 ? "nothing is left to do; commits_list shows what is recorded of it" : undefined,
        },
      ),
  });
  pi.registerTool({
    name: "commits_list",
    label: "Commits: list",
    description:
      "Lists recorded snapshots, newest first. Use it to find the point to restore or to branch from.",
    ...READ_ONLY,
    parameters: Type.Object({
      tag: Type.Optional(Type.String({ description: "Only with this tag" })),
      vmId: Type.Optional(Type.String({ description: "Only of this VM" })),
      limit: Type.Optional(Type.Integer({ minimum: 1, description: "At most so many" })),
      before: Type.Optional(Type.String({ description: "Only entries older than the one with this id" })),
    }),
    execute: (_id, query) => toolAnswer(client, () => list(client, query)),
  });
}

async function list(
  client: FleetClient,
  query: Record<string, string | number | undefined>,
): Promise<ToolAnswer> {
  const given = Object.entries(query).filter(([, value]) => value !== undefined);
  const search = new URLSearchParams([
    ["total", "true"],
    ...given.map(([name, value]) => [name, String(value)]),
  ]);
  const { commits, total, cursor } = await client.api<Page>("GET", `/commits?${search}`);
  return listToolAnswer(client, "result", {
    items: commits,
    total,
    more: ({ id }) => `pass before: "${id}"`,
    details: (shown) => ({ commits: shown, count: shown.length, cursor }),
  });
}

// The scaffold as agents use it.
import type { ExtensionAPI } from "@mariozechner/pi-coding-agent";
import { Type } from "typebox";
import { jsonAnswer, toolAnswer } from "#core/http.js";
import type { FleetClient } from "#core/types.js";
import { METHODS } from "./route-list.js";

const BodyField = Type.Object({
  type: Type.String({ description: "string, number, integer, boolean, object or array" }),
  required: Type.Optional(Type.Boolean()),
  description: Type.Optional(Type.String()),
});

const Route = Type.Object({
  method: Type.Union(METHODS.map((method) => Type.Literal(method))),
  path: Type.String({ description: "Below the service, such as / or /items/:id" }),
  description: Type.Optional(Type.String({ description: "What it does, one sentence" })),
  body: Type.Optional(Type.Record(Type.String(), BodyField, { description: "The fields that it takes" })),
  response: Type.Optional(Type.String({ description: "What it answers, such as { id, value }" })),
});

const Service = Type.Object({
  name: Type.String({ description: "Lower case, with hyphens" }),
  description: Type.Optional(Type.String({ description: "What the service is for, one sentence" })),
  routes: Type.Optional(Type.Array(Route)),
  store: Type.Optional(
    Type.Union([Type.Boolean(), Type.Literal("sqlite")], {
      description: '"sqlite" for data that must not be lost; true for a small JSON file',
    }),
  ),
  tools: Type.Optional(Type.Boolean({ description: "A tool for each route" })),
  panel: Type.Optional(Type.Boolean({ description: "A panel for the dashboard" })),
  behaviors: Type.Optional(Type.Boolean({ description: "Code that runs by itself in agents' sessions" })),
  dependencies: Type.Optional(
    Type.Array(Type.String(), { description: "Services that it cannot be without" }),
  ),
  requiresAuth: Type.Optional(Type.Boolean({ description: "false: open to everybody" })),
  capabilities: Type.Optional(Type.Array(Type.String())),
  readme: Type.Optional(Type.Boolean()),
  load: Type.Optional(Type.Boolean({ description: "false: write the files only" })),
  preview: Type.Optional(Type.Boolean({ description: "true: show the files and write nothing" })),
});

export function registerTools(pi: ExtensionAPI, client: FleetClient): void {
  pi.registerTool({
    name: "scaffold_create",
    label: "Scaffold: create a service",
    description:
      "Writes the skeleton of a new service, with tests that pass, and loads it. Use it to begin a service; then edit its files and deploy it.",
    parameters: Service,
    execute: (_id, { preview = false, ...service }) =>
      toolAnswer(
        client,
        async () => {
          const path = preview ? "/scaffold/preview" : "/scaffold/create";
          return jsonAnswer(client, "result", await client.api("POST", path, service));
        },
        {
          advice: ({ status }) =>
            status === 409 ? "take another name, or edit the files that are there" : undefined,
        },
      ),
  });
}

// Routes of refs: where they point, and moving or deleting one by hand.
import type { Hono } from "hono";
import { ReefError } from "../core/errors.js";
import { readBody } from "../core/http.js";
import { planRefMove, REF_NAME, type RefMove } from "../tasks/refs.js";
import type { ReefParts } from "./parts.js";
import { RefBody } from "./schemas.js";

export function addRefRoutes(routes: Hono, parts: ReefParts): void {
  routes.get("/refs", async (c) => c.json({ refs: await parts.tree.refs() }));

  routes.put("/refs/:name", async (c) => {
    const name = c.req.param("name");
    if (!REF_NAME.test(name)) {
      const message = `name must match ${REF_NAME.source}. Received: ${JSON.stringify(name)}`;
      throw new ReefError("bad_request", message);
    }
    const { nodeId, expected } = await readBody(c, RefBody);
    const previous = await move(parts, { name, to: nodeId, expected });
    return c.json({ name, nodeId, previous });
  });

  routes.delete("/refs/:name", async (c) => {
    const name = c.req.param("name");
    await move(parts, { name, to: null });
    return c.json({ deleted: name });
  });
}

/** Resolves with where the ref was, once the move is on disk. */
async function move({ tree, cause }: ReefParts, asked: Omit<RefMove, "causeId">): Promise<string | null> {
  const causeId = cause();
  let from: string | null = null;
  await tree.commit((tx) => {
    const plan = planRefMove(tx, { ...asked, causeId });
    from = plan.from;
    return plan;
  });
  return from;
}

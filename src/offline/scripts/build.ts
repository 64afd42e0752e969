// An agent that builds a service: it writes one with a mistake, reads what the failing deploy says, repairs it, deploys
// again and calls the new tool, all in one task.
import { type CallResult, script, use } from "../script.js";
import { outcome, paragraphs, signed } from "../words.js";
import { MISTAKE, votesService } from "./votes-service.js";

export const buildService = script({
  prompts: ["Build a service that counts votes.", "Build a service called `polls` that counts votes"],
  does: "writes a service with a store, routes, a tool and a test, deploys it with `reef_deploy`, repairs what its test finds, deploys again and calls the new tool",
  needs: ["reef_manifest", "reef_deploy", "write", "edit"],
  when: /^build (?:me )?a service(?: called `?([a-z][a-z0-9-]{0,40})`?)? that counts votes\.?$/i,
  *play([, called]) {
    const name = called || "votes";
    const manifest = yield* use("reef_manifest", {}, "First I look where services live.");
    const servicesDir = /^services folder: (.+)$/m.exec(manifest.text)?.[1];
    if (servicesDir === undefined) return signed(outcome("`reef_manifest`", manifest, "answered"));
    const folder = `${servicesDir}/${name}`;
    const files = votesService(name);
    const written = yield {
      text: `I write the service ${name}, with a test.`,
      calls: files.map(({ path, content }) => ({
        name: "write",
        input: { path: `${folder}/${path}`, content },
      })),
    };
    const unwritten = written.find(({ isError }) => isError);
    if (unwritten) return signed(outcome("Writing the service", unwritten));

    const first = yield* use("reef_deploy", { name }, "Now I deploy it.");
    let last = first;
    if (first.isError) {
      yield* use("edit", { path: `${folder}/store.ts`, edits: [MISTAKE] }, whatFailed(first));
      last = yield* use("reef_deploy", { name }, "I deploy it again.");
    }
    if (last.isError) return signed(outcome("The second deploy", last));
    const vote = yield* use(`${name}_cast`, { choice: "tea" }, "It is live, so I call its tool.");
    return signed(paragraphs(last.text, outcome(`\`${name}_cast\``, vote, "answered")));
  },
});

/** The test that failed, as the runner names it. */
function whatFailed({ text }: CallResult): string {
  const failed = /^\(fail\) (.+?)(?: \[[\d.]+m?s\])?$/m.exec(text)?.[1];
  const finding = failed === undefined ? "The deploy failed." : `The test "${failed}" failed.`;
  return `${finding} The tally is in the wrong order: I mend store.ts.`;
}

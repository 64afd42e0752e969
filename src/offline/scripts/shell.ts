// Commands, run by the agent's real bash: one, several at the same time, and one between two sentences.
import { script, use } from "../script.js";
import { list, outcome, signed } from "../words.js";

export const runOne = script({
  prompts: ["Run `ls`.", "bash: ls"],
  does: "runs the command with `bash` and answers with what it printed",
  needs: ["bash"],
  when: (text) => /^(?:run `([^`]+)`\.?|bash: ([\s\S]+))$/i.exec(text)?.slice(1).find(Boolean),
  *play(command) {
    const result = yield* use("bash", { command });
    return signed(outcome(`\`${command}\``, result));
  },
});

export const runSeveral = script({
  prompts: ["Run `echo one` and `echo two` at the same time.", "Run echo one and echo two in parallel"],
  does: "calls `bash` once for each command, all in one message, and answers from all the results",
  needs: ["bash"],
  when: commandsOf,
  *play(commands) {
    const results = yield { calls: commands.map((command) => ({ name: "bash", input: { command } })) };
    return signed(list(results.map((result, at) => outcome(`\`${commands[at]}\``, result))));
  },
});

export const sayAndRun = script({
  prompts: ["Say hello, then run `echo hi`, then say bye"],
  does: "one message with text and a `bash` call, then one with text alone",
  audience: "tests",
  needs: ["bash"],
  when: /^say (.+?), then run `([^`]+)`,? then say (.+?)\.?$/i,
  *play([, first = "", command = "", last = ""]) {
    yield* use("bash", { command }, first);
    return last;
  },
});

function commandsOf(text: string): string[] | undefined {
  const list = /^run (.+?) (?:in parallel|at the same time|at once)\.?$/is.exec(text)?.[1];
  if (!list) return undefined;
  const marked = Array.from(list.matchAll(/`([^`]+)`/g), ([, command = ""]) => command);
  const commands = marked.length > 0 ? marked : list.split(/, and |, | and /);
  return commands.length > 1 ? commands : undefined;
}

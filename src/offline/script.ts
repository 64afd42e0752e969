// What a script is, and how it is played: as if it ran straight through, again for each request, on real results.

/** A call that a script makes. */
export interface Call {
  name: string;
  input: Record<string, unknown>;
}

/** What a tool answered, as the request's messages have it. */
export interface CallResult {
  text: string;
  isError: boolean;
}

/** A call that stands in the messages; `result` is missing when it was interrupted and has to be made again. */
export interface RecordedCall extends Call {
  result?: CallResult;
}

/** One model message that calls tools, all at the same time. */
export interface Step {
  /** Said in the same message, before the calls. */
  text?: string;
  calls: readonly Call[];
}

/** What ends a script. */
export interface Answer {
  text: string;
  stop?: "max_tokens";
  /** Milliseconds between two words. */
  pauseMs?: number;
}

/** One model message, whole. */
export interface Reply extends Answer {
  thinking?: string;
  calls: readonly Call[];
}

/**
 * Written as straight code: `yield` makes one message's calls and gives back their results, in the order of the
 * calls; the returned text is the answer. It must be a pure function of its match, its conversation and those
 * results, since it is played from the beginning for each request: what has a result is handed over, the first
 * step that lacks one becomes the reply.
 */
export type Play = Generator<Step, Answer | string, readonly CallResult[]>;

/** What a script may know beside its prompt. */
export interface Scene {
  /** Tools offered in this request. */
  tools: ReadonlySet<string>;
  /** Everything said before the prompt, oldest first: user texts, replies, tool results. */
  before: readonly string[];
}

export interface Script {
  /** Prompts that set it off, as the README publishes them. Each has a test. */
  prompts: readonly string[];
  /** What it does, for the README. */
  does: string;
  /** For whom it is: the prompts for people are listed in the fallback answer. */
  audience: "people" | "tests";
  /** Tools without which it does not begin. */
  needs: readonly string[];
  /** Undefined when the text is not one of its prompts. */
  begin(text: string, scene: Scene): Answer | string | Play | undefined;
}

export interface ScriptParts<Match> extends Pick<Script, "prompts" | "does"> {
  audience?: Script["audience"];
  needs?: readonly string[];
  /** What it takes from a prompt, or nothing when the text is not for it. */
  when: RegExp | ((text: string) => Match | null | undefined);
  play(match: Match, scene: Scene): Answer | string | Play;
}

/** A script of its parts; with a pattern for `when`, the match is the array of its groups. */
export function script<Match = readonly string[]>(parts: ScriptParts<Match>): Script {
  const { when, play, audience = "people", needs = [], prompts, does } = parts;
  return {
    prompts,
    does,
    audience,
    needs,
    begin(text, scene) {
      const match = when instanceof RegExp ? groups<Match>(when, text) : when(text);
      return match === null || match === undefined ? undefined : play(match, scene);
    },
  };
}

/** One call, alone in its message. */
export function* use(
  name: string,
  input: Record<string, unknown>,
  text?: string,
): Generator<Step, CallResult, readonly CallResult[]> {
  const [result] = yield { text, calls: [{ name, input }] };
  if (!result) throw new Error(`A call of ${name} was handed no result.`);
  return result;
}

/** The reply that continues a play, given the calls that were made for it so far. */
export function replay(played: Answer | string | Play, made: readonly RecordedCall[]): Reply {
  if (typeof played === "string") return { text: played, calls: [] };
  if (!(Symbol.iterator in played)) return { ...played, calls: [] };
  const unused = made.filter((call) => call.result !== undefined);
  let move = played.next([]);
  while (!move.done) {
    const results = resultsOf(move.value, unused);
    if (!results.every((result) => result !== undefined)) return missing(move.value, results);
    move = played.next(results);
  }
  return replay(move.value, []);
}

function groups<Match>(pattern: RegExp, text: string): Match | undefined {
  const found = pattern.exec(text);
  return found ? (Array.from(found, (group) => group ?? "") as Match) : undefined;
}

/**
 * Calls are found again by name and input. A call whose input is not what the script made (a secret in it was
 * redacted in the record) is found by its name, so that no script makes the same call for ever.
 */
function resultsOf(step: Step, unused: RecordedCall[]): (CallResult | undefined)[] {
  if (step.calls.length === 0) throw new Error("A step of a script has no call.");
  const exact = step.calls.map((call) =>
    take(unused, (made) => made.name === call.name && Bun.deepEquals(made.input, call.input)),
  );
  return step.calls.map((call, index) => exact[index] ?? take(unused, (made) => made.name === call.name));
}

function take(unused: RecordedCall[], fits: (call: RecordedCall) => boolean): CallResult | undefined {
  const index = unused.findIndex(fits);
  return index < 0 ? undefined : unused.splice(index, 1)[0]?.result;
}

function missing(step: Step, results: readonly (CallResult | undefined)[]): Reply {
  const calls = step.calls.filter((_, index) => results[index] === undefined);
  return { text: calls.length === step.calls.length ? (step.text ?? "") : "", calls };
}

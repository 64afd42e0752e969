// Pure: a conversation -> the next model message, and the failures that the newest prompt asks for at this point.
import type { Conversation, Turn } from "./conversation.js";
import type { Fault } from "./faults.js";
import { help } from "./help.js";
import { type Prompt, readPrompt } from "./prompt.js";
import { type Reply, replay } from "./script.js";
import { scripts } from "./scripts.js";
import { paragraphs, quoted, SIGNATURE, signed } from "./words.js";

export interface Move {
  reply: Reply;
  /** In the order in which they happen, before the reply comes through. */
  faults: readonly Fault[];
  /** What failures are counted by. A compaction may change the messages between two attempts, but not this. */
  attempt: string;
}

/** A waiting turn with what its text asks for. */
interface Asked {
  turn: Turn;
  prompt: Prompt;
  /** What its script does next; undefined when no script knows the text. */
  reply: Reply | undefined;
}

type Scripted = Asked & { reply: Reply };

/**
 * The newest text that is a script's prompt leads. Texts after it that are no prompt (a steer such as `Also say
 * pineapple`) are acknowledged in the next message and in the answer; of a task that it replaces, results that
 * just came in are still reported.
 */
export function nextMove(conversation: Conversation): Move {
  const asked = conversation.open.map((turn) => ask(turn, conversation));
  const newest = asked.at(-1);
  if (!newest) return { reply: { text: help(), calls: [] }, faults: [], attempt: "" };
  const leading = asked.findLast(isScripted);
  const reply = leading ? led(leading, asked) : remarked(asked);
  const { turn, prompt } = newest;
  return {
    reply: permitted(thinking(reply, newest, conversation), conversation),
    faults: prompt.faults.filter(({ after }) => after === turn.messages.length),
    attempt: `${turn.messages.length} ${turn.text}`,
  };
}

function ask(turn: Turn, conversation: Conversation): Asked {
  const prompt = readPrompt(turn.text);
  const scene = { tools: conversation.tools, before: turn.before };
  for (const script of scripts) {
    const played = script.begin(prompt.text, scene);
    if (played === undefined) continue;
    const lacking = script.needs.find((tool) => !conversation.tools.has(tool));
    const made = turn.messages.flat();
    return { turn, prompt, reply: lacking && made.length === 0 ? without(lacking) : replay(played, made) };
  }
  return { turn, prompt, reply: undefined };
}

function isScripted(asked: Asked): asked is Scripted {
  return asked.reply !== undefined;
}

/** The leading script's message, with what was asked before it and after it. */
function led(leading: Scripted, asked: readonly Asked[]): Reply {
  const { reply, turn } = leading;
  const at = asked.indexOf(leading);
  const earlier = turn.messages.length === 0 ? asked.slice(0, at).map(leftover) : [];
  const news = asked
    .slice(at + 1)
    .filter((one) => reply.calls.length === 0 || one.turn.messages.length === 0);
  return { ...reply, text: paragraphs(...earlier, reply.text, ...acknowledged(news)) };
}

/** No script at all: what was said, and what could be asked. */
function remarked(asked: readonly Asked[]): Reply {
  const strange = asked.some(({ prompt }) => prompt.text !== "");
  return { text: paragraphs(...acknowledged(asked), strange ? help() : ""), calls: [] };
}

/** What an earlier task still has to say when another one takes over: its answer, if its last results complete it. */
function leftover({ reply, turn, prompt }: Asked): string {
  if (!reply) return turn.messages.length === 0 && prompt.text !== "" ? quoted(prompt.text) : "";
  return reply.calls.length === 0 && turn.messages.length > 0 ? reply.text : "";
}

/** Of texts that only ask for a failure or for thoughts, the newest alone is an attempt that came through. */
function acknowledged(asked: readonly Asked[]): string[] {
  const heard = asked.filter(({ prompt }, at) => prompt.text !== "" || at === asked.length - 1);
  return heard.map(({ prompt }) => acknowledgement(prompt));
}

function acknowledgement({ text, faults, thinking }: Prompt): string {
  if (text !== "") return quoted(text);
  const failures = faults.map(({ kind }) => kind.name).join(", ");
  return failures !== ""
    ? `Here is the reply that was held up by: ${failures}.`
    : `I thought about this: ${thinking}`;
}

/** Thoughts come with the first message of the turn that has them, when the request wants any. */
function thinking(reply: Reply, { prompt, turn }: Asked, conversation: Conversation): Reply {
  const wanted = conversation.thinking && prompt.thinking !== "" && turn.messages.length === 0;
  return wanted ? { ...reply, thinking: prompt.thinking } : reply;
}

/** A request may forbid calls, as the agent does on the last allowed model call of a turn. */
function permitted(reply: Reply, conversation: Conversation): Reply {
  if (reply.calls.length === 0 || !conversation.toolsForbidden) return reply;
  const names = reply.calls.map(({ name }) => `\`${name}\``).join(", ");
  return {
    ...reply,
    calls: [],
    text: paragraphs(reply.text, `Next I would call ${names}, but this request forbids tools.`, SIGNATURE),
  };
}

function without(tool: string): Reply {
  return { text: signed(`I need the tool \`${tool}\` for this, and it is not offered here.`), calls: [] };
}

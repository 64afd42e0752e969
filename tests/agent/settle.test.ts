// The settled test, case by case (spec pi §5).
import { describe, expect, test } from "bun:test";
import { type Heard, hear, type Settling, UNSETTLED } from "../../src/agent/settle.js";

const retry: Heard = {
  type: "auto_retry_start",
  attempt: 1,
  maxAttempts: 3,
  delayMs: 1,
  errorMessage: "529",
};
const gaveUp: Heard = { type: "auto_retry_end", success: false, attempt: 3, finalError: "529" };
const recovered: Heard = { type: "auto_retry_end", success: true, attempt: 1 };
const compacting: Heard = { type: "compaction_start", reason: "threshold" };
const start: Heard = { type: "agent_start" };
const end: Heard = { type: "agent_end" };
const prompting: Heard = { type: "prompting" };
const prompted: Heard = { type: "prompted" };

function compacted(willRetry: boolean, summary?: string): Heard {
  return { type: "compaction_end", reason: "x", aborted: false, willRetry, ...(summary && { summary }) };
}

function state(
  probe: number,
  is: { streaming?: boolean; compacting?: boolean; pending?: number } = {},
): Heard {
  return { type: "state", probe, streaming: false, compacting: false, pending: 0, ...is };
}

/** The effects of what is heard one after the other, and the phase at its end. */
function play(...heard: Heard[]): { effects: string[]; phase: string } {
  let settling: Settling = UNSETTLED;
  const effects: string[] = [];
  for (const one of heard) {
    const step = hear(settling, one);
    settling = step.state;
    if (step.effect) effects.push(step.effect);
  }
  return { effects, phase: settling.phase };
}

/** A prompt that began a loop: its answer is followed by a question, whose answer the loop has overtaken. */
const begun = [prompting, prompted, start];

describe("settled", () => {
  test("agent_end alone settles nothing: pi is asked first", () => {
    expect(play(...begun, end)).toEqual({ effects: ["probe", "probe"], phase: "ended" });
  });

  test("an answer without a retry or compaction in between settles", () => {
    expect(play(...begun, end, state(2))).toEqual({
      effects: ["probe", "probe", "settled"],
      phase: "settled",
    });
  });

  test("an answer to an older question says nothing", () => {
    expect(play(...begun, end, state(1)).phase).toBe("ended");
  });

  test("a retry that comes before the answer keeps the run open until its own end", () => {
    const waiting = play(...begun, end, retry, state(2));
    expect(waiting).toEqual({ effects: ["probe", "probe"], phase: "retrying" });
    const done = play(...begun, end, retry, state(2), start, recovered, end, state(3));
    expect(done.effects).toEqual(["probe", "probe", "probe", "settled"]);
  });

  test("retries that are given up settle after their end, once", () => {
    const done = play(...begun, end, retry, start, end, gaveUp, state(3), state(4));
    expect(done.effects.filter((effect) => effect === "settled")).toHaveLength(1);
    expect(done.phase).toBe("settled");
  });

  test("a retry that is cancelled while it waits settles", () => {
    expect(play(...begun, end, retry, gaveUp, state(3)).phase).toBe("settled");
  });

  test("a compaction over the threshold is waited for", () => {
    expect(play(...begun, end, compacting, state(2)).phase).toBe("compacting");
    expect(play(...begun, end, compacting, compacted(false, "s"), state(3)).phase).toBe("settled");
  });

  test("an overflow that is tried again settles after the next agent_end", () => {
    const overflow = [...begun, end, compacting, compacted(true, "s")];
    expect(play(...overflow)).toMatchObject({ phase: "resuming" });
    expect(play(...overflow, start, end, state(3)).phase).toBe("settled");
  });

  test("an overflow that was compacted in vain settles", () => {
    expect(play(...begun, end, compacted(false), state(3)).phase).toBe("settled");
  });

  test("pi starts a loop by itself for what is queued when a compaction ends, and only when it took place", () => {
    const threshold = [...begun, end, compacting];
    expect(play(...threshold, compacted(false, "s"), state(3, { pending: 1 })).phase).toBe("resuming");
    expect(play(...threshold, compacted(false), state(3, { pending: 1 })).phase).toBe("settled");
  });

  test("a prompt that was a command and started no loop settles", () => {
    expect(play(prompting, prompted, state(1))).toEqual({ effects: ["probe", "settled"], phase: "settled" });
  });

  test("a prompt whose loop is on by the time of the answer does not settle", () => {
    const looping = play(prompting, prompted, state(1, { streaming: true }));
    expect(looping).toEqual({ effects: ["probe"], phase: "looping" });
  });

  test("nothing settles while a prompt is not answered", () => {
    const waiting = play(...begun, prompting, end, state(1), state(2));
    expect(waiting).toEqual({ effects: ["probe"], phase: "ended" });
    expect(play(...begun, prompting, end, prompted, state(2)).phase).toBe("settled");
    expect(play(...begun, prompting, end, { type: "refused" }, state(2)).phase).toBe("settled");
  });

  test("a text that is queued in a loop asks nothing; one that comes too late starts the next loop", () => {
    expect(play(...begun, prompting, prompted).effects).toEqual(["probe"]);
    const late = play(...begun, prompting, end, prompted, start, state(2), end, state(3));
    expect(late.effects).toEqual(["probe", "probe", "probe", "settled"]);
  });

  test("a compaction before a prompt belongs to that prompt", () => {
    const early = play(prompting, compacting, compacted(false, "s"));
    expect(early).toEqual({ effects: [], phase: "ended" });
    expect(play(prompting, compacting, compacted(false, "s"), prompted, start, end, state(2)).phase).toBe(
      "settled",
    );
  });

  test("a compaction within a loop leaves the loop on", () => {
    expect(play(...begun, compacting, compacted(false, "s"))).toEqual({
      effects: ["probe"],
      phase: "looping",
    });
  });

  test("a second prompt after the first has settled settles again", () => {
    const twice = play(...begun, end, state(2), prompting, prompted, start, end, state(4));
    expect(twice.effects.filter((effect) => effect === "settled")).toHaveLength(2);
  });

  test("agent_settled is taken when it comes, and pi is not asked any more (spec pi §17.8)", () => {
    const told: Heard = { type: "unknown", name: "agent_settled", data: {} };
    expect(play(...begun, end, told, state(2))).toEqual({
      effects: ["probe", "probe", "settled"],
      phase: "settled",
    });
    const again = play(...begun, end, told, ...begun, end, told);
    expect(again.effects).toEqual(["probe", "probe", "settled", "probe", "settled"]);
    expect(play(...begun, end, state(2), told).effects).toEqual(["probe", "probe", "settled"]);
  });

  test("what has nothing to do with it changes nothing", () => {
    expect(play({ type: "turn_start" }, { type: "unknown", name: "x", data: {} })).toEqual({
      effects: [],
      phase: "idle",
    });
  });
});

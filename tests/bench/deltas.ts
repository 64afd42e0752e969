// How fast the words of a model reach a listener: through pi, its protocol, the redaction and the stream.
import { startReef } from "../flow/reef.js";
import type { Bench } from "./bench.js";
import { median, type Row } from "./table.js";

const CHARACTERS = 60_000;

export async function deltas({ starts, folder }: Bench): Promise<Row[]> {
  const reef = await startReef({ dataDir: folder(), env: { REEF_OFFLINE: "1", REEF_WARM: "1" } });
  const rates: number[] = [];
  for (let round = 0; round < starts; round++) {
    const response = await reef.fetch("/reef/events?types=message_update,task_done,task_error");
    await reef.submit({ task: `long: ${CHARACTERS} characters`, fresh: true });
    rates.push(await rateOf(response));
  }
  const what = `text deltas of a reply of ${CHARACTERS.toLocaleString("en-US")} characters, to a listener`;
  return [{ what, measured: median(rates), unit: "/s" }];
}

/** Deltas per second between the first and the last one. */
async function rateOf(response: Response): Promise<number> {
  const times: number[] = [];
  let text = "";
  for await (const piece of (response.body ?? new ReadableStream()).pipeThrough(new TextDecoderStream())) {
    const frames = (text + piece).split("\n\n");
    text = frames.pop() ?? "";
    for (const frame of frames) if (frame.includes('"text_delta"')) times.push(performance.now());
    if (frames.some((frame) => /"type":"task_(done|error)"/.test(frame))) break;
  }
  return ((times.length - 1) * 1000) / ((times.at(-1) ?? 0) - (times[0] ?? 0));
}

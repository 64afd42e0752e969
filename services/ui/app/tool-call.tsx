// A tool call: its arguments and its result, folded where they are long, errors open, edits as a diff.
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { now } from "./clock.js";
import { CopyButton } from "./copy.tsx";
import { argumentOf } from "./feed-node.js";
import { replyTo } from "./feed-state.js";
import { bill, duration } from "./format.js";
import { Code } from "./markdown.tsx";
import { nodeLink } from "./route.js";
import { usageOf } from "./spend.js";
import { liveTurns, tree } from "./state.js";
import { diffOf, excerpt } from "./texts.js";
import type { ToolResult, TreeNode } from "./types.js";

interface ToolCallProps {
  call: TreeNode;
  result: TreeNode | undefined;
  effects: readonly TreeNode[];
}

export function ToolCall({ call, result, effects }: ToolCallProps) {
  const isBad = result?.isError === true;
  const isOpen = useSignal(isBad);
  useEffect(() => {
    if (isBad) isOpen.value = true;
  }, [isBad, isOpen]);
  const usage = usageOf(call);
  const took = (result?.timestamp ?? now.value) - call.timestamp;
  return (
    <details
      class={isBad ? "call bad-call" : "call"}
      open={isOpen.value}
      onToggle={(event) => (isOpen.value = event.currentTarget.open)}
    >
      <summary>
        <span class="call-name">{call.toolName}</span>
        <span class="call-args">{argumentOf(call.toolParams)}</span>
        {usage && usage.totalTokens > 0 && <span class="muted wide-only">{bill(usage)}</span>}
        <span class={result ? "muted" : "running"}>
          {result ? duration(took) : `running ${duration(took)}`}
        </span>
      </summary>
      {isOpen.value && <CallBody call={call} result={result} effects={effects} />}
    </details>
  );
}

function CallBody({ call, result, effects }: ToolCallProps) {
  return (
    <div class="call-body">
      <Arguments params={call.toolParams} />
      {result ? <Result call={call} node={result} /> : <Printed call={call} />}
      {effects.map((effect) => (
        <p key={effect.id} class="note">
          <span class="chip">{effect.source ?? effect.eventType}</span> {effect.content}
        </p>
      ))}
      <SubTasks call={call} />
      <div class="foot">
        <button type="button" class="quiet small" onClick={() => (replyTo.value = call.id)}>
          Reply here
        </button>
        {result && <CopyButton what="result" text={() => textOf(partsOf(result))} />}
      </div>
    </div>
  );
}

function Arguments({ params }: { params: unknown }) {
  const { path, command, content } = (params ?? {}) as Record<string, unknown>;
  const diff = diffOf(params);
  if (diff) {
    return (
      <>
        <p class="muted">{String(path ?? "")}</p>
        <pre class="code diff">
          {diff.map(({ sign, text }, at) => (
            <span
              key={at}
              class={{ "+": "added", "-": "removed", " ": "" }[sign]}
            >{`${sign} ${text}\n`}</span>
          ))}
        </pre>
      </>
    );
  }
  if (typeof command === "string") return <Long text={command} language="bash" />;
  if (typeof content === "string" && typeof path === "string") {
    return (
      <>
        <p class="muted">{path}</p>
        <Long text={content} language={path.split(".").at(-1)} />
      </>
    );
  }
  return <Long text={JSON.stringify(params ?? {}, null, 2)} language="json" />;
}

function partsOf({ result, content }: TreeNode): ToolResult["content"] {
  return result?.content ?? [{ type: "text", text: content }];
}

function textOf(parts: ToolResult["content"]): string {
  return parts.map((part) => (part.type === "text" ? part.text : "")).join("\n");
}

const IMAGE_TYPES = /^image\/(png|jpeg|gif|webp)$/;

function Result({ call, node }: { call: TreeNode; node: TreeNode }) {
  const truncated = node.meta?.truncated;
  return (
    <div class={node.isError ? "result failed" : "result"}>
      {partsOf(node).map((part, at) => {
        const key = `${part.type} ${at}`;
        if (part.type === "text")
          return <Long key={key} text={part.text || "(no output)"} language={languageOf(part.text, call)} />;
        if (!IMAGE_TYPES.test(part.mimeType)) return <p key={key}>An image of type {part.mimeType}.</p>;
        return <img key={key} alt="Part of the result" src={`data:${part.mimeType};base64,${part.data}`} />;
      })}
      {typeof truncated === "number" && <p class="muted">{truncated} bytes in the middle were not kept.</p>}
    </div>
  );
}

/** Of a file that was read as its name says, of what looks like JSON as that. */
function languageOf(text: string, { toolName, toolParams }: TreeNode): string | undefined {
  if (toolName === "read") return argumentOf(toolParams).split(".").at(-1);
  return /^\s*[[{]/.test(text) ? "json" : undefined;
}

/** What it has printed so far. */
function Printed({ call }: { call: TreeNode }) {
  const text = liveTurns.turns.value.get(call.parentId ?? "")?.printed.get(call.toolCallId ?? "");
  return text ? <pre class="code printed">{text}</pre> : null;
}

/** The tasks that it began, as far as the feed holds them. */
function SubTasks({ call }: { call: TreeNode }) {
  tree.version.value;
  const prompts = tree.forest.children(call.id).filter(({ role }) => role === "user");
  return prompts.map(({ id, line, node }) => (
    <p key={id} class="note">
      <span class="chip">task {node?.taskId}</span> <a href={nodeLink(id)}>{line}</a>
    </p>
  ));
}

/** A long text begins folded. */
function Long({ text, language }: { text: string; language?: string }) {
  const isWhole = useSignal(false);
  const short = excerpt(text);
  if (short === undefined || isWhole.value) return <Code text={text} language={language} />;
  return (
    <>
      <Code text={short} language={language} />
      <button type="button" class="quiet small" onClick={() => (isWhole.value = true)}>
        Show all ({text.split("\n").length} lines, {text.length} characters)
      </button>
    </>
  );
}

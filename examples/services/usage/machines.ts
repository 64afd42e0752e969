// Which machines an agent's tool calls created, destroyed or took a snapshot of.
import { ROLES } from "./vm.js";

/** What one call of `vers_vm_branch` makes at most. */
const MACHINES_MAX = 100;

export interface ToolResultEvent {
  toolName: string;
  /** What the call was given. */
  input: unknown;
  content: unknown;
  details: unknown;
}

/** What is to be recorded of one machine, beside who did it and when. */
export interface MachineChange {
  vmId: string;
  role: (typeof ROLES)[number];
  commitId?: string;
  isDestroyed?: boolean;
}

/** Of a call that did not fail. Ids are in the details of its result, else in the text; no other tools have any. */
export function machineChanges({ toolName, input, content, details }: ToolResultEvent): MachineChange[] {
  const text = textOf(content);
  const role = roleOf(input);
  switch (toolName) {
    case "vers_vm_create":
      return newIds(details, text, /^VM created: (\S+)/gm).map((vmId) => ({ vmId, role }));
    case "vers_vm_branch":
      return newIds(details, text, /^Branched VM \S+ -> (\S+)/gm).map((vmId) => ({ vmId, role }));
    case "vers_vm_restore": {
      const commitId = commitIn(input) ?? /from commit (\S+)/.exec(text)?.[1];
      const ids = newIds(details, text, /-> VM (\S+)/gm);
      return ids.map((vmId) => ({ vmId, role, ...(commitId !== undefined && { commitId }) }));
    }
    case "vers_vm_delete": {
      const vmId = vmIn(details) ?? vmIn(input) ?? /^VM (\S+) deleted/m.exec(text)?.[1];
      return vmId === undefined ? [] : [{ vmId, role, isDestroyed: true }];
    }
    case "vers_vm_commit": {
      const [, vmInText, commitInText] = /^VM (\S+) committed: (\S+)/m.exec(text) ?? [];
      const vmId = vmIn(details) ?? vmIn(input) ?? vmInText;
      const commitId = commitIn(details) ?? commitInText;
      return vmId === undefined || commitId === undefined ? [] : [{ vmId, role: "golden", commitId }];
    }
    default:
      return [];
  }
}

function newIds(details: unknown, text: string, inText: RegExp): string[] {
  const [vms, vmIds] = [fieldOf(details, "vms"), fieldOf(details, "vmIds")];
  const several = [...listOf(vms).map(vmIn), ...listOf(vmIds)];
  const told = [vmIn(details), ...several].filter((id) => typeof id === "string");
  const ids = told.length > 0 ? told : Array.from(text.matchAll(inText), ([, id]) => id ?? "");
  return [...new Set(ids)].slice(0, MACHINES_MAX);
}

function roleOf(input: unknown): MachineChange["role"] {
  const role = fieldOf(input, "role");
  if (role === undefined) return "worker";
  return ROLES.find((one) => one === role) ?? "custom";
}

function vmIn(value: unknown): string | undefined {
  return textAt(value, "vmId") ?? textAt(value, "vm_id");
}

function commitIn(value: unknown): string | undefined {
  return textAt(value, "commitId") ?? textAt(value, "commit_id");
}

function textAt(value: unknown, name: string): string | undefined {
  const text = fieldOf(value, name);
  return typeof text === "string" && text !== "" ? text : undefined;
}

function fieldOf(value: unknown, name: string): unknown {
  const isObject = typeof value === "object" && value !== null;
  return isObject && Object.hasOwn(value, name) ? Reflect.get(value, name) : undefined;
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

/** The text parts of what a tool answered. */
function textOf(content: unknown): string {
  return listOf(content)
    .map((part) => textAt(part, "text") ?? "")
    .join("\n");
}

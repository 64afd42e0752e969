// What a task of the board is, and what a caller has to say to make or change one.
import {
  clearable,
  type Field,
  flag,
  isBlank,
  items,
  LIMITS,
  number,
  oneOf,
  optional,
  type Read,
  text,
  texts,
  time,
  unlessEmpty,
} from "#core/http.js";

export const STATUSES = ["open", "in_progress", "in_review", "blocked", "done"] as const;
export const NOTE_TYPES = ["finding", "blocker", "question", "update"] as const;
export const ARTIFACT_TYPES = ["branch", "report", "deploy", "diff", "file", "url"] as const;

export type Status = (typeof STATUSES)[number];

export const DEPENDENCIES_MAX = 200;
/** In one request. */
const ARTIFACTS_MAX = 100;
export const LEASE_SECONDS = { default: 300, min: 10, max: 86_400 };
const NOBODY = "unknown";

export interface Note {
  id: string;
  author: string;
  content: string;
  type: (typeof NOTE_TYPES)[number];
  /** ISO 8601, as all times here. */
  createdAt: string;
}

export interface Artifact {
  type: (typeof ARTIFACT_TYPES)[number];
  url: string;
  label: string;
  addedAt: string;
  addedBy?: string;
}

export interface Task {
  id: string;
  title: string;
  description?: string;
  status: Status;
  assignee?: string;
  tags: string[];
  /** Ids of tasks, as they were given. */
  dependencies: string[];
  createdBy: string;
  createdAt: string;
  updatedAt: string;
  /** The newest of them, oldest first; `noteCount` counts all. */
  notes: Note[];
  artifacts: Artifact[];
  score: number;
  /** The dependencies that exist and are not done. */
  blockedBy: string[];
  noteCount: number;
  artifactCount: number;
  /** While somebody holds it. */
  lease?: { agent: string; expiresAt: string };
  /** The node of the tree on whose behalf it was made. */
  causeId?: string;
}

/** What one who holds a task is given. */
export interface Lease {
  token: number;
  agent: string;
  seconds: number;
  expiresAt: string;
}

const name = text(LIMITS.nameCharsMax);
const status = oneOf(STATUSES, (sent) => `invalid status: ${sent}`);
const title = text(LIMITS.titleCharsMax);
const longText = text(LIMITS.textCharsMax);
const tags = texts(LIMITS.tagsMax, LIMITS.tagCharsMax);
const dependencies = texts(DEPENDENCIES_MAX, LIMITS.nameCharsMax);
const token = number({ isInteger: true });
const leaseSeconds = number({ isInteger: true, min: LEASE_SECONDS.min, max: LEASE_SECONDS.max });

/** With it every write says that it is made by who holds the task. */
export const HOLDER = { leaseToken: optional(token) };

export const NEW_TASK = {
  title,
  createdBy: name,
  status: optional(status, "open"),
  description: optional(longText),
  assignee: optional(name),
  tags: optional(tags, []),
  dependencies: optional(dependencies, []),
};

export const CHANGES = {
  status: optional(status),
  title: unlessEmpty(title, "title cannot be empty"),
  description: removable(longText),
  assignee: clearable(name),
  tags: optional(tags),
  dependencies: optional(dependencies),
  ifUpdatedAt: optional(time()),
  ...HOLDER,
};

export const NOTE = {
  author: name,
  content: longText,
  type: oneOf(NOTE_TYPES, (sent) => `invalid note type: ${sent}`),
  ...HOLDER,
};

const ARTIFACT = {
  type: oneOf(ARTIFACT_TYPES, (sent) => `invalid artifact type: ${sent}`),
  url: text(LIMITS.urlCharsMax),
  label: name,
  addedBy: optional(name),
};
const ARTIFACT_LIST = { itemsMax: ARTIFACTS_MAX, itemName: "artifact" };

export const ARTIFACTS = {
  artifacts: items(ARTIFACT, {
    ...ARTIFACT_LIST,
    message: "artifacts array is required and must not be empty",
  }),
  ...HOLDER,
};

export const REVIEW = {
  summary: longText,
  reviewedBy: optional(name, NOBODY),
  artifacts: optional(items(ARTIFACT, ARTIFACT_LIST), []),
  ...HOLDER,
};

export const APPROVAL = { approvedBy: optional(name, NOBODY), comment: optional(longText), ...HOLDER };
export const REJECTION = { reason: longText, rejectedBy: optional(name, NOBODY), ...HOLDER };

export const CLAIM = {
  agent: name,
  leaseSeconds: optional(leaseSeconds, LEASE_SECONDS.default),
  force: optional(flag(), false),
  ...HOLDER,
};

export const HEARTBEAT = { token, leaseSeconds: optional(leaseSeconds) };
export const RELEASE = { token, status: optional(status, "open") };
/** The same for who does not know the token and has the board look it up. */
export const OWN_HEARTBEAT = { ...HEARTBEAT, token: optional(token) };
export const OWN_RELEASE = { ...RELEASE, token: optional(token) };

export type NewTask = Read<typeof NEW_TASK>;
export type Changes = Omit<Read<typeof CHANGES>, "ifUpdatedAt" | "leaseToken">;
export type NoteInput = Omit<Note, "id" | "createdAt">;
export type ArtifactInput = Omit<Artifact, "addedAt">;

/** Undefined for what was not sent or is blank, null for null, which takes it away. */
function removable<T>(field: Field<T>): Field<T | null | undefined> {
  return (value, name) => {
    if (value === null) return null;
    return isBlank(value) ? undefined : field(value, name);
  };
}

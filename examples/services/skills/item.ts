// What a skill and an extension of the hub are, and what a caller has to say of one.
import { createHash } from "node:crypto";
import { type Field, flag, LIMITS, optional, refused, text, texts, verbatim } from "#core/http.js";

export type ItemType = "skill" | "extension";

export const CONTENT_CHARS_MAX = 1_000_000;

/** It becomes the name of a folder on the machine of every agent. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

const itemName: Field<string> = (value, field) => {
  const sent = text(LIMITS.nameCharsMax)(value, field);
  if (!NAME.test(sent) || sent.includes("..")) throw refused(`invalid name: ${sent}`);
  return sent;
};

const tags = optional(texts(LIMITS.tagsMax, LIMITS.tagCharsMax));
const enabled = optional(flag());

export const EXTENSION = {
  name: itemName,
  description: text(LIMITS.textCharsMax),
  content: verbatim(CONTENT_CHARS_MAX),
  publishedBy: text(LIMITS.nameCharsMax),
  enabled,
};
/** In the order in which fields are checked. */
export const SKILL = {
  name: EXTENSION.name,
  description: EXTENSION.description,
  content: EXTENSION.content,
  publishedBy: EXTENSION.publishedBy,
  tags,
  enabled,
};

const description = optional(text(LIMITS.textCharsMax));
export const SKILL_CHANGE = { description, tags, enabled };
export const EXTENSION_CHANGE = { description, enabled };

/** For one that is there already, `tags` and `enabled` stay as they are when they are not given. */
export interface Published {
  name: string;
  description: string;
  content: string;
  publishedBy: string;
  tags?: string[] | undefined;
  enabled?: boolean | undefined;
}

export type ItemChange = Partial<Pick<Published, "description" | "tags" | "enabled">>;

/** As it is kept: tags are a JSON array, `enabled` is 0 or 1, times are ISO 8601. */
export interface ItemRow {
  type: ItemType;
  name: string;
  id: string;
  version: number;
  /** How many times the name was published for the first time. */
  incarnation: number;
  description: string;
  content: string;
  hash: string;
  publishedBy: string;
  publishedAt: string;
  updatedAt: string;
  tags: string;
  enabled: number;
}

export interface Item {
  id: string;
  name: string;
  version: number;
  description: string;
  content: string;
  publishedBy: string;
  publishedAt: string;
  updatedAt: string;
  /** Of skills only. */
  tags?: string[];
  enabled: boolean;
  hash: string;
}

/** The keys are in the order in which every answer shows them. */
export function itemOf(row: ItemRow): Item {
  const { id, name, version, description, content, publishedBy, publishedAt, updatedAt } = row;
  return {
    ...{ id, name, version, description, content, publishedBy, publishedAt, updatedAt },
    ...(row.type === "skill" && { tags: JSON.parse(row.tags) }),
    enabled: row.enabled === 1,
    hash: row.hash,
  };
}

/** Of the UTF-8 bytes. */
export function hashOf(content: string): string {
  return `sha256:${createHash("sha256").update(content).digest("hex")}`;
}

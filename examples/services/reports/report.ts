// What a report is, and what a caller has to say of one: to write it, to change it, to share it.
import {
  clearable,
  LIMITS,
  number,
  optional,
  type Read,
  text,
  texts,
  time,
  unlessEmpty,
  verbatim,
} from "#core/http.js";

export const CONTENT_CHARS_MAX = 2_000_000;
/** For content that is not ASCII. */
export const BODY_BYTES_MAX = 4 * 1_048_576;
export const EXPIRES_IN_SECONDS_MAX = 315_360_000;

const tags = texts(LIMITS.tagsMax, LIMITS.tagCharsMax);

export const REPORT = {
  title: text(LIMITS.titleCharsMax),
  author: text(LIMITS.nameCharsMax),
  content: verbatim(CONTENT_CHARS_MAX),
  tags: optional(tags, []),
};

export const CHANGE = {
  title: unlessEmpty(text(LIMITS.titleCharsMax), "title cannot be empty"),
  content: unlessEmpty(verbatim(CONTENT_CHARS_MAX), "content cannot be empty"),
  tags: clearable(tags),
  ifUpdatedAt: optional(time()),
};

export const SHARE = {
  createdBy: optional(text(LIMITS.nameCharsMax), "admin"),
  expiresAt: optional(time()),
  label: optional(text(LIMITS.nameCharsMax)),
  expiresIn: optional(number({ isInteger: true, min: 1, max: EXPIRES_IN_SECONDS_MAX })),
};

export type ReportInput = Read<typeof REPORT>;

/** What of a report is to be another, or is. */
export type Changes = Partial<Pick<Report, "title" | "content" | "tags">>;

/** All but its content. */
export interface ReportHead {
  id: string;
  title: string;
  author: string;
  tags: string[];
  /** ISO 8601. */
  createdAt: string;
  /** ISO 8601; greater with every change. */
  updatedAt: string;
}

export interface Report extends ReportHead {
  content: string;
}

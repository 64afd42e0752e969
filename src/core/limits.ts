// How much the routes of services take and give, unless a route says otherwise.

const limits = {
  /** A service sets it as its `maxBodyBytes`. */
  bodyBytesMax: 1_048_576,
  /** Agents, authors, labels, moods, ids that a caller gives. */
  nameCharsMax: 200,
  titleCharsMax: 500,
  /** Descriptions, notes, details, comments, reasons. */
  textCharsMax: 65_536,
  /** One entry of a log or a journal. */
  entryCharsMax: 262_144,
  tagsMax: 50,
  tagCharsMax: 100,
  urlCharsMax: 2_048,
  /** An object of any form, as JSON. */
  metadataBytesMax: 65_536,
  /** Any other list or map in a body. */
  itemsMax: 1_000,
  /** A list's page ends before it gets larger. */
  pageBytesMax: 8 * 1_048_576,
};

/** Characters are UTF-16 code units, as JavaScript counts them. */
export const LIMITS: Readonly<typeof limits> = Object.freeze(limits);

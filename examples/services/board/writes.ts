// What a write does to a task: everything that belongs to it in the one transaction that it is called in, and nothing of
// what did not change.
import type { Database } from "bun:sqlite";
import { ReefError } from "#core/errors.js";
import { isoTime, timeOf } from "#core/http.js";
import { countBlocker, refuseCircle, removeDependencies, setDependencies } from "./dependencies.js";
import { removeLeases } from "./leases.js";
import { keepNewestId, keysOf, scoreOf, type TaskRow, textsIn } from "./rows.js";
import type { Artifact, ArtifactInput, NewTask, Note, NoteInput, Status } from "./task.js";

/** Of one task. */
const NOTES_MAX = 10_000;
const ARTIFACTS_MAX = 1_000;

export interface Fields {
  title: string;
  description: string | null;
  status: Status;
  assignee: string | null;
  tags: string[];
  dependencies: string[];
  score: number;
}

export interface Edit {
  fields?: Partial<Fields>;
  notes?: readonly NoteInput[];
  artifacts?: readonly ArtifactInput[];
}

/** What did change, with its new values: null for what was taken away, of notes and artifacts the new ones. */
export interface Changed extends Partial<Fields> {
  notes?: Note[];
  artifacts?: Artifact[];
}

export interface Making {
  nextId(): string;
  nowMs: number;
}

/** Returns the id of the new task. */
export function insertTask(
  db: Database,
  input: NewTask & { causeId: string | null },
  { nextId }: Making,
): string {
  const id = nextId();
  const keys = keysOf(input.dependencies);
  refuseCircle(db, id, keys);
  const { title, description = null, status, assignee = null, createdBy, causeId } = input;
  const [tags, dependencies] = [JSON.stringify(input.tags), JSON.stringify(input.dependencies)];
  db.query(
    `INSERT INTO tasks (id, title, description, status, assignee, tags, dependencies, created_by, updated_at, cause_id)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  ).run(id, title, description, status, assignee, tags, dependencies, createdBy, timeOf(id), causeId);
  keepNewestId(db, id);
  setTags(db, id, input.tags, 0);
  setDependencies(db, id, keys);
  if (status !== "done") countBlocker(db, id, 1);
  return id;
}

/** Throws for what cannot be done, before anything is. */
export function checkEdit(
  db: Database,
  before: TaskRow,
  { fields = {}, notes = [], artifacts = [] }: Edit,
): void {
  if (fields.dependencies) refuseCircle(db, before.id, keysOf(fields.dependencies));
  if (before.noteCount + notes.length > NOTES_MAX) throw new ReefError("conflict", "task has too many notes");
  if (before.artifactCount + artifacts.length > ARTIFACTS_MAX)
    throw new ReefError("conflict", "task has too many artifacts");
}

/** True when one more note fits. */
export function hasRoomForNote({ noteCount }: TaskRow): boolean {
  return noteCount < NOTES_MAX;
}

/** Does what was checked. When nothing changes, nothing is written. */
export function applyEdit(db: Database, before: TaskRow, edit: Edit, making: Making): Changed {
  const fields = changedFields(before, edit.fields ?? {});
  const changed: Changed = { ...fields };
  if (edit.notes?.length) changed.notes = addNotes(db, before, edit.notes, making);
  if (edit.artifacts?.length) changed.artifacts = addArtifacts(db, before, edit.artifacts, making);
  if (Object.keys(changed).length === 0) return changed;
  writeFields(db, before, fields, making.nowMs);
  return changed;
}

export function removeTask(db: Database, { id, status }: TaskRow): void {
  db.query("DELETE FROM tasks WHERE id = ?").run(id);
  db.query("DELETE FROM notes WHERE task_id = ?").run(id);
  db.query("DELETE FROM artifacts WHERE task_id = ?").run(id);
  db.query("DELETE FROM task_tags WHERE tagged = ?").run(id);
  removeDependencies(db, id);
  removeLeases(db, id);
  if (status !== "done") countBlocker(db, id, -1);
}

function fieldsOf(row: TaskRow): Fields {
  const { title, description, status, assignee } = row;
  const [tags, dependencies] = [textsIn(row.tags), textsIn(row.dependencies)];
  return { title, description, status, assignee, tags, dependencies, score: scoreOf(row) };
}

function changedFields(before: TaskRow, wanted: Partial<Fields>): Partial<Fields> {
  const old: Readonly<Record<string, unknown>> = { ...fieldsOf(before) };
  const entries = Object.entries(wanted).filter(
    ([name, value]) => value !== undefined && JSON.stringify(value) !== JSON.stringify(old[name]),
  );
  return Object.fromEntries(entries);
}

function writeFields(db: Database, before: TaskRow, changed: Partial<Fields>, nowMs: number): void {
  const { id } = before;
  const after = { ...fieldsOf(before), ...changed };
  const [tags, dependencies] = [JSON.stringify(after.tags), JSON.stringify(after.dependencies)];
  const updatedAt = Math.max(nowMs, before.updatedAt + 1);
  db.query(
    `UPDATE tasks SET title = ?, description = ?, status = ?, assignee = ?, tags = ?, dependencies = ?, rank = ?,
       updated_at = ? WHERE id = ?`,
  ).run(
    after.title,
    after.description,
    after.status,
    after.assignee,
    tags,
    dependencies,
    -after.score,
    updatedAt,
    id,
  );
  if (changed.tags || changed.score !== undefined) setTags(db, id, after.tags, -after.score);
  if (changed.dependencies) setDependencies(db, id, keysOf(after.dependencies));
  const [wasDone, isDone] = [before.status === "done", after.status === "done"];
  if (wasDone !== isDone) countBlocker(db, id, isDone ? -1 : 1);
}

function setTags(db: Database, id: string, tags: readonly string[], rank: number): void {
  db.query("DELETE FROM task_tags WHERE tagged = ?").run(id);
  const insert = db.query("INSERT INTO task_tags VALUES (?, ?, ?)");
  for (const tag of new Set(tags)) insert.run(tag, id, rank);
}

function addNotes(db: Database, before: TaskRow, inputs: readonly NoteInput[], { nextId }: Making): Note[] {
  const insert = db.query("INSERT INTO notes VALUES (?, ?, ?, ?)");
  let { noteCount, noteChars } = before;
  const notes = inputs.map(({ author, content, type }): Note => {
    const id = nextId();
    const note = { id, author, content, type, createdAt: isoTime(timeOf(id)) };
    const json = JSON.stringify(note);
    noteCount++;
    noteChars += json.length;
    insert.run(before.id, noteCount, noteChars, json);
    return note;
  });
  keepNewestId(db, notes.at(-1)?.id ?? "");
  const sql = "UPDATE tasks SET note_count = ?, note_chars = ? WHERE id = ?";
  db.query(sql).run(noteCount, noteChars, before.id);
  return notes;
}

function addArtifacts(
  db: Database,
  { id, artifactCount }: TaskRow,
  inputs: readonly ArtifactInput[],
  { nowMs }: Making,
): Artifact[] {
  const insert = db.query("INSERT INTO artifacts VALUES (?, ?, ?)");
  const artifacts = inputs.map(({ type, url, label, addedBy }, index): Artifact => {
    const artifact: Artifact = { type, url, label, addedAt: isoTime(nowMs) };
    if (addedBy !== undefined) artifact.addedBy = addedBy;
    insert.run(id, artifactCount + index + 1, JSON.stringify(artifact));
    return artifact;
  });
  db.query("UPDATE tasks SET artifact_count = ? WHERE id = ?").run(artifactCount + artifacts.length, id);
  return artifacts;
}

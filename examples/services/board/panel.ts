// The board's panel: a column for each status, and cards on which one notes, bumps, approves and rejects.
import { panel } from "#core/http.js";
import { PANEL_SCRIPT } from "./panel-script.js";
import { NOTE_TYPES, STATUSES } from "./task.js";

const TITLES = {
  open: "Open",
  in_progress: "In progress",
  in_review: "In review",
  blocked: "Blocked",
  done: "Done",
};

const COLUMNS = STATUSES.map(
  (status) => `<section data-column="${status}" aria-label="${TITLES[status]}">
  <h3>${TITLES[status]} <span class="muted" data-count></span></h3>
  <div data-cards></div>
  <p class="muted" data-more hidden></p>
</section>`,
).join("\n");

const NOTE_OPTIONS = [...NOTE_TYPES]
  .reverse()
  .map((type) => `<option>${type}</option>`)
  .join("");

const HTML = `
<div class="bar">
  <label>Assignee <input name="assignee" size="14" placeholder="all" autocomplete="off"></label>
  <label>Tag <input name="tag" size="14" placeholder="all" autocomplete="off"></label>
</div>
<div data-state></div>
<div class="columns">
${COLUMNS}
</div>
<template><select name="type" aria-label="Type of the note">${NOTE_OPTIONS}</select></template>`;

const STYLE = `
& .columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 220px), 1fr)); gap: 12px; align-items: start; }
& h3 { font-size: 14px; margin: 6px 0; }
& .card > * { margin: 2px 0; }
& .card form { display: flex; flex-wrap: wrap; gap: 4px; }
& .card form input { flex: 1 1 100%; min-width: 0; }
& .card summary { cursor: pointer; }
& .card ul { margin: 4px 0; padding-left: 16px; }
& .late { color: var(--orange, light-dark(#bc4c00, #ffa657)); }
`;

export function boardPanel(): string {
  return panel({ name: "board", style: STYLE, html: HTML, script: PANEL_SCRIPT });
}

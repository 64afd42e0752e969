// What stands beside the feed while nothing is selected: a box for a new task, and on the first day how to begin.
import { CopyButton } from "./copy.tsx";
import { Icon } from "./icons.tsx";
import { Outgoings } from "./outgoing.tsx";
import { Reply } from "./reply.tsx";
import { viewLink } from "./route.js";
import { session, tasks, tree } from "./state.js";

const EXAMPLE = "List the services and tell me what each does.";

export function FirstRun() {
  const isFirst = tree.isLoaded.value && tasks.value.size === 0 && !tree.hasOlder.value;
  return (
    <>
      <header class="branch-head narrow-only">
        <a class="button quiet back" href={viewLink("feed")} aria-label="Back to the feed">
          <Icon sign="back" />
        </a>
        <h2>New task</h2>
      </header>
      <div class="branch-scroll">
        <div class="welcome">
          {isFirst ? <Beginning /> : <h2>Select something in the feed, or begin something new</h2>}
          {session.value?.offline && (
            <p class="muted">
              No provider's key is set: the bundled offline model answers, with scripted replies and real
              tools.
            </p>
          )}
        </div>
        <Outgoings place={undefined} />
      </div>
      {tree.root.value !== "" && <Reply parentId={undefined} suggestion={isFirst ? EXAMPLE : ""} />}
    </>
  );
}

function Beginning() {
  const body = JSON.stringify({ task: EXAMPLE });
  const auth = session.value?.mode === "dev" ? "" : ' -H "Authorization: Bearer $VERS_AUTH_TOKEN"';
  const curl = `curl -X POST ${location.origin}/reef/submit${auth} -d '${body}'`;
  return (
    <>
      <h2>Give reef its first task</h2>
      <p>
        Write what you want done into the box below. For example: <q>{EXAMPLE}</q>
      </p>
      <p class="muted">The same from a terminal:</p>
      <pre class="code">{curl}</pre>
      <CopyButton what="curl" text={() => curl} />
    </>
  );
}

// One service's panel, in a frame that can reach nothing but what its service may.
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { go, nodeLink, route } from "./route.js";
import { arePanelsKnown, panels } from "./state.js";
import { shownTheme } from "./theme.js";

export function PanelView() {
  const panel = panels.value.find(({ name }) => name === route.value.name);
  if (!panel) {
    return (
      <p class="empty" role="status">
        {arePanelsKnown.value ? "No such panel: its service is not loaded." : "Loading…"}
      </p>
    );
  }
  const query = route.value.query.toString();
  // Another version of the service gets a new document, and so does another address.
  return (
    <>
      <h1 class="aside">{panel.name}</h1>
      <PanelFrame
        key={`${panel.name} ${panel.version} ${query}`}
        name={panel.name}
        title={panel.title}
        query={query}
      />
    </>
  );
}

interface PanelFrameProps {
  name: string;
  title: string;
  /** What the panel is asked to show. */
  query: string;
}

function PanelFrame({ name, title, query }: PanelFrameProps) {
  const frame = useRef<HTMLIFrameElement>(null);
  const first = useSignal(shownTheme());
  const theme = shownTheme();
  const tell = () => frame.current?.contentWindow?.postMessage({ type: "reef:theme", theme }, "*");
  useEffect(() => {
    tell();
  }, [theme]);
  useEffect(() => {
    function heard({ source, data }: MessageEvent): void {
      if (source !== frame.current?.contentWindow) return;
      const id = nodeIn(data);
      if (id !== undefined) go(nodeLink(id));
    }
    addEventListener("message", heard);
    return () => removeEventListener("message", heard);
  }, []);
  const parameters = new URLSearchParams(query);
  parameters.set("theme", first.value);
  return (
    <iframe
      ref={frame}
      class="panel-frame"
      title={title}
      sandbox="allow-scripts"
      referrerPolicy="no-referrer"
      src={`/ui/panel/${encodeURIComponent(name)}?${parameters}`}
      onLoad={tell}
    />
  );
}

/** The node that a panel asks to open; undefined for any other message. */
function nodeIn(data: unknown): string | undefined {
  if (typeof data !== "object" || data === null) return undefined;
  const { type, nodeId } = data as { type?: unknown; nodeId?: unknown };
  const isId = typeof nodeId === "string" && /^[\w.:-]{1,100}$/.test(nodeId);
  return type === "reef:open" && isId ? nodeId : undefined;
}
